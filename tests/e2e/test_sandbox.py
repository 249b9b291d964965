# SPDX-License-Identifier: BSD-2-Clause
"""What the server may not do any more once it answers strangers: each tried, with the release build. And what the running
processes are confined by."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from daemon import run_hitherd  # noqa: F401
from halves import server_pid

RELEASE = pathlib.Path(os.environ.get("HITHER_RELEASE_BUILD", "build"))
ZONE = "$TTL 300\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n"


@pytest.mark.parametrize("attempt, outcome", [
    *[(name, "done") for name in ["read-zone", "read-state", "replace-state", "thread", "udp", "signal-parent"]],
    # Landlock
    *[(name, "EACCES") for name in ["write-zone", "make-beside-zone", "remove-zone", "read-elsewhere", "read-memory-of-parent"]],
    # the filter: what the program has no need of
    *[(name, "EPERM") for name in ["fork", "code", "turn-into-code", "netlink", "packets", "signal-init", "limit", "ring"]],
    # and what only an intruder does
    *[(name, -signal.SIGSYS) for name in ["run", "trace", "become", "namespace"]],
])
def test_an_attempt(tmp_path, attempt, outcome):
    for directory, file in [("zones", "zone"), ("state", "image")]:
        (tmp_path / directory).mkdir()
        (tmp_path / directory / file).write_text("something")
    done = subprocess.run([RELEASE / "tests/sandbox/sandbox-attempt", tmp_path / "zones", tmp_path / "state", attempt],
                          capture_output=True, text=True, timeout=30, check=False)
    assert re.search(r"landlock [1-9]\d*, filter 1", done.stderr), done.stderr
    if isinstance(outcome, int):
        assert done.returncode == outcome, done.stdout
    else:
        assert (done.returncode, done.stdout.strip()) == (0, outcome)


def status(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def test_the_server_that_runs_is_confined(run_hitherd):
    daemon = run_hitherd(zones={"example.org": ZONE}, release=True)
    server = status(server_pid(daemon))
    assert (server["Seccomp"], server["NoNewPrivs"]) == ("2", "1")
    assert {server[f"Cap{kind}"] for kind in ["Inh", "Prm", "Eff", "Amb"]} == {"0" * 16}
    assert "not confined" not in daemon.log()
