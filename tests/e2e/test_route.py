# SPDX-License-Identifier: BSD-2-Clause
"""The route and the answers share one fate: what a router sees of a hitherd that starts, fails and leaves."""
import os
import signal
import socket

import dns.message
import dns.query
import pytest

from daemon import Daemon
from halves import is_alive, run, server_pid
from router import router  # noqa: F401

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""
PREFIX = "203.0.113.0/24"


@pytest.fixture
def hitherd(tmp_path, router):
    """Announces on behalf of its loopback addresses, which lie in no prefix and so count for all."""
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
    daemon.configuration.write_text(daemon.configuration.read_text().replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: [{PREFIX}]
  local-as: 64512
  neighbors:
    - address: 127.0.0.1
      port: {router.port}
      remote-as: 64500
  drain-wait: 200ms
  drain-linger: 20s
health:
  interval: 100ms
"""))
    status, said = run(daemon, "-c", daemon.configuration, "--check")
    assert status == 0, said
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def announced(hitherd, router):
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    return hitherd


def www(daemon):
    answer = dns.query.udp(dns.message.make_query("www.example.org", "A"), "127.0.0.1", port=daemon.port, timeout=20)
    return answer.answer[0][0].address


def kill_servers(daemon, count):
    """One after the other, each as soon as it is there; the pause before the next one grows."""
    killed = []
    for _ in range(count):
        daemon.eventually(lambda: server_pid(daemon) not in [None, *killed], "a server")
        killed.append(server_pid(daemon))
        os.kill(killed[-1], signal.SIGKILL)


def withdrawals(router):
    return [event for event in router.events if event[0] in ["withdrawn", "closed"]]


def test_announced_once_it_answers(announced, router):
    assert www(announced) == "192.0.2.80"
    assert withdrawals(router) == []


def test_a_server_that_is_back_at_once_keeps_the_route(announced, router):
    """At once: within the grace, which is made long enough for sanitizers on a busy machine."""
    text = announced.configuration.read_text()
    announced.configuration.write_text(text.replace("  interval: 100ms\n", "  interval: 100ms\n  restart-grace: 10s\n"))
    announced.reload()
    old = server_pid(announced)
    os.kill(old, signal.SIGKILL)
    assert www(announced) == "192.0.2.80"
    announced.eventually(lambda: "answers again" in announced.log(), "the next server")
    assert router.routes() == {PREFIX}
    assert withdrawals(router) == []


def test_a_server_that_stays_away_loses_the_route_and_gets_it_back(announced, router):
    kill_servers(announced, 4)
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement of the one that stays")
    assert www(announced) == "192.0.2.80"


def test_the_announcers_death_closes_the_session(announced, router):
    """Although the server held every other descriptor that the announcer had."""
    server = server_pid(announced)
    os.kill(server, signal.SIGSTOP)  # it can't help by leaving
    announced.process.kill()
    announced.process.wait()
    router.wait(lambda: router.events[-1][0] == "closed", "the end of the session")
    announced.eventually(lambda: not is_alive(server), "the end of the server")
    announced.process = None


def test_sigterm_marks_withdraws_answers_and_ceases(announced, router):
    announced.process.send_signal(signal.SIGTERM)
    router.wait(lambda: ("marked", PREFIX) in router.events, "GRACEFUL_SHUTDOWN")
    assert www(announced) == "192.0.2.80"
    router.wait(lambda: ("withdrawn", PREFIX) in router.events, "the withdrawal")
    for _ in range(50):
        assert www(announced) == "192.0.2.80"
    assert announced.process.wait(announced.patience_s) == 0
    router.wait(lambda: router.events[-1][0] == "closed", "the end of the session")
    told = [event[0] for event in router.events]
    assert told.index("marked") < told.index("withdrawn") < told.index("ceased") < told.index("closed")


def test_lingers_while_queries_come_but_not_for_ever(announced, router):
    """A client that never stops asking is answered as long as drain-linger says."""
    announced.configuration.write_text(announced.configuration.read_text().replace("20s", "2s"))
    announced.reload()
    announced.wait_log("reading .* again")
    announced.eventually(lambda: "zones: 1 served, of these 0 compiled" in announced.log(), "the reload")
    announced.process.send_signal(signal.SIGTERM)
    router.wait(lambda: ("withdrawn", PREFIX) in router.events, "the withdrawal")
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.connect(("127.0.0.1", announced.port))
        while announced.process.poll() is None:
            try:
                client.send(dns.message.make_query("www.example.org", "A").to_wire())
                answered += len(client.recv(512)) > 0
            except (ConnectionRefusedError, TimeoutError):
                pass
    assert answered > 100
    assert announced.process.returncode == 0


def test_second_signal_leaves_now(announced, router):
    announced.configuration.write_text(announced.configuration.read_text().replace("200ms", "50s"))
    announced.reload()
    announced.eventually(lambda: "zones: 1 served, of these 0 compiled" in announced.log(), "the reload")
    server = server_pid(announced)
    announced.process.send_signal(signal.SIGTERM)
    router.wait(lambda: ("marked", PREFIX) in router.events, "GRACEFUL_SHUTDOWN")
    announced.process.send_signal(signal.SIGTERM)
    assert announced.process.wait(20) == 0
    assert not is_alive(server)
    router.wait(lambda: router.events[-1][0] == "closed", "the end of the session")


def test_reload_with_other_prefixes(announced, router):
    announced.configuration.write_text(announced.configuration.read_text().replace(PREFIX, "198.51.100.0/24"))
    announced.reload()
    router.wait(lambda: router.routes() == {"198.51.100.0/24"}, "the other prefix")
    assert "closed" not in [event[0] for event in router.events]


def test_a_router_that_restarts_is_told_again(announced, router):
    router.session.shutdown(socket.SHUT_RDWR)
    router.wait(lambda: ("closed", None) in router.events, "the end of the session")
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement in the next session")
    assert www(announced) == "192.0.2.80"
