# SPDX-License-Identifier: BSD-2-Clause
"""What fails soon after a reload is taken back: the last good zones and settings are in force again."""
import os
import signal
import time

import dns.message
import dns.query
import pytest

from daemon import Daemon
from halves import ask_hither, server_pid

ZONE = """$TTL 300
@ SOA ns1 hostmaster {serial} 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
HEALTH = """health:
  interval: 100ms
  trial: 1s
"""
FAILING_CHECK = """  exec:
    - name: never
      command: [/bin/false]
      interval: 200ms
      class: local
"""


@pytest.fixture
def hitherd(tmp_path):
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE.format(serial=1)})
    daemon.configuration.write_text(daemon.configuration.read_text() + HEALTH)
    daemon.start()
    daemon.eventually((daemon.directory / "state" / "good" / "hither.yaml").exists, "the first trial to be over")
    daemon.eventually(lambda: not last_good(daemon)["on_trial"], "that to be known")
    yield daemon
    daemon.stop()


def last_good(daemon):
    return ask_hither(daemon, "why")["last_good"]


def serial(daemon):
    query = dns.message.make_query("example.org", "SOA")
    try:
        answer = dns.query.udp(query, "127.0.0.1", port=daemon.port, timeout=1).answer
    except (dns.exception.Timeout, OSError):
        return None
    return answer[0][0].serial if answer else None


def serve_next(daemon):
    """Serial 2, for a trial that lasts as long as the test wants."""
    daemon.configuration.write_text(daemon.configuration.read_text().replace("trial: 1s", "trial: 10m"))
    daemon.write_zone("example.org", ZONE.format(serial=2))
    daemon.reload()
    daemon.eventually(lambda: serial(daemon) == 2, "the new zone")


def kill_server(daemon):
    pid = server_pid(daemon)
    os.kill(pid, signal.SIGABRT)
    daemon.eventually(lambda: server_pid(daemon) not in (pid, None) and serial(daemon), "another server that answers")


def test_a_server_that_keeps_dying_goes_back(hitherd):
    serve_next(hitherd)
    kill_server(hitherd)
    assert serial(hitherd) == 2, "one death may be chance"
    kill_server(hitherd)
    assert serial(hitherd) == 1
    why = ask_hither(hitherd, "why")
    assert why["last_good"]["in_force"]
    assert "back to the last good zones" in hitherd.log()
    hitherd.eventually(lambda: ask_hither(hitherd, "status")["route"]["why"].startswith("back to the last good"), "the reason")
    kill_server(hitherd) # it stays so, whatever happens
    time.sleep(0.5)
    assert serial(hitherd) == 1
    hitherd.reload()
    hitherd.eventually(lambda: serial(hitherd) == 2, "the new zone, when it is asked for again")
    assert not last_good(hitherd)["in_force"]


def test_settings_that_fail_are_taken_back(hitherd):
    good = hitherd.configuration.read_text()
    hitherd.configuration.write_text(good + FAILING_CHECK)
    hitherd.reload()
    hitherd.eventually(lambda: last_good(hitherd)["in_force"], "the way back")
    assert "check never (LOCAL): exit status 1" in last_good(hitherd)["why"]
    checks = {check["name"] for check in ask_hither(hitherd, "why")["other_checks"]}
    assert "never" not in checks and "newest-zones" in checks
    assert serial(hitherd) == 1
    hitherd.configuration.write_text(good)
    hitherd.reload()
    hitherd.eventually(lambda: not last_good(hitherd)["in_force"] and ask_hither(hitherd, "why")["verdict"] == "good",
                       "a good verdict")


def test_what_has_stood_its_trial_is_not_taken_back(hitherd):
    hitherd.write_zone("example.org", ZONE.format(serial=2))
    hitherd.reload()
    hitherd.eventually(lambda: serial(hitherd) == 2, "the new zone")
    hitherd.eventually(lambda: not last_good(hitherd)["on_trial"], "its trial to end")
    kill_server(hitherd)
    kill_server(hitherd)
    assert serial(hitherd) == 2
    assert not last_good(hitherd)["in_force"]
