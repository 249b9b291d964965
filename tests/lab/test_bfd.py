# SPDX-License-Identifier: BSD-2-Clause
"""BFD between hitherd and real routers: how a router finds out that a PoP is gone although nothing was closed. The BGP
hold time is 240 s everywhere, six times as long as anything here waits: what goes, BFD has ended."""
import contextlib
import json
import os
import pathlib
import signal
import struct
import time

import pytest

from routers import (POP4, POP6, PREFIX4, PREFIX6, ROUTER4, ROUTER6, SERVICE4, Bird, Frr, Pop, Wire, eventually, run)

HOLD_S = 240
PORT = 3784
ADMIN_DOWN, DOWN, INIT, UP = range(4)


class BirdBfd(Bird):
    """BIRD with BFD towards the PoP."""

    def __init__(self, wire, error_wait="1, 2", **keys):
        super().__init__(wire, bgp=f"bfd on; hold time {HOLD_S}; error wait time {error_wait};", **keys)
        with open(wire.directory / "bird.conf", "a") as configuration:
            configuration.write('protocol bfd { interface "*" { interval 200 ms; multiplier 5; }; }\n')

    def bfd(self):
        """State of the only session."""
        for line in self.ask("show", "bfd", "sessions").splitlines():
            words = line.split()
            if words and words[0] in (POP4, POP6):
                return words[2]
        return None

    def established(self):
        return "Established" in self.ask("show", "protocols")


class FrrBfd(Frr):
    """FRR's bgpd with bfdd, and zebra, by which they talk."""

    def __init__(self, wire):
        super().__init__(wire)
        for daemon, text in {
            "zebra": "",
            "bfdd": "bfd\n profile pop\n  detect-multiplier 5\n  receive-interval 200\n  transmit-interval 200\n",
        }.items():
            (self.run_directory / f"{daemon}.conf").write_text(f"log stdout\n{text}")
        with open(self.run_directory / "bgpd.conf", "a") as configuration:
            configuration.write(f"router bgp 64500\n timers bgp 80 {HOLD_S}\n neighbor {POP4} bfd\n"
                                f" neighbor {POP4} bfd profile pop\n")
        self.vty = ["vtysh", "--vty_socket", self.run_directory]

    def start(self):
        self.processes = [self.start_daemon("zebra")]
        eventually((self.run_directory / "zserv.api").exists, "zebra", self.wire.logs)
        self.processes += [self.start_daemon("bfdd", "--bfdctl", self.run_directory / "bfdd.sock"),
                           self.start_daemon("bgpd", "-P", "0")]
        self.process = self.processes[-1]
        eventually(lambda: run(*self.shell, "show version", check=False), "bgpd", self.wire.logs)
        return self

    def start_daemon(self, daemon, *words):
        return self.wire.start(self.wire.router, daemon, f"/usr/lib/frr/{daemon}", "-f",
                               self.run_directory / f"{daemon}.conf", "-i", self.run_directory / f"{daemon}.pid", "-z",
                               self.run_directory / "zserv.api", "--vty_socket", self.run_directory, *words)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()

    def peer(self):
        shown = run(*self.vty, "-d", "bfdd", "-c", "show bfd peers json", check=False)
        try:
            peers = json.loads(shown)
        except ValueError:
            return {}
        return peers[0] if peers else {}

    def bfd(self):
        state = self.peer().get("status")
        return {"up": "Up", "down": "Down", "init": "Init", "shutdown": "AdminDown"}.get(state, state)

    def established(self):
        return '"bgpState":"Established"' in run(*self.shell, f"show bgp neighbors {POP4} json", check=False)


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    try:
        wire.up()
        yield wire
    finally:
        thaw(wire)
        wire.down()


@pytest.fixture(params=[BirdBfd, FrrBfd], ids=["bird", "frr"])
def router(request, wire):
    return request.param(wire).start()


@pytest.fixture(params=["bird", "frr"])
def patient(request, wire):
    """A router that makes a neighbour that failed wait for longer than any test here does, as BIRD does by default."""
    return (BirdBfd(wire, error_wait="60, 300") if request.param == "bird" else FrrBfd(wire)).start()


def neighbor(**keys):
    return {"address": ROUTER4, "remote-as": 64500, "hold-time": HOLD_S, "bfd": True, "bfd-interval": "200ms",
            "bfd-multiplier": 5, **keys}


def start_pop(wire, **keys):
    return Pop(wire, neighbors=[neighbor(**keys)]).start()


def wait(wire, condition, what):
    return eventually(condition, what, wire.logs)


