# SPDX-License-Identifier: BSD-2-Clause
"""deploy/quickstart as a newcomer runs it: every line that it says to try is tried, and Ctrl-C leaves nothing."""
import glob
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 300  # it may have to build


def free_port():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::", 0))
        return s.getsockname()[1]


def processes_of(directory):
    """Ids of the processes whose command line names the directory."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if directory.encode() in pathlib.Path(path).read_bytes():
                found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


class Quickstart:
    def __init__(self, port):
        def as_from_a_terminal():
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        self.process = subprocess.Popen([ROOT / "deploy" / "quickstart", str(port)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        start_new_session=True, preexec_fn=as_from_a_terminal)
        self.output = []
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("Ctrl-C"):
                self.ready.set()
        self.ready.set()

    def text(self):
        return "".join(self.output)

    def control_c(self):
        """What a terminal does: the signal goes to the whole foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.process.wait(60)
        self.reader.join()
        return status


@pytest.fixture
def quickstart():
    started = Quickstart(free_port())
    started.ready.wait(PATIENCE_S)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGTERM)
        started.process.wait(60)


def test_every_line_to_try_works_and_nothing_is_left(quickstart):
    assert quickstart.process.poll() is None, quickstart.text()
    text = quickstart.text()
    directory = re.search(r"-c (/tmp/hither-quickstart\.\w+)/", text).group(1)
    running = processes_of(directory)
    assert running
    for pid in running:
        assert os.stat(f"/proc/{pid}").st_uid != 0, "hitherd runs as root"
    commands = re.findall(r"^    ((?:dig|/).*)$", text, re.M)
    assert len(commands) >= 6, text
    for command in commands:
        run = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=30)
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}\n{quickstart.text()}"
        if command.startswith("dig"):
            assert "status: NOERROR" in run.stdout, f"{command}\n{run.stdout}"
    for name in ("example.com", "example.net", "113.0.203.in-addr.arpa", "3.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa"):
        assert f"    {name}\n" in text, f"{name} isn't named as served"
    assert "203.0.113.0/24" in text and "2001:db8:53::/48" in text
    assert quickstart.control_c() == 0, quickstart.text()
    assert not processes_of(directory)
    assert not os.path.exists(directory)


def test_a_taken_port_is_named_with_the_remedy():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        run = subprocess.run([ROOT / "deploy" / "quickstart", str(port)], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=PATIENCE_S)
    assert run.returncode == 1
    assert f"Port {port} is taken" in run.stderr and "deploy/quickstart 5300" in run.stderr


@pytest.mark.parametrize("wrong", [["0"], ["65536"], ["http"], ["1", "2"]])
def test_a_wrong_port_is_refused(wrong):
    run = subprocess.run([ROOT / "deploy" / "quickstart", *wrong], stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, timeout=30)
    assert run.returncode == 2 and run.stderr.startswith("usage:")
