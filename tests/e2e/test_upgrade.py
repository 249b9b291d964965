# SPDX-License-Identifier: BSD-2-Clause
"""The program replaced in place: neither a client nor a router notices."""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import dns.message
import pytest

from daemon import Daemon
from halves import ask_hither, children, is_alive
from router import router  # noqa: F401

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""
PREFIX = "203.0.113.0/24"
RATE = 1000


class Client(threading.Thread):
    """Asks RATE times a second, from a few ports, and waits long for the last answers."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.query = dns.message.make_query("www.example.org", "A").to_wire()[2:]
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
        for client in self.sockets:
            client.connect(("127.0.0.1", port))
            client.setblocking(False)
        self.waiting = set()
        self.asked = 0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            self.asked += 1
            self.waiting.add(self.asked)
            self.sockets[self.asked % 16].send((self.asked % 65536).to_bytes(2, "big") + self.query)
            self.hear()
            time.sleep(1 / RATE)
        until = time.monotonic() + 20
        while self.waiting and time.monotonic() < until:
            self.hear()
            time.sleep(0.001)

    def hear(self):
        for client in self.sockets:
            try:
                while True:
                    self.waiting.discard(int.from_bytes(client.recv(512)[:2], "big"))
            except BlockingIOError:
                pass

    def lost(self):
        self.over.set()
        self.join()
        for client in self.sockets:
            client.close()
        assert 100 < self.asked < 65536
        return sorted(self.waiting)


class Replaceable(Daemon):
    """Runs a copy of the programs, so that others can be put in their place."""

    def __init__(self, directory, zones):
        super().__init__(directory, zones)
        programs = directory / "programs"
        programs.mkdir()
        for program in ["hitherd", "hither"]:
            shutil.copy(self.programs / program, programs)
        self.built, self.programs = self.programs, programs

    def replace_program(self, text=None):
        """As a package manager does it: the file that runs stays, without a name."""
        new = self.programs / "new"
        shutil.copy(self.built / "hitherd", new)
        if text is not None:
            new.write_text(text)
        new.rename(self.programs / "hitherd")

    def hither(self, *arguments):
        return subprocess.run([self.programs / "hither", "-c", self.configuration, *arguments], capture_output=True, text=True,
                              timeout=self.patience_s, check=False, stdin=subprocess.DEVNULL)

    def wait_upgraded(self, server):
        """`server` has been replaced, by one that is alone again."""
        self.eventually(lambda: not is_alive(server) and len(children(self.process.pid)) == 1, "the end of the old server")
        self.eventually(lambda: ask_hither(self, "status")["server"]["serving"], "the new server")


@pytest.fixture
def hitherd(tmp_path, router):
    daemon = Replaceable(tmp_path / "pop", {"example.org": ZONE})
    daemon.configuration.write_text(daemon.configuration.read_text().replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: [{PREFIX}]
  local-as: 64512
  neighbors:
    - address: 127.0.0.1
      port: {router.port}
      remote-as: 64500
  drain-wait: 0
health:
  interval: 100ms
"""))
    daemon.start()
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    yield daemon
    daemon.stop()


def only_server(daemon):
    [server] = children(daemon.process.pid)
    return server


def test_no_query_is_lost_and_the_route_stays(hitherd, router):
    client = Client(hitherd.port)
    before = list(router.events)
    for ask in [lambda: hitherd.hither("upgrade"), lambda: hitherd.process.send_signal(signal.SIGUSR2)] * 2:
        server = only_server(hitherd)
        hitherd.replace_program()
        ask()
        hitherd.wait_upgraded(server)
        assert ask_hither(hitherd, "status")["route"]["state"] in ["up", "init"]
    assert hitherd.process.poll() is None
    # Past the time after which a verdict that nobody repeats would lapse.
    hitherd.eventually(lambda: ask_hither(hitherd, "why")["rounds"] > 10, "some rounds of checks")
    hitherd.eventually(lambda: ask_hither(hitherd, "status")["route"]["state"] == "up", "the verdict")
    assert client.lost() == []
    assert router.events == before, hitherd.log()
    status = ask_hither(hitherd, "status")["announce"]["neighbors"][0]
    assert status["session"] == "Established" and status["announced"] == [PREFIX], status


def test_the_session_that_was_handed_on_is_a_whole_one(hitherd, router):
    """It can be told of a change, and its end."""
    server = only_server(hitherd)
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)
    assert hitherd.hither("drain").returncode == 0
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    assert ("closed", None) not in router.events
    assert hitherd.hither("resume").returncode == 0
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    hitherd.process.send_signal(signal.SIGTERM)
    assert hitherd.process.wait(hitherd.patience_s) == 0
    router.wait(lambda: router.events[-1] == ("closed", None), "the end")
    assert any(event[0] == "ceased" for event in router.events)


def test_a_program_that_does_not_run_is_refused(hitherd, router):
    server = only_server(hitherd)
    before = list(router.events)
    hitherd.replace_program("#!/bin/sh\necho 'of another processor' >&2\nexit 126\n")
    refused = hitherd.hither("upgrade")
    assert refused.returncode == 1, refused.stdout
    assert "doesn't run" in refused.stdout + refused.stderr
    assert only_server(hitherd) == server
    assert router.events == before
    hitherd.replace_program()
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)


@pytest.mark.parametrize("old, new, why", [
    ("workers: 2", "workers: 3", "takes a restart|take a restart"),
    ("workers: 2", "workers: lots", "errors"),
    ("example.org.zone", "nothing.zone", "finds the configuration or a zone wrong"),
])
def test_a_configuration_that_does_not_do_is_refused(hitherd, old, new, why):
    server = only_server(hitherd)
    text = hitherd.configuration.read_text()
    hitherd.configuration.write_text(text.replace(old, new))
    refused = hitherd.hither("upgrade")
    assert refused.returncode == 1
    assert any(part in refused.stdout + refused.stderr for part in why.split("|"))
    assert only_server(hitherd) == server
    hitherd.configuration.write_text(text)


def test_a_drained_pop_is_restarted_instead(hitherd):
    assert hitherd.hither("drain").returncode == 0
    refused = hitherd.hither("upgrade")
    assert refused.returncode == 1 and "drained" in refused.stdout + refused.stderr


def test_a_server_that_dies_after_an_upgrade_is_replaced(hitherd):
    server = only_server(hitherd)
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)
    second = only_server(hitherd)
    os.kill(second, signal.SIGKILL)
    hitherd.eventually(lambda: not is_alive(second), "its end")
    hitherd.eventually(hitherd.answers, "an answer")
