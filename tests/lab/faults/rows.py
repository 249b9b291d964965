# SPDX-License-Identifier: BSD-2-Clause
"""The faults, one function each. `up` is a bed with a stream of queries running; what a fault leaves behind goes with the
bed. A function returns when the client has been answered again as the row's `ends` says."""
import dataclasses
import json
import pathlib
import signal
import subprocess
import sys
import time
import typing

from bed import MAIN, MAIN6, OWN, POPS, UNICAST, UNLISTED, ZONE, children, in_namespace, run

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
import hang

QUIET_S = 1.0  # the client goes on for so long when a fault that should change nothing has been made


@dataclasses.dataclass
class Row:
    key: str
    fault: str
    make: typing.Callable  # (bed) -> None, or {name: figure} that was measured beside the stream
    ends: str              # the PoP that answers at last
    target: typing.Any = None  # the most that may be lost, in queries of 1 ms; None: the issue names none
    bfd: bool = False
    changes: typing.Any = None  # the most changes of the route that the router may see; None: as they come
    asks: tuple = (MAIN,)       # the first is the one that suffers
    spared: tuple = ()          # asked too, and nothing may be lost
    late: bool = False          # the target is for slow answers, too
    measures: str = ""          # the figure that the target is for, in place of lost queries
    settings: dict = dataclasses.field(default_factory=dict)
    before: typing.Any = None   # (bed): done to its files before the stream begins
    group: str = "table"        # or "further"
    slow: bool = False          # not for every test run
    routers: tuple = ("bird",)  # also "frr", "gobgp"


ROWS = []


def row(key, fault, ends="chicago", **more):
    def take(function):
        ROWS.append(Row(key, fault, function, ends, **more))
        return function
    return take


def quiet(seconds=QUIET_S):
    time.sleep(seconds)


KILLER = """
import os, signal, sys, time
while True:
    for child in open(f"/proc/{sys.argv[1]}/task/{sys.argv[1]}/children").read().split():
        os.kill(int(child), signal.SIGKILL)
    time.sleep(0.001)
"""


