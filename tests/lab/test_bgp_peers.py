# SPDX-License-Identifier: BSD-2-Clause
"""hitherd's BGP speaker against the routers that it will meet, and against one that gets everything wrong."""
import os
import signal
import socket
import struct

import pytest

from routers import (GRACEFUL_SHUTDOWN, POP4, POP6, PREFIX4, PREFIX6, ROUTER4, ROUTER6, SERVICE4, Bird, Frr, GoBgp,
                     Pop, Wire, eventually, run)

ROUTERS = [Bird, Frr, GoBgp]


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    try:
        wire.up()
        yield wire
    finally:
        wire.down()


@pytest.fixture(params=ROUTERS, ids=[r.name for r in ROUTERS])
def router(request, wire):
    return request.param(wire).start()


def wait(wire, condition, what):
    return eventually(condition, what, wire.logs)


def wait_announced(wire, router, prefixes=(PREFIX4, PREFIX6)):
    for prefix in prefixes:
        wait(wire, lambda prefix=prefix: router.next_hop(prefix), f"{prefix} at the router")


def wait_withdrawn(wire, router, prefixes=(PREFIX4, PREFIX6)):
    for prefix in prefixes:
        wait(wire, lambda prefix=prefix: not router.next_hop(prefix), f"{prefix} to go from the router")


# --- with every router ---------------------------------------------------------------------------------------------

def test_both_families_come_with_their_next_hops(wire, router):
    Pop(wire).start()
    wait_announced(wire, router)
    assert router.next_hop(PREFIX4) == POP4
    assert router.next_hop(PREFIX6) == POP6
    assert router.communities(PREFIX4) == router.communities(PREFIX6) == []


def test_trouble_of_one_family_withdraws_that_family_alone(wire, router):
    pop = Pop(wire).start()
    wait_announced(wire, router)
    wire.service(SERVICE4, False)
    wait_withdrawn(wire, router, [PREFIX4])
    assert router.next_hop(PREFIX6) == POP6
    assert pop.state(PREFIX6) == "up"
    wire.service(SERVICE4, True)
    wait_announced(wire, router)
    assert pop.neighbor()["established"] == 1


def test_an_upgrade_in_place_tells_the_router_nothing(wire, router):
    pop = Pop(wire).start()
    wait_announced(wire, router)
    pop.upgrade()
    neighbor = pop.neighbor()
    assert neighbor["session"] == "Established"
    assert neighbor["announcements_sent"] == neighbor["withdrawals_sent"] == 0
    assert sorted(neighbor["announced"]) == sorted([PREFIX4, PREFIX6])
    assert router.next_hop(PREFIX4) == POP4 and router.next_hop(PREFIX6) == POP6
    # The session is whole: what comes later is told, and taken.
    assert pop.ask("drain")["ok"]
    wait_withdrawn(wire, router)
    assert pop.ask("resume")["ok"]
    wait_announced(wire, router)
    assert pop.neighbor()["established"] == 1


def test_nothing_is_announced_before_the_first_good_verdict(wire, router):
    wire.service(SERVICE4, False)
    pop = Pop(wire).start()
    wait_announced(wire, router, [PREFIX6])
    wait(wire, lambda: pop.ask("why")["rounds"] > 5, "some rounds")
    assert router.next_hop(PREFIX4) is None
    assert pop.state(PREFIX4) != "up"


def test_a_drain_marks_then_withdraws_and_resume_brings_back(wire, router):
    pop = Pop(wire, announce={"drain-wait": "3s"}).start()
    wait_announced(wire, router)
    assert pop.ask("drain", reason="new kernel")["ok"]
    for prefix in (PREFIX4, PREFIX6):
        wait(wire, lambda prefix=prefix: GRACEFUL_SHUTDOWN in router.communities(prefix), "the community")
    wait_withdrawn(wire, router)
    assert pop.neighbor()["session"] == "Established"
    assert pop.ask("resume")["ok"]
    wait_announced(wire, router)
    assert router.communities(PREFIX4) == router.communities(PREFIX6) == []
    assert pop.neighbor()["established"] == 1


def test_sigterm_withdraws_and_leaves(wire, router):
    pop = Pop(wire).start()
    wait_announced(wire, router)
    pop.process.terminate()
    wait_withdrawn(wire, router)
    wait(wire, lambda: pop.process.poll() is not None, "hitherd to leave")
    assert pop.process.returncode == 0


def test_a_killed_announcer_is_forgotten(wire, router):
    pop = Pop(wire, neighbors=[{"address": ROUTER4, "remote-as": 64500, "hold-time": 240}]).start()
    wait_announced(wire, router)
    os.kill(pop.process.pid, signal.SIGKILL)
    wait_withdrawn(wire, router) # long before any hold time


