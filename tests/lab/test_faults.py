# SPDX-License-Identifier: BSD-2-Clause
"""The faults of tests/lab/faults once each: who answers at last, what the router hears, and no query lost where none may
be. The outage itself is measured by tests/lab/fault-table; here its bound is loose, a multiple of the target, for a
machine that is busy with other things."""
import concurrent.futures
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "faults"))
import measure

LEAST_MS = 5000  # what a busy machine may add
# What other tests of this directory and of tests/e2e show already, or takes long.
ELSEWHERE = {"drain", "stop", "all-hung", "worker-circles", "upgrade", "reset", "router-restarted", "bad-texts",
             "speaker-dies", "server-hung", "own-zone", "recovered", "partition", "check-everywhere"}
ROWS = [row for row in measure.ROWS if not row.slow and row.key not in ELSEWHERE]
OTHERS = [("frr", "server-gone"), ("gobgp", "server-gone"), ("frr", "drain"), ("gobgp", "drain")]


@pytest.fixture(scope="module")
def outcomes():
    """Beds side by side: most of the time they wait for something."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        wanted = [("bird", row.key) for row in ROWS] + OTHERS
        yield {what: pool.submit(run_once, measure.find(what[1]), what[0]) for what in wanted}


def run_once(row, router):
    """Where something may not be lost although the server is killed, a slow machine has its time to start another."""
    return measure.run_once(row, router, **({"restart-grace": "10s"} if row.target == 0 or row.spared else {}))


def check(row, outcome):
    assert row.ends is None or outcome.last == row.ends, outcome
    assert row.changes is None or len(outcome.changes) <= row.changes, outcome
    assert outcome.spared_lost == 0, outcome
    if row.target == 0:
        assert outcome.lost == 0, outcome
    elif row.target is not None:
        assert outcome.figure(row) <= row.target + LEAST_MS, outcome


@pytest.mark.parametrize("row", ROWS, ids=[row.key for row in ROWS])
def test_fault(outcomes, row):
    check(row, outcomes["bird", row.key].result())


@pytest.mark.parametrize(("router", "key"), OTHERS, ids=["-".join(o) for o in OTHERS])
def test_fault_with_another_router(outcomes, router, key):
    check(measure.find(key), outcomes[router, key].result())
