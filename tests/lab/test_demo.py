# SPDX-License-Identifier: BSD-2-Clause
"""deploy/lab/demo as an operator runs it: it shows what it promises, draws it, and leaves nothing behind."""
import os
import re
import subprocess
import xml.etree.ElementTree

from conftest import LAB


def test_demo_shows_and_draws_and_leaves_nothing(tmp_path):
    name = f"hither-d{os.getpid()}"
    picture = tmp_path / "lab.svg"
    run = subprocess.run([LAB / "demo", picture], env={**os.environ, "HITHER_LAB": name}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    assert run.returncode == 0, run.stdout
    table = {label: [int(n) for n in numbers.split()] for label, numbers in
             re.findall(r"^ *[0-9.]+s  (\S.*?\S) {2,}([0-9 ]+)$", run.stdout, re.M)}
    assert list(table) == ["both PoPs up", "Chicago drained", "Chicago resumed", "Chicago killed", "Chicago started"]
    for label in ("both PoPs up", "Chicago drained", "Chicago resumed", "Chicago started"):
        sent, chicago, newyork, lost = table[label]
        assert sent == chicago + newyork > 0 and lost == 0, f"{label}\n{run.stdout}"
    assert table["both PoPs up"][2] == 0, "New York answered Chicago's client though Chicago was up"
    assert all(table[label][2] > 0 for label in ("Chicago drained", "Chicago killed")), run.stdout
    texts = [e.text for e in xml.etree.ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert {*table, "answered by Chicago", "answered by New York", "lost"} <= set(texts)
    assert not os.path.exists(f"/run/{name}-lab")
    assert not [n for n in os.listdir("/run/netns") if n.startswith(f"{name}-")]
