# SPDX-License-Identifier: BSD-2-Clause
"""What an operator leaves and finds: a drain that lasts over restarts, and a record that can be judged again."""
import json
import os
import signal
import subprocess
import time

import pytest

from daemon import BUILD, Daemon
from halves import run, server_pid
from router import router  # noqa: F401

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
PREFIX = "203.0.113.0/24"


@pytest.fixture
def hitherd(tmp_path, router):
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
    daemon.configuration.write_text(daemon.configuration.read_text().replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: [{PREFIX}]
  local-as: 64512
  neighbors:
    - address: 127.0.0.1
      port: {router.port}
      remote-as: 64500
  drain-wait: 100ms
health:
  interval: 100ms
"""))
    status, said = run(daemon, "-c", daemon.configuration, "--check")
    assert status == 0, said
    daemon.start()
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    yield daemon
    daemon.stop()


def hither(daemon, *arguments):
    done = subprocess.run([BUILD / "server" / "hither", "-c", daemon.configuration, *map(str, arguments)], text=True,
                          capture_output=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def restart(daemon, router):
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(daemon.patience_s) == 0
    router.events.clear()
    daemon.start()
    router.wait(lambda: ("up", None) in router.events or any(event[0] == "up" for event in router.events), "the session")


def test_a_drain_lasts_over_a_restart(hitherd, router):
    status, said = hither(hitherd, "drain", "--reason", "new disk")
    assert status == 0, said
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    restart(hitherd, router)
    hitherd.wait_log("verdict on .*: good")
    time.sleep(0.5)
    assert not any(event[0] in ["announced", "marked"] for event in router.events)
    status, said = hither(hitherd, "status")
    assert "drained: new disk" in said
    status, said = hither(hitherd, "resume")
    assert status == 0, said
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    restart(hitherd, router)
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement after a start without a drain")


def test_a_drain_takes_itself_back(hitherd, router):
    status, said = hither(hitherd, "drain", "--for", "2s")
    assert status == 0, said
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    assert not (hitherd.directory / "state" / "drain").exists()
    assert "the time of the drain is over" in hitherd.log()


def test_a_drain_for_a_wrong_time_is_refused(hitherd, router):
    status, said = hither(hitherd, "drain", "--for", "2")
    assert status == 1 and "without a unit" in said
    assert router.routes() == {PREFIX}


def kill_servers(daemon, count):
    killed = []
    for _ in range(count):
        daemon.eventually(lambda: server_pid(daemon) not in [None, *killed], "a server")
        killed.append(server_pid(daemon))
        os.kill(killed[-1], signal.SIGKILL)


def test_the_record_replays_to_the_same(hitherd, router):
    kill_servers(hitherd, 4)
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    log = hitherd.directory / "state" / "flight.log"
    hitherd.eventually(lambda: log.exists() and log.read_text().count("\n") >= 3, "the records")
    status, said = hither(hitherd, "replay", log)
    assert status == 0, said
    assert f"{PREFIX}: none -> good" in said and f"{PREFIX}: good -> bad" in said and f"{PREFIX}: bad -> good" in said
    status, why = hither(hitherd, "why", "--json")
    assert [change["to"] for change in json.loads(why)["flight"]["changes"]][:3] == ["good", "bad", "good"]

    record = json.loads(log.read_text().splitlines()[0])
    record["to"] = "bad"
    log.write_text(json.dumps(record) + "\nrubbish\n")
    status, said = hither(hitherd, "replay", log)
    assert status == 1 and "NOW IT WOULD BE good" in said and "line 2 can't be replayed" in said
