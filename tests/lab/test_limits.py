# SPDX-License-Identifier: BSD-2-Clause
"""Floods from addresses that may be forged: what they get is no more than what they send, and who means it is answered.

The figures are printed: run with -s, or -rP.
"""
import json
import pathlib
import random
import re
import subprocess
import sys

import pytest

from routers import POP4, ROUTER4, SERVICE4, Pop, Wire, eventually, run

HERE = pathlib.Path(__file__).resolve().parent
FLOOD_S = 2
BIG = '"' + "x" * 250 + '" '
ZONE = f"""$TTL 300
@ SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 300
@ NS ns.example.com.
ns A {SERVICE4}
big TXT {BIG * 4}
"""


class Flooded(Pop):
    """A PoP whose clients, all of 198.51.0.0/16, are routed to it."""

    def __init__(self, wire, limits=None):
        super().__init__(wire)
        (wire.directory / "example.com.zone").write_text(ZONE)
        configuration = json.loads((wire.directory / "hither.yaml").read_text())
        configuration["server"].update(workers=2, http=f"{POP4}@9153")
        configuration["announce"] = {"backend": "none"}
        if limits is not None:
            configuration["limits"] = limits
        (wire.directory / "hither.yaml").write_text(json.dumps(configuration, indent=1))
        run("ip", "-n", wire.router, "addr", "add", "198.51.0.0/16", "dev", "lo")
        run("ip", "-n", wire.router, "route", "add", SERVICE4, "via", POP4)
        run("ip", "-n", wire.pop, "route", "add", "198.51.0.0/16", "via", ROUTER4)

    def octets(self):
        """In and out, on the wire, as the PoP's interface counts them."""
        link = json.loads(run("ip", "-n", self.wire.pop, "-s", "-j", "link", "show", "wire"))[0]["stats64"]
        return link["rx"]["bytes"], link["tx"]["bytes"]

    def metric(self, name, *label):
        text = run("ip", "netns", "exec", self.wire.router, "curl", "-sf", f"http://{POP4}:9153/metrics")
        labels = re.escape('{%s="%s"}' % label) if label else ""
        return int(float(re.search(rf"^hither_{name}{labels} (\S+)$", text, re.M)[1]))

    def limited(self, action):
        return self.metric("limited_total", "action", action)


class Script:
    """A script of ours that runs in the clients' namespace."""

    def __init__(self, wire, name, *arguments):
        self.process = subprocess.Popen(["ip", "netns", "exec", wire.router, sys.executable, HERE / name, *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def numbers(self):
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return [int(word) for word in out.split()]


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    try:
        wire.up()
        yield wire
    finally:
        wire.down()


def flood(pop, sources, name="big.example.com"):
    """Octets out for each octet in, of the flood alone; tells the figures."""
    eventually(lambda: pop.ask("why").get("verdict") == "good", "a good verdict", pop.wire.logs)
    received, sent = pop.octets()
    queries, = Script(pop.wire, "flooder.py", SERVICE4, name, str(FLOOD_S), *sources).numbers()
    received_after, sent_after = pop.octets()
    ratio = (sent_after - sent) / (received_after - received)
    print(f"{len(sources)} sources, {queries / FLOOD_S:.0f} queries/s: {(received_after - received) / FLOOD_S:.0f} octets/s in, "
          f"{(sent_after - sent) / FLOOD_S:.0f} out: amplification {ratio:.2f}; "
          f"{pop.limited('dropped')} dropped, {pop.limited('truncated')} truncated")
    return ratio


def spread(prefixes, count):
    chosen = random.Random(1)
    return [f"198.51.{chosen.randrange(prefixes)}.{chosen.randrange(1, 255)}" for _ in range(count)]


def test_one_source_is_not_amplified(wire):
    pop = Flooded(wire).start()
    assert flood(pop, ["198.51.100.66"]) < 1.5
    assert pop.limited("dropped") > 0


def test_many_sources_are_not_amplified(wire):
    pop = Flooded(wire, {"udp-octets": 10000}).start()
    assert flood(pop, spread(16, 400)) < 1.5


def test_without_the_limit_they_would_be(wire):
    assert flood(Flooded(wire, {"udp-octets": 0}).start(), ["198.51.100.66"]) > 1.5


def test_clients_that_mean_it_are_answered(wire):
    pop = Flooded(wire).start()
    clients = {
        "elsewhere": Script(wire, "asker.py", SERVICE4, "198.51.7.7"),
        "in the flooded prefix": Script(wire, "asker.py", SERVICE4, "198.51.100.7"),
        "there, with a cookie": Script(wire, "asker.py", SERVICE4, "198.51.100.8", "cookie"),
    }
    flood(pop, [f"198.51.100.{i}" for i in range(60, 70)])
    for where, client in clients.items():
        asked, answered, over_tcp, attempts = client.numbers()
        print(f"a client {where}: asked {asked}, answered {answered}, over TCP {over_tcp}, attempts {attempts}")
        assert asked > 0 and answered == asked, where
        if where == "in the flooded prefix":
            assert over_tcp > 0
        else:
            assert over_tcp == 0


def test_connections_of_a_prefix_are_limited(wire):
    pop = Flooded(wire, {"tcp-connections": 20}).start()
    eventually(lambda: pop.ask("why").get("verdict") == "good", "a good verdict", wire.logs)
    for prefix in ("198.51.100", "198.51.101"):
        answered, = Script(wire, "connector.py", SERVICE4, "60", prefix).numbers()
        assert 0 < answered <= 20, (prefix, answered)
    assert pop.metric("tcp_connections_total", "event", "limited") >= 60