def test_a_router_that_was_away_is_told_again(wire, router):
    Pop(wire).start()
    wait_announced(wire, router)
    router.stop()
    router.start()
    wait_announced(wire, router)


# --- with BIRD ------------------------------------------------------------------------------------------------------

def neighbor(**keys):
    return {"address": ROUTER4, "remote-as": 64500, "hold-time": 9, **keys}


def test_policy_goes_along(wire):
    bird = Bird(wire).start()
    Pop(wire, announce={"med": 30, "communities": ["64512:100"], "large-communities": ["64512:1:2"],
                        "prepend": 2}).start()
    wait_announced(wire, bird)
    route = bird.routes()[PREFIX4]
    assert route["med"] == "30"
    assert route["as_path"] == "64512 64512 64512"
    assert route["community"] == "(64512,100)"
    assert route["large_community"] == "(64512, 1, 2)"


def test_four_octet_as(wire):
    bird = Bird(wire, remote_as=4200000001).start()
    Pop(wire, announce={"local-as": 4200000001}).start()
    wait_announced(wire, bird)
    assert bird.routes()[PREFIX6]["as_path"] == "4200000001"


def test_a_neighbor_in_our_own_as(wire):
    bird = Bird(wire, remote_as=64500).start()
    Pop(wire, announce={"local-as": 64500, "local-pref": 170}).start()
    wait_announced(wire, bird)
    route = bird.routes()[PREFIX4]
    assert route["local_pref"] == "170"
    assert route.get("as_path", "") == ""


def test_a_session_over_ipv6_carries_both(wire):
    bird = Bird(wire, local=ROUTER6, remote=POP6).start()
    Pop(wire, neighbors=[neighbor(address=ROUTER6)]).start()
    wait_announced(wire, bird)
    assert bird.next_hop(PREFIX4) == POP4
    assert bird.next_hop(PREFIX6) == POP6


def test_ipv4_with_an_ipv6_next_hop_where_there_is_no_other(wire):
    run("ip", "-n", wire.pop, "addr", "del", f"{POP4}/24", "dev", "wire")
    bird = Bird(wire, local=ROUTER6, remote=POP6, extended_next_hop=True).start()
    Pop(wire, neighbors=[neighbor(address=ROUTER6)]).start()
    wait_announced(wire, bird)
    assert bird.next_hop(PREFIX4) == POP6


def test_a_family_that_cannot_be_announced_is_told_and_the_other_goes(wire):
    run("ip", "-n", wire.pop, "addr", "del", f"{POP6}/64", "dev", "wire")
    bird = Bird(wire).start()
    pop = Pop(wire).start()
    wait_announced(wire, bird, [PREFIX4])
    wait(wire, lambda: f"{PREFIX6} is not announced: the session's interface has no global address"
         in wire.log("hitherd"), "the reason in the log")
    assert pop.neighbor()["announced"] == [PREFIX4]
    run("ip", "-n", wire.pop, "addr", "add", f"{POP6}/64", "dev", "wire", "nodad")
    wait_announced(wire, bird) # an address that comes later is seen


def test_the_gateway_is_found(wire):
    run("ip", "-n", wire.pop, "route", "add", "default", "via", ROUTER4)
    bird = Bird(wire).start()
    pop = Pop(wire, neighbors=[neighbor(address="gateway")]).start()
    wait_announced(wire, bird)
    assert pop.neighbor()["address"] == ROUTER4


def test_ttl_security(wire):
    bird = Bird(wire, bgp="ttl security on; multihop 1;").start()
    Pop(wire, neighbors=[neighbor(**{"ttl-security": "yes"})]).start()
    wait_announced(wire, bird)


def bird_counts(bird):
    """Of everything that the session has told: what changed, and when."""
    return [line for line in bird.ask("show", "protocols", "all", "pop").splitlines()
            if line.strip().startswith(("pop", "Import updates", "Import withdraws"))]


def test_bird_sees_nothing_of_an_upgrade_of_a_signed_session(wire):
    bird = Bird(wire, bgp='password "correct horse";').start()
    (wire.directory / "secret").write_text("correct horse\n")
    (wire.directory / "secret").chmod(0o600)
    pop = Pop(wire, neighbors=[neighbor(**{"md5-password-file": "secret"})]).start()
    wait_announced(wire, bird)
    before = bird_counts(bird)
    pop.upgrade()
    assert before and bird_counts(bird) == before


