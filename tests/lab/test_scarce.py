# SPDX-License-Identifier: BSD-2-Clause
"""What a PoP needs runs out: disk, descriptors, memory. It goes on answering, says what it lacks, and recovers."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import dns.exception
import dns.message
import dns.query
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from daemon import Daemon # pylint: disable=wrong-import-position

ZONE = "example.org"


def zone_text(serial, names=10):
    return (f"$TTL 300\n@ SOA ns h {serial} 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n" +
            "".join(f"n{i} TXT \"{serial} {'x' * 100}\"\n" for i in range(names)))


class Scarce(Daemon):
    """hitherd with a small disk of its own for its state, in a mount namespace that goes with it."""

    def __init__(self, directory):
        super().__init__(directory, {ZONE: zone_text(1)}, release=True)

    def start(self):
        state = self.directory / "state"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-ec", f"mount -t tmpfs -o size=1m,mode=755 none {state}; exec \"$@\"", "sh",
                 self.programs / "hitherd", "-c", self.configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.eventually(self.answers, "the first answer")
        self.disk = pathlib.Path(f"/proc/{self.process.pid}/root{state}")

    def remount(self, how):
        subprocess.run(["nsenter", "-t", str(self.process.pid), "-m", "mount", "-o", f"remount,{how}",
                        self.directory / "state"], check=True)

    def server(self):
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def limit(self, resource, value):
        subprocess.run(["prlimit", "--pid", str(self.server()), f"--{resource}={value}:"], check=True)

    def command(self, *words):
        return subprocess.run([self.programs / "hither", "-c", self.configuration, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30)

    def serial(self):
        with contextlib.suppress(dns.exception.Timeout, OSError):
            answer = dns.query.udp(dns.message.make_query(ZONE, "SOA"), "127.0.0.1", port=self.port, timeout=0.5)
            if answer.answer:
                return answer.answer[0][0].serial
        return None

    def change(self, serial, names=10):
        """The zone is another one now; what `reload` says of it."""
        self.write_zone(ZONE, zone_text(serial, names))
        return self.command("reload")

    def kill_server(self):
        before = self.server()
        os.kill(before, signal.SIGKILL)
        self.eventually(lambda: self.server() not in (0, before) and self.serial() is not None, "the next server")


@pytest.fixture
def scarce(tmp_path):
    daemon = Scarce(tmp_path / "pop")
    daemon.start()
    yield daemon
    daemon.stop()


def fill(disk):
    with contextlib.suppress(OSError), open(disk / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def cached(scarce):
    return {path.name: path.stat().st_mtime_ns for path in (scarce.disk / "zones").iterdir()}


def test_full_disk(scarce):
    fill(scarce.disk)
    reload = scarce.change(2, names=2000)
    assert scarce.serial() == 2, reload.stdout + reload.stderr
    assert "No space left" in scarce.log(), scarce.log()
    drained = scarce.command("drain", "--reason", "tested")
    assert drained.returncode == 0, drained.stdout + drained.stderr
    assert scarce.command("resume").returncode == 0
    scarce.kill_server()
    # What the disk has is answered with at once; then the text, which is newer, is read again.
    scarce.eventually(lambda: scarce.serial() == 2, "the newer zone")
    (scarce.disk / "filler").unlink()
    before = cached(scarce)
    assert scarce.change(3, names=2000).returncode == 0 and scarce.serial() == 3
    assert cached(scarce) != before


def test_read_only_disk(scarce):
    scarce.remount("ro")
    reload = scarce.change(2)
    assert scarce.serial() == 2, reload.stdout + reload.stderr
    assert "Read-only file system" in scarce.log(), scarce.log()
    assert scarce.command("drain", "--reason", "tested").returncode == 0
    assert scarce.command("resume").returncode == 0
    scarce.kill_server()
    # What the disk has is answered with at once; then the text, which is newer, is read again.
    scarce.eventually(lambda: scarce.serial() == 2, "the newer zone")
    scarce.remount("rw")
    before = cached(scarce)
    assert scarce.change(3).returncode == 0 and scarce.serial() == 3
    assert cached(scarce) != before


def connect(port, count):
    connections = []
    for _ in range(count):
        connections.append(socket.create_connection(("127.0.0.1", port), timeout=5))
    return connections


def asks_over_tcp(scarce):
    try:
        return bool(dns.query.tcp(dns.message.make_query(ZONE, "SOA"), "127.0.0.1", port=scarce.port, timeout=2).answer)
    except (dns.exception.DNSException, OSError, EOFError):
        return False


def test_no_descriptors(scarce):
    server = scarce.server()
    scarce.limit("nofile", len(os.listdir(f"/proc/{server}/fd")) + 6)
    connections = connect(scarce.port, 60)
    scarce.wait_log("no descriptors are left")
    assert scarce.serial() == 1
    # Who is idle makes room for who comes.
    scarce.eventually(lambda: asks_over_tcp(scarce), "an answer over TCP")
    scarce.limit("nofile", 4096)
    for connection in connections:
        connection.close()
    assert scarce.change(2).returncode == 0 and scarce.serial() == 2
    assert asks_over_tcp(scarce) and scarce.server() == server


def test_no_memory(scarce):
    server = scarce.server()
    size = int(pathlib.Path(f"/proc/{server}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    scarce.limit("as", size + (4 << 20))
    reload = scarce.change(2, names=100_000)
    assert reload.returncode != 0 and "memory" in reload.stdout + reload.stderr, reload.stdout + reload.stderr
    assert scarce.serial() == 1 and scarce.server() == server
    assert asks_over_tcp(scarce)
    scarce.limit("as", "unlimited")
    reload = scarce.command("reload")
    assert reload.returncode == 0, reload.stdout + reload.stderr
    assert scarce.serial() == 2 and scarce.server() == server
