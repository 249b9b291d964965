# SPDX-License-Identifier: BSD-2-Clause
"""deploy/routers: the examples as they stand, BIRD's and FRR's with a PoP at the other end."""
import re
import shutil
import subprocess

import pytest

from routers import GRACEFUL_SHUTDOWN, PREFIX4, PREFIX6, ROOT, Bird, Frr, Pop, Wire, eventually, run

EXAMPLES = ROOT / "deploy/routers"
TOO_LONG4 = "203.0.113.0/25"
NEIGHBORS = [{"address": address, "remote-as": 64500, "hold-time": 9, "ttl-security": "yes", "bfd": bfd,
              "md5-password-file": "secret"} for address, bfd in (("192.0.2.1", "yes"), ("2001:db8:2::1", "no"))]


@pytest.fixture
def wire(tmp_path):
    """With the addresses that the examples speak of."""
    wire = Wire(tmp_path)
    try:
        wire.up()
        for namespace, host in ((wire.router, 1), (wire.pop, 10)):
            run("ip", "-n", namespace, "addr", "add", f"192.0.2.{host}/24", "dev", "wire")
            run("ip", "-n", namespace, "addr", "add", f"2001:db8:2::{host}/64", "dev", "wire", "nodad")
        (tmp_path / "secret").write_text("the-same-as-in-md5-password-file\n")
        (tmp_path / "secret").chmod(0o600)
        yield wire
    finally:
        wire.down()


class ExampleBird(Bird):
    def __init__(self, wire):
        super().__init__(wire)
        shutil.copy(EXAMPLES / "bird.conf", wire.directory / "bird.conf")

    def local_pref(self, prefix):
        return int(self.routes()[prefix].get("local_pref", 100))


class ExampleFrr(Frr):
    def __init__(self, wire):
        super().__init__(wire)
        (self.run_directory / "bgpd.conf").write_text("log stdout\n")

    def start(self):
        super().start()
        run(*self.shell[:-1], "-f", EXAMPLES / "frr.conf")
        return self

    def local_pref(self, prefix):
        return self.path(prefix).get("locPrf", 100)


@pytest.mark.parametrize("router", [ExampleBird, ExampleFrr], ids=["bird", "frr"])
def test_a_pop_is_let_in_with_its_prefixes_and_nothing_else(wire, router):
    router = router(wire).start()
    pop = Pop(wire, neighbors=NEIGHBORS, announce={"prefixes": [PREFIX4, PREFIX6], "drain-wait": "20s"}).start()
    for prefix in (PREFIX4, PREFIX6):
        eventually(lambda prefix=prefix: router.next_hop(prefix), prefix, wire.logs)
        assert router.local_pref(prefix) == 100
    pop.ask("drain", reason="tested")
    for prefix in (PREFIX4, PREFIX6):
        eventually(lambda prefix=prefix: router.communities(prefix) == [GRACEFUL_SHUTDOWN], "the drain", wire.logs)
        assert router.local_pref(prefix) == 0


def test_a_more_specific_prefix_stays_out(wire):
    bird = ExampleBird(wire).start()
    Pop(wire, neighbors=NEIGHBORS, announce={"prefixes": [PREFIX4, TOO_LONG4]}).start()
    eventually(lambda: bird.next_hop(PREFIX4), PREFIX4, wire.logs)
    # Received, rejected, filtered, ignored, accepted.
    eventually(lambda: re.search(r"Import updates:\s+2\s+0\s+1\s+0\s+1\b", bird.ask("show", "protocols", "all", "chicago4")),
               "the refusal", lambda: bird.ask("show", "protocols", "all", "chicago4"))
    assert bird.next_hop(TOO_LONG4) is None and bird.next_hop(PREFIX4)


def test_openbgpd_reads_its_example(tmp_path):
    shutil.copy(EXAMPLES / "openbgpd.conf", tmp_path)
    (tmp_path / "openbgpd.conf").chmod(0o600)
    read = subprocess.run(["bgpd", "-n", "-f", tmp_path / "openbgpd.conf"], capture_output=True, text=True, timeout=30)
    assert read.returncode == 0, read.stderr