def wait_up(wire, router, pop):
    wait(wire, lambda: pop.neighbor().get("bfd", {}).get("state") == "Up", "BFD at the PoP")
    wait(wire, lambda: router.bfd() == "Up", "BFD at the router")
    for prefix in (PREFIX4, PREFIX6):
        wait(wire, lambda prefix=prefix: router.next_hop(prefix), f"{prefix} at the router")


def wait_withdrawn(wire, router):
    """Milliseconds that it took; for whoever reads the log, not for the test."""
    began = time.monotonic()
    for prefix in (PREFIX4, PREFIX6):
        wait(wire, lambda prefix=prefix: not router.next_hop(prefix), f"{prefix} to go from the router")
    return (time.monotonic() - began) * 1000


def hitherd(pop):
    """The process ids of its halves."""
    pid = pop.process.pid
    return [pid] + [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def thaw(wire):
    for process in wire.processes:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)


# --- with both routers -------------------------------------------------------------------------------------------

def test_comes_up_with_the_times_that_both_agree_on(wire, router):
    pop = start_pop(wire)
    wait_up(wire, router, pop)
    wait(wire, lambda: pop.neighbor()["bfd"]["detection_ms"] == 1000, "the agreed detection time")
    assert pop.neighbor()["bfd"]["transmit_ms"] == 200
    assert pop.neighbor()["bfd"]["remote_state"] == "Up"


def test_a_frozen_pop_is_forgotten_and_found_again(wire, router):
    pop = start_pop(wire)
    wait_up(wire, router, pop)
    pids = hitherd(pop)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    took_ms = wait_withdrawn(wire, router)
    print(f"{router.name}: withdrawn {took_ms:.0f} ms after hitherd froze (detection time 1000 ms)")
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    wait_up(wire, router, pop)
    assert pop.process.poll() is None


def test_a_drained_pop_keeps_its_sessions(wire, patient):
    pop = start_pop(wire)
    wait_up(wire, patient, pop)
    assert pop.ask("drain", reason="new kernel")["ok"]
    wait_withdrawn(wire, patient)
    assert pop.neighbor()["bfd"]["state"] == patient.bfd() == "Up"
    assert pop.ask("resume")["ok"]
    wait_up(wire, patient, pop)
    assert pop.neighbor()["established"] == 1
    assert pop.neighbor()["bfd"]["downs"] == 0


def test_a_router_that_freezes_loses_its_bgp_session(wire, router):
    pop = start_pop(wire)
    wait_up(wire, router, pop)
    frozen = getattr(router, "processes", [router.process])
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    wait(wire, lambda: pop.neighbor()["bfd"]["state"] == "Down", "BFD to notice")
    wait(wire, lambda: pop.neighbor()["session"] != "Established", "the BGP session to be given up")
    assert pop.neighbor()["bfd"]["downs"] == 1
    assert "control detection time expired" in pop.neighbor()["last_error"]
    for process in frozen:
        process.send_signal(signal.SIGCONT)
    wait_up(wire, router, pop)


def test_a_withdrawal_that_does_not_arrive_is_said_by_silence(wire, router):
    pop = start_pop(wire)
    wait_up(wire, router, pop)
    # Not one octet of BGP leaves any more, while BFD's packets do.
    run("ip", "-n", wire.pop, "rule", "add", "ipproto", "tcp", "dport", "179", "blackhole")
    wire.service(SERVICE4, False)
    took_ms = wait_withdrawn(wire, router)
    print(f"{router.name}: withdrawn {took_ms:.0f} ms after the service address went")
    assert "BFD is silenced" in wire.log("hitherd")


def test_an_upgrade_in_place_ends_neither_session(wire, patient):
    """A BFD session that the router lost would end BGP's, and be waited for longer than the test does."""
    pop = start_pop(wire)
    wait_up(wire, patient, pop)
    before, began = pop.neighbor()["bfd"], time.monotonic()
    for _ in range(3):
        pop.upgrade()
    after = pop.neighbor()
    assert after["bfd"]["discriminator"] == before["discriminator"]
    assert after["bfd"]["since_ms"] >= before["since_ms"] + (time.monotonic() - began) * 1000 - 2000
    assert after["bfd"]["downs"] == after["withdrawals_sent"] == after["announcements_sent"] == 0
    assert after["established"] == 1 and patient.bfd() == "Up" and patient.established()
    assert after["bfd"]["packets_in"] > 0
    # It is whole: the heir's silence is a failure.
    for pid in hitherd(pop):
        os.kill(pid, signal.SIGSTOP)
    wait_withdrawn(wire, patient)


def test_leaving_is_no_failure_that_a_restart_would_have_to_wait_for(wire, patient):
    pop = start_pop(wire)
    wait_up(wire, patient, pop)
    pop.process.terminate()
    wait_withdrawn(wire, patient)
    wait(wire, lambda: pop.process.poll() is not None, "hitherd to leave")
    assert pop.process.returncode == 0
    if isinstance(patient, FrrBfd):
        assert patient.peer().get("remote-diagnostic") == "administratively down"
    assert patient.bfd() != "Up"
    pop.start()
    wait_up(wire, patient, pop)


