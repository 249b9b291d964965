# SPDX-License-Identifier: BSD-2-Clause
"""Datagrams that are no queries: none is fatal, and what the RFCs don't answer isn't answered."""
import random
import socket

import dns.message
import pytest

from daemon import run_hitherd  # noqa: F401
from halves import server_pid

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
GOOD = dns.message.make_query("ns1.example.org", "A").to_wire()


@pytest.fixture
def hitherd(run_hitherd):
    return run_hitherd(zones={"example.org": ZONE})


@pytest.fixture
def client(hitherd):
    """Connected, so that what is sent goes to one worker, and is answered in order."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.connect(("127.0.0.1", hitherd.port))
        yield client


def expect_only_the_good_one(client):
    """A good query follows; its answer is the first that comes back."""
    client.send(GOOD)
    assert client.recv(4096)[:2] == GOOD[:2]


@pytest.mark.parametrize("octets", range(12))
def test_shorter_than_a_header(client, octets):
    client.send(bytes(octets))
    expect_only_the_good_one(client)


def test_response(client):
    client.send(b"\0\1" + bytes([GOOD[2] | 0x80]) + GOOD[3:])
    expect_only_the_good_one(client)


def test_longer_than_any_buffer(client):
    client.send(GOOD + bytes(60000))
    answer = client.recv(4096)
    assert answer[:2] == GOOD[:2] and answer[2] & 0x80


def send_all(client, messages):
    """Not more at once than the answers to which fit into the client's buffer."""
    for at, message in enumerate(messages):
        client.send(message)
        if at % 20 == 19:
            catch_up(client)
    catch_up(client)


def catch_up(client):
    """A good query is answered after all that were sent before it."""
    query = dns.message.make_query("ns1.example.org", "A").to_wire()
    client.send(query)
    while client.recv(65535)[:2] != query[:2]:
        pass


def test_garbage(hitherd, client):
    server = server_pid(hitherd)
    rng = random.Random(53)
    messages = []
    for _ in range(5000):
        message = bytearray(rng.randbytes(rng.randrange(600)))
        if rng.random() < 0.5:  # something that begins like a query gets further
            message[:12] = GOOD[:2] + bytes([rng.choice([0, 1, 0x28, 0x20]), 0, 0, 1, 0, 0, 0, 0, 0, rng.randrange(2)])
        messages.append(message)
    send_all(client, messages)
    assert server_pid(hitherd) == server


def test_every_cut_and_flip_of_a_query(hitherd, client):
    server = server_pid(hitherd)
    edns = dns.message.make_query("ns1.example.org", "A", use_edns=0, payload=1232, want_dnssec=True).to_wire()
    cuts = [edns[:at] for at in range(len(edns))]
    flips = [edns[:at] + bytes([edns[at] ^ 1 << bit]) + edns[at + 1:] for at in range(len(edns)) for bit in range(8)]
    send_all(client, cuts + flips)
    assert server_pid(hitherd) == server
