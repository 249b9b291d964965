# SPDX-License-Identifier: BSD-2-Clause
"""A zone of a million names loads, and answers from its beginning, its middle and its end."""
import random

import dns.message
import dns.query
import dns.rcode

from daemon import run_hitherd  # noqa: F401

NAMES = 1_000_000


def address(i):
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def ask(port, name, kind):
    query = dns.message.make_query(name, kind)
    return dns.query.udp(query, "127.0.0.1", port=port, timeout=10)


def test_a_million_names(run_hitherd, tmp_path):
    zone = tmp_path / "million.zone"
    with open(zone, "w") as out:
        out.write("$TTL 3600\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n")
        out.writelines(f"host{i:07} A {address(i)}\n" for i in range(NAMES))
    daemon = run_hitherd(zones={"example.com": zone}, release=True, patience_s=180)
    assert ask(daemon.port, "example.com", "SOA").answer[0][0].serial == 1
    chosen = random.Random(1).sample(range(NAMES), 300) + [0, NAMES - 1]
    for i in chosen:
        answer = ask(daemon.port, f"host{i:07}.example.com", "A").answer
        assert [r.address for r in answer[0]] == [address(i)], i
    for name in ("host.example.com", f"host{NAMES:07}.example.com", "host00000001.example.com"):
        assert ask(daemon.port, name, "A").rcode() == dns.rcode.NXDOMAIN, name
    assert ask(daemon.port, "host0000001.example.com", "AAAA").answer == []
