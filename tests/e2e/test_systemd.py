# SPDX-License-Identifier: BSD-2-Clause
"""The unit for systemd, as systemd itself judges it, without one running."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("HITHER_RELEASE_BUILD", ROOT / "build")) / "server"
UNIT = ROOT / "deploy" / "systemd" / "hither.service"


def analyze(*words):
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


def test_the_unit_has_no_fault(tmp_path):
    unit = tmp_path / "hither.service"
    unit.write_text(re.sub(r"/usr/s?bin/", f"{PROGRAMS.resolve()}/", UNIT.read_text()))
    done = analyze("verify", "--man=no", unit)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "hither.service" in line]
    assert (done.returncode, said) == (0, [])


def test_the_unit_leaves_little_exposed():
    """As little as README says; systemd counts from 0 to 10."""
    score = re.search(r"`systemd-analyze security` gives it (\d\.\d)", (ROOT / "README.md").read_text())[1]
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={int(float(score) * 10) + 1}", UNIT)
    assert done.returncode == 0, done.stdout
    assert re.search(rf"exposure level for hither.service: {score} ", done.stdout), done.stdout