def server_never_lives(up):
    """From now on every child of the announcer is killed within a millisecond or two."""
    up.processes.append(subprocess.Popen([sys.executable, "-c", KILLER, str(up.chicago.process.pid)],
                                         stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


EVERYONE = ("bird", "frr", "gobgp")
WITH_BFD = ("bird", "frr")


# --- the table -----------------------------------------------------------------------------------------------------

@row("server-killed", "server killed (SIGKILL), may come back", target=0, changes=0)
def server_killed(up):
    up.chicago.signal(signal.SIGKILL, [up.chicago.server])
    quiet()


@row("server-gone", "server killed, can't come back", "newyork", target=70, routers=EVERYONE)
def server_gone(up):
    server_never_lives(up)
    up.answered_by("newyork")


@row("all-killed", "all of hither killed", "newyork", target=11, routers=EVERYONE)
def all_killed(up):
    up.chicago.signal(signal.SIGKILL)
    up.answered_by("newyork")


@row("server-hung", "server hung (SIGSTOP)", target=100, late=True)
def server_hung(up):
    up.chicago.signal(signal.SIGSTOP, [up.chicago.server])
    quiet()


@row("all-hung", "all of hither hung (frozen)", "newyork", target=200, bfd=True, routers=WITH_BFD)
def all_hung(up):
    up.chicago.signal(signal.SIGSTOP)
    up.answered_by("newyork")


@row("drain", "planned drain", "newyork", target=0, routers=EVERYONE)
def drain(up):
    assert up.chicago.ask("drain")["ok"]
    up.answered_by("newyork")
    up.eventually(lambda: not up.edge.knows(MAIN[2]), "the withdrawal")


@row("stop", "plain stop (SIGTERM)", "newyork", target=0, routers=EVERYONE)
def stop(up):
    up.chicago.signal(signal.SIGTERM, [up.chicago.process.pid])
    up.answered_by("newyork")
    up.chicago.process.wait(timeout=30)


@row("upgrade", "program replaced in place", target=0, changes=0)
def upgrade(up):
    assert up.chicago.ask("upgrade")["ok"]
    up.eventually(lambda: "becoming" in up.chicago.log(), "the heir")
    quiet()


@row("power", "host loses power, links stay silent", "newyork", target=140, bfd=True, routers=WITH_BFD)
def power(up):
    pids = up.chicago.pids
    run("ip", "-n", up.namespace("switch"), "link", "set", "chicago", "down")
    up.chicago.signal(signal.SIGKILL, pids)
    up.answered_by("newyork")


@row("own-zone", "a zone can't be served", "newyork", target=20, asks=(OWN,), spared=(MAIN,))
def own_zone(up):
    up.chicago.lose_zone("own.example")
    up.chicago.signal(signal.SIGKILL, [up.chicago.server])
    up.answered_by("newyork", OWN)


@row("unlisted-zone", "a zone that no check lists can't be served", "newyork", target=20, asks=(UNLISTED,), spared=(MAIN,))
def unlisted_zone(up):
    up.chicago.lose_zone("unlisted.example")
    up.chicago.signal(signal.SIGKILL, [up.chicago.server])
    up.answered_by("newyork", UNLISTED)


def local_check(command):
    return {"health": {"exec": [{"name": "own", "command": ["/bin/sh", "-c", command], "interval": "500ms",
                                 "timeout": "400ms", "class": "local"}]}}


@row("check-dies", "the check dies, then the server", "newyork", target=70, settings=local_check("sleep 0.3"))
def check_dies(up):
    def checking():
        return [c for c in children(up.chicago.process.pid) if c != server]
    server = up.chicago.server
    up.eventually(checking, "the check to run", pause_s=0.005)
    up.chicago.signal(signal.SIGKILL, checking())
    server_never_lives(up)
    up.answered_by("newyork")


@row("check-hangs", "the check (the announcer) hangs, the server dies", "newyork", target=200, bfd=True,
     routers=WITH_BFD)
def check_hangs(up):
    up.chicago.signal(signal.SIGSTOP, [up.chicago.process.pid])
    up.chicago.signal(signal.SIGKILL, children(up.chicago.process.pid))
    up.answered_by("newyork")


@row("speaker-dies", "the BGP speaker (hither's announcer) alone dies", "newyork", target=11, routers=EVERYONE)
def speaker_dies(up):
    up.chicago.signal(signal.SIGKILL, [up.chicago.process.pid])
    up.answered_by("newyork")


@row("zone-everywhere", "one zone fails at both PoPs; clients of the other zone", target=0, changes=0)
def zone_everywhere(up):
    for pop in up.pops.values():
        pop.lose_zone("own.example")
        pop.signal(signal.SIGKILL, [pop.server])
    up.eventually(lambda: up.who(OWN) is None and not up.edge.knows(OWN[2]), "the other zone's route to go")
    quiet(0.5)


@row("recovered", "recovered PoP is announced again after", target=360, measures="start to first answer",
     routers=EVERYONE)
def recovered(up):
    up.chicago.signal(signal.SIGKILL)
    up.chicago.process.wait()
    up.answered_by("newyork")
    time.sleep(3)  # as long as the router holds a failed session back
    began = time.time()
    up.chicago.start()
    up.answered_by("chicago")
    quiet(0.2)
    return {"start to first answer": lambda answers: first_of("chicago", answers, began)}


def first_of(pop, answers, began):
    """Milliseconds from then to the first query that this PoP answered."""
    return (min(a.sent for a in answers if a.pop == pop and a.sent >= began) - began) * 1000


# --- further rows --------------------------------------------------------------------------------------------------

@row("worker-stuck", "a worker stuck (stopped by a tracer)", target=100, late=True, group="further")
def worker_stuck(up):
    with hang.StoppedThread(up.chicago.server, "worker-0"):
        pass  # it leaves when the thread has been killed
    quiet()


@row("worker-circles", "a worker runs in circles", late=True, group="further")
def worker_circles(up):
    hang.send_in_circles(up.chicago.server, "worker-0")
    quiet(1.5)


@row("leaked", "all killed, a check's child lives on", "newyork", target=11, group="further",
     settings=local_check("[ -e state/child ] || { touch state/child; setsid sleep 1000 >/dev/null 2>&1 & sleep 0.2; }; exit 0"))
def leaked(up):
    up.eventually(lambda: "sleep" in run("ip", "netns", "exec", up.chicago.namespace, "sh", "-c",
                                         "ps -o comm= -p $(ip netns pids " + up.chicago.namespace + " | paste -sd,)"),
                  "the child")
    up.chicago.signal(signal.SIGKILL)
    up.answered_by("newyork")


@row("carrier", "carrier lost at the router", "newyork", bfd=True, group="further")
def carrier(up):
    run("ip", "-n", up.namespace("switch"), "link", "set", "edge", "down")
    up.answered_by("newyork")


@row("router-restarted", "router restarted", group="further", routers=EVERYONE)
def router_restarted(up):
    up.edge.stop()
    began = time.time()
    up.edge.start()
    up.answered_by("chicago")
    up.eventually(lambda: up.edge.knows(MAIN[2]), "the route at the router")
    quiet(0.2)
    return {"start of the router to first answer": lambda answers: first_of("chicago", answers, began)}


@row("reset", "session reset by the router", target=11, group="further", routers=EVERYONE)
def reset(up):
    began = up.chicago.ask("status")["announce"]["neighbors"][0]["established"]
    up.edge.reset()
    up.eventually(lambda: up.chicago.ask("status")["announce"]["neighbors"][0]["established"] > began, "a new session")
    up.answered_by("chicago")
    quiet(0.5)


@row("frozen-router", "a router that stops reading for 6 s", target=11, group="further", slow=True, routers=EVERYONE)
def frozen_router(up):
    for process in up.edge.processes:
        process.send_signal(signal.SIGSTOP)
    time.sleep(6)
    for process in up.edge.processes:
        process.send_signal(signal.SIGCONT)
    time.sleep(1)
    up.eventually(lambda: up.edge.knows(MAIN[2]), "the route at the router")
    up.answered_by("chicago")
    quiet()


@row("md5", "wrong MD5 password, by a reload", "newyork", target=11, group="further")
def md5(up):
    (up.chicago.directory / "md5.secret").write_text("wrong\n")
    up.chicago.configure({"md5-password-file": "md5.secret"})
    assert up.chicago.reload()["ok"]
    up.answered_by("newyork")
    quiet(0.5)


@row("bad-configuration", "bad configuration pushed everywhere", target=0, changes=0, group="further")
def bad_configuration(up):
    for pop in up.pops.values():
        (pop.directory / "hither.yaml").write_text("server: {listen: [not an address]}\n")
    for pop in up.pops.values():
        assert not pop.reload()["ok"]
    quiet()


@row("bad-texts", "bad zone texts pushed everywhere", target=0, group="further")
def bad_texts(up):
    for pop in up.pops.values():
        for name in pop.zone_files:
            pop.write_zone(name, "this is no zone\n")
    for pop in up.pops.values():
        pop.reload()
    quiet(2)


FLEET = {"fleet": {"key-file": "fleet.key", "peers": list(UNICAST.values())}}


@row("check-everywhere", "a LOCAL check fails everywhere", None, target=11, group="further",
     settings={**FLEET, **local_check("[ ! -e bad ]")})
def check_everywhere(up):
    for pop in up.pops.values():
        (pop.directory / "bad").touch()
    up.eventually(lambda: "stays" in json.dumps(up.chicago.ask("why")) + json.dumps(up.newyork.ask("why")),
                  "one of them to stay")
    quiet(2)


@row("flapping", "a flapping check, for 30 s", None, changes=2, group="further", slow=True,
     settings=local_check("[ ! -e bad ]"))
def flapping(up):
    bad = up.chicago.directory / "bad"
    for _ in range(5):
        bad.touch()
        time.sleep(3)
        bad.unlink()
        time.sleep(3)


@row("clock", "the clock set an hour forward, then two back", target=0, changes=0, group="further",
     before=lambda up: clock_before(up))
def clock(up):
    for seconds in (3600, -3600):
        set_clock(up, seconds)
        quiet()


def clock_before(up):
    """Chicago is started anew with a clock that can be set."""
    set_clock(up, 0)
    up.chicago.restart("env", f"LD_PRELOAD={up.directory}/clock.so", f"FAULT_CLOCK={up.directory}/clock")


def set_clock(up, seconds):
    path = up.directory / "clock"
    if not path.exists():
        path.write_bytes(bytes(8))
        path.chmod(0o644)
    with open(path, "r+b") as file:
        file.write(seconds.to_bytes(8, "little", signed=True))


@row("memory", "memory runs out while a large zone is loaded", target=0, group="further",
     before=lambda up: memory_before(up))
def memory(up):
    up.chicago.write_zone("unlisted.example", ZONE.format(serial=2) + "".join(f"h{i} A 192.0.2.1\n" for i in range(400000)))
    up.chicago.reload()
    quiet()
    assert "memory" in up.chicago.log(), up.logs()


def memory_before(up):
    """Chicago is started anew with hardly more memory than it has now."""
    status = pathlib.Path(f"/proc/{up.chicago.server}/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmPeak:")))
    up.chicago.restart("prlimit", f"--as={(peak << 10) + (32 << 20)}")


@row("flood", "a flood, as fast as one core can ask", None, changes=0, group="further", slow=True)
def flood(up):
    names = up.directory / "flood"
    names.write_text("example.com SOA\n")
    run("ip", "netns", "exec", up.namespace("client"), "dnsperf", "-s", MAIN[1], "-d", names, "-l", "4", "-c", "16", "-q",
        "2000", check=False)


@row("partition", "heartbeats between the PoPs cut", target=0, changes=0, group="further", settings=FLEET)
def partition(up):
    for pop, other in zip(POPS, reversed(POPS)):
        run("ip", "-n", up.namespace(pop), "rule", "add", "to", UNICAST[other], "blackhole")
    up.eventually(lambda: all('"lost"' in json.dumps(p.ask("status")["fleet"]) for p in up.pops.values()),
                  "both to miss the other")
    quiet()


@row("ipv6", "IPv6 alone broken", "newyork", asks=(MAIN6,), spared=(MAIN,), group="further")
def ipv6(up):
    up.chicago.address(MAIN6[1], False)
    up.answered_by("newyork", MAIN6)
