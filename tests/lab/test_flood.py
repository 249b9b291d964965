# SPDX-License-Identifier: BSD-2-Clause
"""A flood that fills the queues of the service addresses: the self-check is answered all the same."""
import os
import pathlib
import time

import pytest

from routers import POP4, SERVICE4, Pop, Wire, eventually, run

ROUNDS = 30 # at 100 ms


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    try:
        wire.up()
        yield wire
    finally:
        wire.down()


def threads(pid, name):
    return [int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            if (task / "comm").read_text().startswith(name)]


def drops(pid, port=53):
    """Datagrams that the kernel dropped because a queue was full, in the namespace of `pid`."""
    lines = pathlib.Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]
    return sum(int(line.split()[-1]) for line in lines if int(line.split()[1].split(":")[1], 16) == port)


def flood(wire):
    questions = wire.directory / "questions"
    questions.write_text("".join(f"n{i}.example.com A\n" for i in range(1000)))
    run("ip", "-n", wire.router, "route", "add", SERVICE4, "via", POP4)
    return [wire.start(wire.router, f"dnsperf{i}", "taskset", "-c", "0", "dnsperf", "-s", SERVICE4, "-d", questions, "-l",
                       "60", "-c", "8", "-q", "20000", "-t", "0.05") for i in range(2)]


def test_probes_are_answered_under_flood(wire):
    pop = Pop(wire).start()
    eventually(lambda: pop.ask("why").get("verdict") == "good", "a good verdict", wire.logs)
    assert pop.ask("why")["steered"]
    announcer = int(run("ip", "netns", "pids", wire.pop).split()[0])
    server = next(int(pid) for pid in run("ip", "netns", "pids", wire.pop).split() if threads(pid, "worker-"))
    # One worker that hardly gets any time: with that the flood is larger than what it can answer.
    for worker in threads(server, "worker-"):
        os.sched_setaffinity(worker, {0})
        run("renice", "-n", "10", "-p", worker)
    flood(wire)
    eventually(lambda: drops(announcer) > 0, "full queues", wire.logs)
    before, first = drops(announcer), pop.ask("why")["rounds"]
    while pop.ask("why")["rounds"] < first + ROUNDS:
        why = pop.ask("why")
        assert why["verdict"] == "good", (why["why"], wire.log("hitherd"))
        time.sleep(0.05)
    assert drops(announcer) > before
    assert {change["to"] for change in why["flight"]["changes"]} == {"good"}, why["flight"]
