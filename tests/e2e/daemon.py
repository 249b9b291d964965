# SPDX-License-Identifier: BSD-2-Clause
"""hitherd, run for a test on free ports of loopback, in a directory of its own."""
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

import dns.message
import dns.query
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HITHER_BUILD", ROOT / "build-asan"))
RELEASE_BUILD = pathlib.Path(os.environ.get("HITHER_RELEASE_BUILD", ROOT / "build"))
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|runtime error):?.*")


def free_port():
    """One that is free on loopback for both families and transports."""
    while True:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            # Not from the range that the kernel takes clients' ports from: another one could get it meanwhile.
            port = random.randrange(10000, 32000)
            try:
                tcp.bind(("::", port))
                udp.bind(("::", port))
            except OSError:
                continue
            return port


class Daemon:
    def __init__(self, directory, zones, release=False, patience_s=60):
        self.directory, self.patience_s = directory, patience_s
        self.programs = (RELEASE_BUILD if release else BUILD) / "server"
        self.port = free_port()
        self.configuration = directory / "hither.yaml"
        self.log_path = directory / "log"
        self.process = None
        directory.mkdir()
        lines = ["server:", '  identity: "tested"', f'  listen: [127.0.0.1@{self.port}, "::1@{self.port}"]', "  workers: 2",
                 "  state-dir: state", "  control: control.sock", "zones:"]
        for name, source in zones.items():
            if isinstance(source, pathlib.Path):
                file = source
            else:
                file = f"{name}.zone"
                self.write_zone(name, source)
            lines += [f"  - name: {name}", f"    file: {file}"]
        self.configuration.write_text("\n".join(lines + ["announce:", "  backend: none"]) + "\n")
        (directory / "state").mkdir()

    def write_zone(self, name, text):
        """In one step, as an editor or a transfer does it: never half a file."""
        path = self.directory / f"{name}.zone"
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.programs / "hitherd", "-c", self.configuration],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.eventually(self.answers, "the first answer")

    def answers(self):
        assert self.process.poll() is None, f"hitherd left with {self.process.returncode}\n{self.log()}"
        query = dns.message.make_query("id.server", "TXT", "CH")
        try:
            return bool(dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.2).answer)
        except (dns.exception.Timeout, OSError):
            return False

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        """Whatever the test was about, it ends with a clean exit and nothing to report from the sanitizers."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(self.patience_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        assert self.process.returncode == 0, f"exit status {self.process.returncode}\n{self.log()}"
        assert not SANITIZER.search(self.log()), self.log()

    def log(self):
        return self.log_path.read_text(errors="replace")[-20000:]

    def wait_log(self, pattern):
        self.eventually(lambda: re.search(pattern, self.log()), f"{pattern!r} in the log")

    def eventually(self, condition, what):
        until = time.monotonic() + self.patience_s
        while not condition():
            assert time.monotonic() < until, f"waited {self.patience_s} s in vain for {what}\n{self.log()}"
            time.sleep(0.02)


@pytest.fixture
def run_hitherd(tmp_path):
    """run_hitherd(zones={name: text or path}, ...) -> a Daemon that answers; stopped when the test ends."""
    started = []

    def run(**options):
        started.append(Daemon(tmp_path / f"pop{len(started)}", **options))
        started[-1].start()
        return started[-1]

    yield run
    for daemon in started:
        daemon.stop()