def test_md5_right_and_wrong(wire):
    bird = Bird(wire, bgp='password "correct horse";').start()
    (wire.directory / "secret").write_text("battery staple\n")
    (wire.directory / "secret").chmod(0o600)
    pop = Pop(wire, neighbors=[neighbor(**{"md5-password-file": "secret"})]).start()
    wait(wire, lambda: "can't connect: no answer" in pop.neighbor().get("last_error", ""), "the wrong password")
    assert bird.next_hop(PREFIX4) is None
    (wire.directory / "secret").write_text("correct horse\n")
    assert pop.ask("reload")["ok"]
    wait_announced(wire, bird)


def test_reload_keeps_the_session_of_a_neighbor_that_stays(wire):
    bird = Bird(wire).start()
    pop = Pop(wire).start()
    wait_announced(wire, bird)
    pop.configure(announce={"communities": ["64512:7"], "prefixes": [PREFIX4]})
    assert pop.ask("reload")["ok"]
    wait_withdrawn(wire, bird, [PREFIX6])
    wait(wire, lambda: bird.communities(PREFIX4) == [(64512, 7)], "the new community")
    assert pop.neighbor()["established"] == 1
    pop.configure(neighbors=[neighbor(**{"hold-time": 30})])
    assert pop.ask("reload")["ok"]
    wait_announced(wire, bird)
    assert pop.neighbor()["hold_time_s"] == 30


# --- with a peer that gets everything wrong ---------------------------------------------------------------------------

MARKER = b"\xff" * 16


def message(kind, body=b"", length=None, marker=MARKER):
    return marker + struct.pack("!HB", 19 + len(body) if length is None else length, kind) + body


def open_message(version=4, asn=64500, hold=90, identifier=0x0a090001, parameters=None):
    if parameters is None:
        capabilities = bytes.fromhex("010400010001" "010400020001") + b"\x41\x04" + struct.pack("!I", asn)
        parameters = bytes([2, len(capabilities)]) + capabilities
    return message(1, struct.pack("!BHHIB", version, asn, hold, identifier, len(parameters)) + parameters)


KEEPALIVE = message(4)
UPDATE = message(2, b"\0\0\0\0")
END_OF_RIB = [b"\0\0\0\0", bytes.fromhex("0000" "0007" "900f0003" "000201")]


class Peer:
    """One connection that hitherd made to us."""

    def __init__(self, listener):
        self.connection = listener.accept()[0]
        self.connection.settimeout(20)
        self.bytes = b""

    def exactly(self, count):
        while len(self.bytes) < count:
            more = self.connection.recv(4096)
            if not more:
                raise EOFError
            self.bytes += more
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def read(self):
        """The next message: (type, body)."""
        header = self.exactly(19)
        assert header[:16] == MARKER
        length, kind = struct.unpack("!HB", header[16:])
        return kind, self.exactly(length - 19)

    def update(self):
        """The body of the next UPDATE."""
        while True:
            kind, body = self.read()
            if kind == 2:
                return body

    def notification(self):
        """What the session is closed with: (code, subcode, data). Then it is really closed."""
        while True:
            kind, body = self.read()
            if kind == 3:
                with pytest.raises((EOFError, ConnectionResetError)):
                    while True:
                        self.read()
                return body[0], body[1], body[2:]

    def send(self, *messages):
        self.connection.sendall(b"".join(messages))
        return self

    def close(self):
        self.connection.close()


@pytest.fixture
def listener(wire):
    with wire.listen(ROUTER4, 179) as listener:
        listener.settimeout(90)
        yield listener


def test_our_open_says_what_it_should(wire, listener):
    Pop(wire).start()
    peer = Peer(listener)
    kind, body = peer.read()
    assert kind == 1
    version, asn, hold, identifier, length = struct.unpack("!BHHIB", body[:10])
    assert (version, asn, hold) == (4, 64512, 9)
    assert identifier == int.from_bytes(socket.inet_aton(POP4), "big")
    parameters, capabilities = body[10:], {}
    assert len(parameters) == length and parameters[0] == 2
    at = 2
    while at < len(parameters):
        capabilities.setdefault(parameters[at], []).append(parameters[at + 2:at + 2 + parameters[at + 1]])
        at += 2 + parameters[at + 1]
    assert capabilities[1] == [bytes.fromhex("00010001"), bytes.fromhex("00020001")]
    assert capabilities[2] == [b""]
    assert capabilities[65] == [struct.pack("!I", 64512)]
    assert 64 not in capabilities and 71 not in capabilities, "graceful restart keeps dead routes"


