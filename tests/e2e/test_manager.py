# SPDX-License-Identifier: BSD-2-Clause
"""What a service manager hears (sd_notify(3)), and what hitherd needs under one."""
import os
import pathlib
import signal
import socket

import pytest

from daemon import ROOT, Daemon
from halves import server_pid

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
WATCHDOG_MS = 200


class Manager:
    """`heard` is every line, in order."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def count(self, line):
        return self.listen().count(line)


@pytest.fixture
def managed(tmp_path, monkeypatch):
    """(daemon, manager), started"""
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG_MS * 1000))
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
    daemon.start()
    yield daemon, manager
    daemon.stop()


def test_ready_reloading_stopping(managed):
    daemon, manager = managed
    daemon.eventually(lambda: manager.count("READY=1") == 1, "READY=1")
    assert manager.count("RELOADING=1") == 0
    daemon.reload()
    daemon.eventually(lambda: manager.count("READY=1") == 2, "READY=1 again")
    told = [line for line in manager.heard if line in ["READY=1", "RELOADING=1"]]
    assert told == ["READY=1", "RELOADING=1", "READY=1"]
    assert any(line.startswith("MONOTONIC_USEC=") for line in manager.heard)
    assert any(line.startswith("STATUS=route: ") for line in manager.heard)
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(daemon.patience_s) == 0
    assert manager.count("STOPPING=1") == 1


def test_a_refused_reload_ends_as_well(managed):
    daemon, manager = managed
    daemon.eventually(lambda: manager.count("READY=1") == 1, "READY=1")
    good = daemon.configuration.read_text()
    daemon.configuration.write_text("server: [")
    daemon.reload()
    daemon.eventually(lambda: manager.count("READY=1") == 2, "READY=1 again")
    daemon.configuration.write_text(good)


def test_not_ready_with_a_zone_that_is_wrong(tmp_path, monkeypatch):
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE + "bad A 192.0.2.999\n"})
    with pytest.raises(AssertionError, match="hitherd left with 1"):
        daemon.start()
    assert manager.count("READY=1") == 0
    assert manager.count("STOPPING=1") == 1
    daemon.process = None


def test_the_watchdog_is_fed(managed):
    daemon, manager = managed
    for meals in range(1, 4):
        daemon.eventually(lambda: manager.count("WATCHDOG=1") >= meals, "the watchdog's food")


def test_the_watchdog_is_fed_while_servers_come_and_go(managed):
    """Their end is the announcer's affair, not the manager's."""
    daemon, manager = managed
    os.kill(server_pid(daemon), signal.SIGSTOP)
    daemon.wait_log("the server answers again")
    meals = manager.count("WATCHDOG=1")
    daemon.eventually(lambda: manager.count("WATCHDOG=1") > meals, "the watchdog's food")


def test_nobody_else_can_speak_for_us(managed):
    """Only the announcer knows the manager."""
    daemon, _ = managed
    environment = pathlib.Path(f"/proc/{server_pid(daemon)}/environ").read_bytes()
    assert b"NOTIFY_SOCKET" not in environment
    assert b"NOTIFY_SOCKET" in pathlib.Path(f"/proc/{daemon.process.pid}/environ").read_bytes()


def test_a_manager_that_is_not_there_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
    daemon.start()
    daemon.stop()
    assert "NOTIFY_SOCKET" in daemon.log()


# --- the unit ---


def unit_settings():
    """{key: values} of deploy/systemd/hither.service"""
    found = {}
    for line in (ROOT / "deploy/systemd/hither.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_is_for_what_hitherd_tells():
    unit = unit_settings()
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert "WatchdogSec" in unit
    assert unit["KillMode"] == ["mixed"]  # SIGTERM for the announcer alone


def test_the_unit_names_what_is_installed():
    unit = unit_settings()
    for command in unit["ExecStart"] + unit["ExecStartPre"]:
        assert command.split()[0] == "/usr/sbin/hitherd"
    assert unit["ExecReload"] == ["/usr/bin/hither reload"]
