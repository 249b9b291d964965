# SPDX-License-Identifier: BSD-2-Clause
"""Routers that have graceful restart on (RFC 4724, and the long-lived one of RFC 9494), whatever deploy/routers advises:
a PoP that died is forgotten all the same, because it never said that it would come back; and a router that restarted
selects our route without waiting for the end of its deferral, minutes later."""
import os
import pathlib
import signal

import pytest

from routers import POP4, PREFIX4, PREFIX6, ROUTER4, Bird, Frr, Pop, Wire, eventually, run

HOLD_S = 240  # six times as long as anything here waits


class BirdRestarting(Bird):
    def __init__(self, wire):
        super().__init__(wire, bgp=f"graceful restart on; long lived graceful restart on; hold time {HOLD_S};")

    def start(self):
        """As one that restarts gracefully: it recovers."""
        path = self.wire.directory / "bird.conf"
        if "protocol kernel" not in path.read_text():
            path.write_text(path.read_text() + "protocol kernel { ipv4 { export all; }; }\n"
                                               "protocol kernel { ipv6 { export all; }; }\n")
        self.process = self.wire.start(self.wire.router, self.name, "bird", "-f", "-R", "-c", "bird.conf", "-s",
                                       self.control)
        eventually(lambda: "Current server time" in self.ask("show", "status"), "BIRD", self.wire.logs)
        return self

    def uses(self, prefix):
        """The route is in the kernel, where recovery would hold it back."""
        family = "-6" if ":" in prefix else "-4"
        return run("ip", "-n", self.wire.router, family, "route", "show", prefix) != ""

    def offers(self):
        return "graceful restart" in self.ask("show", "protocols", "all", "pop").lower()


class FrrRestarting(Frr):
    def __init__(self, wire):
        super().__init__(wire)
        with open(self.run_directory / "bgpd.conf", "a") as configuration:
            configuration.write(f"router bgp 64500\n bgp graceful-restart\n timers bgp 80 {HOLD_S}\n"
                                " bgp long-lived-graceful-restart stale-time 600\n")

    def uses(self, prefix):
        path = self.path(prefix)
        return path is not None and path.get("bestpath", {}).get("overall", False)

    def offers(self):
        shown = run(*self.shell, f"show bgp ipv4 neighbors {POP4} graceful-restart", check=False)
        return "Local GR Mode: Restart" in shown


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    try:
        wire.up()
        yield wire
    finally:
        wire.down()


@pytest.fixture(params=[BirdRestarting, FrrRestarting], ids=["bird", "frr"])
def router(request, wire):
    return request.param(wire).start()


def start_pop(wire, router):
    pop = Pop(wire, neighbors=[{"address": ROUTER4, "remote-as": 64500, "hold-time": HOLD_S}]).start()
    wait_used(wire, router)
    assert router.offers(), "the router has no graceful restart, so this shows nothing"
    return pop


def wait_used(wire, router, there=True):
    for prefix in (PREFIX4, PREFIX6):
        eventually(lambda prefix=prefix: bool(router.uses(prefix)) == there,
                   f"{prefix} {'in use' if there else 'gone'} at {router.name}", wire.logs)


def test_a_dead_pop_is_forgotten(wire, router):
    pop = start_pop(wire, router)
    pid = pop.process.pid
    server = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for victim in [pid, *map(int, server)]:
        os.kill(victim, signal.SIGKILL)
    wait_used(wire, router, there=False)


def test_a_restarted_router_does_not_defer(wire, router):
    start_pop(wire, router)
    router.process.kill()
    router.process.wait()
    router.start()
    wait_used(wire, router)
