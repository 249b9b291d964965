# SPDX-License-Identifier: BSD-2-Clause
"""The lab that deploy/lab/up brings up, beside any other one: its own namespaces, its own files."""
import os
import pathlib
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "deploy" / "lab"
SERVICE = ["203.0.113.53", "2001:db8:53::53"]
PATIENCE_S = 30


class Answer:
    """A query that a stream sent: when, to which address, and which PoP answered it (None: lost)."""

    def __init__(self, line):
        sent, self.address, *answer = line.split()
        self.sent = float(sent)
        self.pop = answer[1] if len(answer) == 2 else None


class Stream:
    """Queries at a steady rate from a client, from when it is made until finish()."""

    def __init__(self, lab, client, rate):
        self.lab, self.file = lab, lab.run_directory / f"stream-{client}"
        self.file.unlink(missing_ok=True)
        self.name = f"stream-{client}"
        lab.shell(f"start {client} {self.name} /usr/bin/python3 {LAB}/ask.py {rate} 120 {self.file} "
                  + " ".join(SERVICE))
        time.sleep(0.5)

    def finish(self):
        self.lab.shell(f'kill -TERM "$(pid {self.name})"')
        self.lab.eventually(self.file.exists, "the stream's last answers")
        return [Answer(line) for line in self.file.read_text().splitlines()]


class Lab:
    pops = ["chicago", "newyork"]

    def __init__(self, name):
        self.name = name
        self.environment = {**os.environ, "HITHER_LAB": name}
        self.run_directory = pathlib.Path(f"/run/{name}-lab")

    def script(self, script):
        """Runs deploy/lab/SCRIPT; what it printed."""
        run = subprocess.run([LAB / script], env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        assert run.returncode == 0, run.stdout
        return run.stdout

    def shell(self, command, check=True):
        """Runs a command with the functions of deploy/lab/lib.sh."""
        run = subprocess.run(["bash", "-c", f"set -euo pipefail; . {LAB}/lib.sh; {command}"],
                             env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=60)
        assert run.returncode == 0 or not check, f"{command}\n{run.stdout}{run.stderr}"
        return run.stdout.strip() if check else run

    def who(self, client):
        """The PoPs that answer this client, over IPv4 and over IPv6; None for no answer."""
        return [self.shell(f"who {client} {address} || true") or None for address in SERVICE]

    def answered_by(self, client, pop):
        return self.who(client) == [pop, pop]

    def wait_answered_by(self, client, pop):
        self.eventually(lambda: self.answered_by(client, pop), f"{pop} to answer {client}")

    def eventually(self, condition, what):
        """Waits as long as it takes, within reason: no test here depends on how fast the machine is."""
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until, f"waited {PATIENCE_S} s in vain for {what}\n{self.logs()}"
            time.sleep(0.1)

    def logs(self):
        return "\n".join(f"== {pop}\n{(self.run_directory / f'{pop}.log').read_text()[-3000:]}" for pop in self.pops)

    def pid(self, name):
        return int(self.shell(f"pid {name}"))

    def running(self, name):
        return self.shell(f"pid {name}", check=False).returncode == 0

    def stream(self, client, rate=200):
        return Stream(self, client, rate)

    def restore(self):
        """Both PoPs up, each answering its own client."""
        for pop in self.pops:
            if not self.running(pop):
                self.shell(f"start_pop {pop}")
        for pop in self.pops:
            self.wait_answered_by(f"{pop}-client", pop)


@pytest.fixture(scope="session")
def shared_lab():
    lab = Lab(f"hither-t{os.getpid()}")
    try:
        lab.script("up")
        yield lab
    finally:
        lab.script("down")


@pytest.fixture
def lab(shared_lab):
    """The lab with everything as it was at the start, whatever the test before did to it."""
    shared_lab.restore()
    return shared_lab
