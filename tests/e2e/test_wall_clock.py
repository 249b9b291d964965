# SPDX-License-Identifier: BSD-2-Clause
"""A clock that somebody sets an hour forward or back, under a zone whose age and signatures are near their limits: no
router hears of it, and every query is answered."""
import pathlib
import re
import struct
import subprocess
import time

import dns.message
import dns.query
import pytest

from daemon import Daemon
from halves import ask_hither
from router import router  # noqa: F401

PREFIX, ZONE = "127.0.0.0/8", "example.org"
LEFT_S = 5400
HERE = pathlib.Path(__file__).parent
TEXT = """$ORIGIN example.org.
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""


class Clock:
    def __init__(self, directory):
        self.path = directory / "offset"
        self.set(0)
        self.library = directory / "wall_clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, HERE / "wall_clock.c"], check=True)

    def set(self, offset_s):
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("=q", offset_s))


def sign(directory, ends_in_s):
    subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", ZONE], cwd=directory, check=True, stdout=subprocess.PIPE)
    key = next(directory.glob("*.private")).stem
    (directory / "zone").write_text(TEXT)
    end = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + ends_in_s))
    subprocess.run(["ldns-signzone", "-e", end, "-f", "signed", "zone", key], cwd=directory, check=True)
    return (directory / "signed").read_text()


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def hitherd(tmp_path, router, clock, monkeypatch):
    """Half an hour more, and the zone would be too old and its signatures too near their end."""
    daemon = Daemon(tmp_path / "pop", {ZONE: sign(tmp_path, LEFT_S)}, release=True)
    daemon.configuration.write_text(daemon.configuration.read_text().replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: ["{PREFIX}", "::/8"]
  local-as: 64512
  neighbors:
    - address: 127.0.0.1
      port: {router.port}
      remote-as: 64500
      hold-time: 3
  drain-wait: 0
health:
  interval: 50ms
  zone-max-age: 30m
  signature-end: 1h
"""))
    monkeypatch.setenv("LD_PRELOAD", str(clock.library))
    monkeypatch.setenv("HITHER_TEST_CLOCK", str(clock.path))
    daemon.start()
    for name in ["LD_PRELOAD", "HITHER_TEST_CLOCK"]:
        monkeypatch.delenv(name)
    router.wait(lambda: PREFIX in router.routes(), "the announcement")
    yield daemon
    daemon.stop()


def rounds(daemon):
    return ask_hither(daemon, "why")["rounds"]


def left_s(daemon):
    """Until the signatures end, by the clock as the program sees it."""
    check = next(c for c in ask_hither(daemon, "why")["other_checks"] if c["name"] == "zone-signatures")
    days, hours, minutes = map(int, re.search(r"ends in (\d+) d (\d+) h (\d+) min", check["why"]).groups())
    return (days * 24 + hours) * 3600 + minutes * 60


def test_a_clock_set_by_an_hour_changes_nothing(hitherd, router, clock):
    before = list(router.events)
    log = len(hitherd.log())
    for offset_s in [3600, 0, -3600, 3600, 0]:
        clock.set(offset_s)
        assert abs(left_s(hitherd) - (LEFT_S - offset_s)) < 600, "the clock wasn't set"
        until, asked = rounds(hitherd) + 8, 0
        while rounds(hitherd) < until:
            answer = dns.query.udp(dns.message.make_query(ZONE, "SOA"), "127.0.0.1", port=hitherd.port, timeout=5)
            assert answer.answer, answer
            asked += 1
        assert asked > 0
        why = ask_hither(hitherd, "why")
        assert why["verdict"] == "good", why
    assert router.events == before
    assert "warning" not in hitherd.log()[log:]