def test_a_changed_neighbor_takes_the_bfd_session_over(wire, patient):
    """Ours goes on, although the router may end its own side with BGP's session and begin it anew."""
    pop = start_pop(wire)
    wait_up(wire, patient, pop)
    discriminator = pop.neighbor()["bfd"]["discriminator"]
    pop.configure(neighbors=[neighbor(**{"hold-time": HOLD_S - 1})])
    assert pop.ask("reload")["ok"]
    wait(wire, lambda: pop.neighbor()["hold_time_s"] == HOLD_S - 1, "the new session")
    wait_up(wire, patient, pop)
    assert pop.neighbor()["bfd"]["discriminator"] == discriminator


# --- with BIRD ----------------------------------------------------------------------------------------------------

def test_over_ipv6(wire):
    bird = BirdBfd(wire, local=ROUTER6, remote=POP6).start()
    pop = start_pop(wire, address=ROUTER6)
    wait_up(wire, bird, pop)


def test_with_the_gateway(wire):
    run("ip", "-n", wire.pop, "route", "add", "default", "via", ROUTER4)
    bird = BirdBfd(wire).start()
    pop = start_pop(wire, address="gateway")
    wait_up(wire, bird, pop)


def test_reload_changes_the_times_without_a_break(wire):
    bird = BirdBfd(wire).start()
    pop = start_pop(wire)
    wait_up(wire, bird, pop)
    pop.configure(neighbors=[neighbor(**{"bfd-interval": "500ms"})])
    assert pop.ask("reload")["ok"]
    wait(wire, lambda: pop.neighbor()["bfd"]["transmit_ms"] == 500, "the new interval")
    pop.configure(neighbors=[neighbor(**{"bfd": False})])
    assert pop.ask("reload")["ok"]
    wait(wire, lambda: "bfd" not in pop.neighbor() and bird.bfd() != "Up", "BFD to end")
    pop.configure(neighbors=[neighbor()])
    assert pop.ask("reload")["ok"]
    wait_up(wire, bird, pop)


def test_a_router_without_bfd_gets_the_routes_all_the_same(wire):
    bird = Bird(wire).start()
    pop = start_pop(wire)
    wait(wire, lambda: bird.next_hop(PREFIX4), "the route")
    assert pop.neighbor()["bfd"]["state"] == "Down"


# --- with packets of our own --------------------------------------------------------------------------------------

def forge(wire, packet, ttl, count, source_port=50000):
    """Has the router's host send BFD packets to the PoP."""
    program = ("import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
               f"s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, {ttl}); s.bind(('{ROUTER4}', {source_port})); "
               f"[s.sendto(bytes.fromhex('{packet.hex()}'), ('{POP4}', {PORT})) for _ in range({count})]")
    run("ip", "netns", "exec", wire.router, "/usr/bin/python3", "-c", program)


def packet(state, mine=7, yours=0, version=1, diagnostic=0, flags=0, multiplier=3, length=24):
    return struct.pack("!BBBBIIIII", version << 5 | diagnostic, state << 6 | flags, multiplier, length, mine, yours,
                       1000000, 1000000, 0)


def test_what_comes_from_further_away_is_not_heard(wire):
    bird = BirdBfd(wire).start()
    pop = start_pop(wire)
    wait_up(wire, bird, pop)
    forge(wire, packet(DOWN), ttl=254, count=20)
    wait(wire, lambda: pop.neighbor()["bfd"]["packets_too_far"] >= 20, "the packets to be counted")
    assert pop.neighbor()["bfd"]["state"] == "Up"
    assert pop.neighbor()["bfd"]["downs"] == 0
    forge(wire, packet(DOWN), ttl=255, count=1) # and from the link it would have been
    wait(wire, lambda: pop.neighbor()["bfd"]["downs"] == 1, "a packet that counts")


def test_what_is_no_packet_is_not_heard(wire):
    bird = BirdBfd(wire).start()
    pop = start_pop(wire)
    wait_up(wire, bird, pop)
    for wrong in (packet(DOWN, version=0), packet(DOWN, length=23), packet(DOWN, length=25), packet(DOWN, multiplier=0),
                  packet(DOWN, mine=0), packet(DOWN, yours=1), packet(DOWN, flags=1), packet(DOWN, flags=4),
                  packet(DOWN)[:23], b""):
        forge(wire, wrong, ttl=255, count=5)
    assert pop.neighbor()["bfd"]["state"] == "Up"
    assert pop.neighbor()["bfd"]["downs"] == 0
