# SPDX-License-Identifier: BSD-2-Clause
"""The program replaced in place: neither a client nor a router notices."""
import json
import os
import pathlib
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


def only_server_of(daemon, *others):
    [server] = [child for child in children(daemon.process.pid) if child not in others]
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


def missing(program):
    program.unlink()


def corrupt(program):
    """Which a shell would make something of."""
    program.write_bytes(program.read_bytes()[:64] + b"\ntouch shell-was-here\n")


def of_another_processor(program):
    octets = bytearray(program.read_bytes())
    octets[18:20] = (243 if octets[18] != 243 else 62).to_bytes(2, "little") # e_machine
    program.write_bytes(octets)


def script(text):
    def put(program):
        program.write_text(f"#!/bin/sh\n{text}\n")
    return put


@pytest.mark.parametrize("spoil, why", [
    (missing, ""), (corrupt, ""), (of_another_processor, ""),
    (script("echo 'of another processor' >&2; exit 126"), "doesn't run"),
    (script("kill -SEGV $$"), "doesn't run"),
    (script("exit 0"), "can't take over"), # as anything may that isn't hitherd, or one that knows no heritage
    (script("echo >> $0; exit 87"), ""), # the program is another one than that which was judged
    (script("chmod 644 $0; exit 87"), ""), # the judgement was good, and then it can't be executed
], ids=["missing", "corrupt", "of another processor", "fails", "dies", "exits at once", "changes meanwhile",
        "exec fails"])
def test_a_program_that_can_not_take_over_changes_nothing(hitherd, router, spoil, why):
    server = only_server(hitherd)
    before = list(router.events)
    hitherd.replace_program()
    spoil(hitherd.programs / "hitherd")
    asked = hitherd.hither("upgrade")
    hitherd.eventually(lambda: "not upgraded" in hitherd.log(), "the refusal")
    assert why in asked.stdout + asked.stderr
    rounds = ask_hither(hitherd, "why")["rounds"]
    hitherd.eventually(lambda: ask_hither(hitherd, "why")["rounds"] > rounds + 5, "some rounds of checks")
    assert only_server(hitherd) == server and hitherd.answers()
    assert router.events == before
    assert not pathlib.Path("shell-was-here").exists()
    # Nor is anything left over from it: the next one that is whole takes over.
    hitherd.replace_program()
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)
    assert router.events == before


@pytest.mark.parametrize("old, new, why", [
    ("workers: 2", "workers: 3", "takes a restart|take a restart"),
    ("workers: 2", "workers: lots", "errors"),
    ("interval: 100ms", "interval: 101ms", "reload` first"),
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


def test_a_zone_with_an_error_is_refused(hitherd):
    server = only_server(hitherd)
    zone = hitherd.directory / "example.org.zone"
    zone.write_text(ZONE + "broken A not-an-address\n")
    refused = hitherd.hither("upgrade")
    assert refused.returncode == 1 and "finds the configuration or a zone wrong" in refused.stdout + refused.stderr
    assert only_server(hitherd) == server


@pytest.mark.parametrize("remembered", [True, False], ids=["in a file", "without a file"])
def test_a_drained_pop_stays_drained(hitherd, router, remembered):
    server = only_server(hitherd)
    assert hitherd.hither("drain", "--reason", "new disks").returncode == 0
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    if not remembered:
        (hitherd.directory / "state" / "drain").unlink()
    before = list(router.events)
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)
    hitherd.eventually(lambda: ask_hither(hitherd, "why")["rounds"] > 10, "some rounds of checks")
    status = ask_hither(hitherd, "status")["announce"]
    assert (status["drain"], status["drain_reason"]) == ("withdrawn", "new disks")
    assert router.events == before
    assert hitherd.hither("resume").returncode == 0
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")


def test_a_drain_for_some_time_ends_in_the_heir(hitherd, router):
    server = only_server(hitherd)
    assert hitherd.hither("drain", "--for", "3s").returncode == 0
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")


def test_an_own_check_that_runs_is_begun_anew_and_its_result_stays(hitherd, router, tmp_path):
    """A LOCAL check is bad until it is known to be good: the heir has to know."""
    check = tmp_path / "check"
    check.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/runs\n[ $(wc -l <{tmp_path}/runs) = 1 ] || exec sleep 60\n")
    check.chmod(0o755)
    hitherd.configuration.write_text(hitherd.configuration.read_text() + f"""\
  exec:
    - name: slow
      command: [{check}]
      interval: 60s
      timeout: 60s
      class: local
""")
    runs = tmp_path / "runs"
    for run in [1, 2]: # a reload runs them, and what was known stays
        assert hitherd.hither("reload").returncode == 0
        hitherd.eventually(lambda run=run: runs.exists() and len(runs.read_text().split()) == run, "a run")
        hitherd.eventually(lambda: '"known": true, "why": "exit status 0"' in json.dumps(ask_hither(hitherd, "why")), "its end")
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
    second = int(runs.read_text().split()[1])
    server, before = only_server_of(hitherd, second), list(router.events)
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.eventually(lambda: len(runs.read_text().split()) == 3, "a third run")
    hitherd.eventually(lambda: not is_alive(second), "the end of the second, which nobody waits for")
    hitherd.eventually(lambda: not is_alive(server), "the end of the old server")
    hitherd.eventually(lambda: ask_hither(hitherd, "why")["rounds"] > 10, "some rounds of checks")
    assert router.events == before, hitherd.log()


def test_a_server_that_dies_after_an_upgrade_is_replaced(hitherd):
    server = only_server(hitherd)
    assert hitherd.hither("upgrade").returncode == 0
    hitherd.wait_upgraded(server)
    second = only_server(hitherd)
    os.kill(second, signal.SIGKILL)
    hitherd.eventually(lambda: not is_alive(second), "its end")
    hitherd.eventually(hitherd.answers, "an answer")