WRONG = {
    "marker": ([message(4, marker=b"\xff" * 15 + b"\xfe")], (1, 1)),
    "no BGP at all": ([b"GET / HTTP/1.0\r\n\r\n.."], (1, 1)),
    "length": ([message(4, length=18)], (1, 2)),
    "too long": ([message(2, length=4097)], (1, 2)),
    "type": ([message(9)], (1, 3)),
    "version": ([open_message(version=3)], (2, 1)),
    "AS": ([open_message(asn=64501)], (2, 2)),
    "identifier": ([open_message(identifier=0)], (2, 3)),
    "parameter": ([open_message(parameters=b"\1\0")], (2, 4)),
    "hold time 0": ([open_message(hold=0)], (2, 6)),
    "hold time 2": ([open_message(hold=2)], (2, 6)),
    "capabilities cut off": ([open_message(parameters=b"\2\2\x41\4")], (2, 0)),
    "keepalive first": ([KEEPALIVE], (5, 1)),
    "update before it is time": ([open_message(), UPDATE], (5, 2)),
    "second open": ([open_message(), KEEPALIVE, open_message()], (5, 3)),
    "short update": ([open_message(), KEEPALIVE, message(2, b"\0\0")], (1, 2)),
    "long keepalive": ([open_message(), KEEPALIVE, message(4, b"\0")], (1, 2)),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_bytes_get_the_right_notification_and_another_try(wire, listener, what):
    messages, expected = WRONG[what]
    pop = Pop(wire).start()
    peer = Peer(listener)
    assert peer.read()[0] == 1
    assert peer.send(*messages).notification()[:2] == expected
    peer.close()
    peer = Peer(listener) # and it comes back
    assert peer.read()[0] == 1
    peer.send(open_message(), KEEPALIVE)
    wait(wire, lambda: pop.neighbor()["session"] == "Established", "a session after all")
    assert "closed by us" in pop.neighbor()["last_error"]


def test_a_silent_peer_is_given_up(wire, listener):
    Pop(wire, neighbors=[neighbor(**{"hold-time": 3})]).start()
    peer = Peer(listener)
    peer.read()
    assert peer.send(open_message(), KEEPALIVE).notification()[:2] == (4, 0)


def test_update_attributes_are_not_looked_at(wire, listener):
    pop = Pop(wire).start()
    peer = Peer(listener)
    peer.read()
    peer.send(open_message(), KEEPALIVE, message(2, b"\xff" * 4000), message(2, os.urandom(2000)), KEEPALIVE)
    wait(wire, lambda: pop.neighbor()["updates_in"] == 2, "both to be counted")
    assert pop.neighbor()["session"] == "Established"


def test_leaving_says_why(wire, listener):
    pop = Pop(wire).start()
    peer = Peer(listener)
    peer.read()
    peer.send(open_message(), KEEPALIVE)
    wait(wire, lambda: pop.state(PREFIX4) == "up", "the first good verdict")
    assert pop.ask("drain", reason="new kernel")["ok"]
    pop.process.terminate()
    code, subcode, data = peer.notification()
    assert (code, subcode) == (6, 2)
    assert data[0] == len(data) - 1


def test_end_of_rib_follows_the_routes(wire, listener):
    pop = Pop(wire).start()
    wait(wire, lambda: pop.state(PREFIX4) == pop.state(PREFIX6) == "up", "the first good verdict")
    peer = Peer(listener)
    peer.read()
    peer.send(open_message(), KEEPALIVE)
    updates = [peer.update() for _ in range(4)]
    assert updates[2:] == END_OF_RIB


def test_four_octet_as_to_a_neighbor_without_them(wire, listener):
    Pop(wire, announce={"local-as": 4200000001}).start()
    peer = Peer(listener)
    kind, body = peer.read()
    assert struct.unpack("!H", body[1:3]) == (23456,)
    peer.send(open_message(parameters=b""), KEEPALIVE) # no capabilities: IPv4 alone, two octets for an AS
    while len(body := peer.update()) == len(END_OF_RIB[0]):
        pass # from before the first good verdict
    assert bytes.fromhex("50020004" "0201" "5ba0") in body
    assert b"\xd0\x11\x00\x06\x02\x01" + struct.pack("!I", 4200000001) in body


def test_a_refresh_is_answered_in_full(wire, listener):
    pop = Pop(wire).start()
    wait(wire, lambda: pop.state(PREFIX4) == pop.state(PREFIX6) == "up", "the first good verdict")
    peer = Peer(listener)
    peer.read()
    peer.send(open_message(), KEEPALIVE)
    first = [peer.update(), peer.update()]
    assert [peer.update(), peer.update()] == END_OF_RIB
    peer.send(message(5, bytes.fromhex("00010001")))
    assert peer.update() == first[0]
    peer.send(message(5, bytes.fromhex("00020001")))
    assert peer.update() == first[1]
