# SPDX-License-Identifier: BSD-2-Clause
"""A throwaway copy of this machine with systemd running in it, for what only a service manager can show."""
import pathlib
import signal
import subprocess
import time

PROGRAM = pathlib.Path(__file__).with_name("machine")


def eventually(condition, patience_s):
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until, f"waited {patience_s} s in vain"
        time.sleep(0.1)


class Machine:
    def __init__(self, directory):
        self.directory = directory
        self.shared = directory / "shared"
        self.shared.mkdir(parents=True)
        self.console = open(directory / "console", "wb")
        self.process = subprocess.Popen([PROGRAM, directory], stdout=self.console, stderr=self.console)
        self.leader = None

    def boot(self, patience_s=60):
        until = time.monotonic() + patience_s
        while not self.is_up():
            assert self.process.poll() is None, f"no machine:\n{self.said()}"
            assert time.monotonic() < until, f"not up after {patience_s} s:\n{self.said()}"
            time.sleep(0.1)

    def is_up(self):
        self.leader = self.leader or self.find_leader()
        if self.leader is None:
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def find_leader(self):
        """The one that is process 1 in there: below systemd-nspawn, which this process became."""
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        return None

    def run(self, *command, check=True):
        done = subprocess.run(["nsenter", "--target", str(self.leader), "--all", "env", "-i", "HOME=/root", "TERM=dumb",
                               "DEBIAN_FRONTEND=noninteractive",
                               "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *map(str, command)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        assert not check or done.returncode == 0, f"{command}: exit status {done.returncode}\n{done.stdout}"
        return done

    def start(self, *command):
        """In the background, with its output for the caller."""
        return subprocess.Popen(["nsenter", "--target", str(self.leader), "--all", *map(str, command)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def said(self):
        return (self.directory / "console").read_text(errors="replace")[-5000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.console.close()
