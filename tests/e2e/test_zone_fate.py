# SPDX-License-Identifier: BSD-2-Clause
"""What trouble of a zone does to routes: its own prefix goes when it is lost, and nothing that may be the same at every
PoP takes a route away."""
import os
import signal
import subprocess
import time

import pytest

from daemon import Daemon
from halves import ask_hither, run, server_pid
from router import router  # noqa: F401

ZONE = """$TTL 300
@ SOA ns1 hostmaster {serial} 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
BROKEN = "this is no zone\n"
OWN, OTHER = "203.0.113.0/24", "198.51.100.0/24"


@pytest.fixture
def hitherd(tmp_path, router):
    daemon = Daemon(tmp_path / "pop", {name: ZONE.format(serial=1) for name in ["own.example", "other.example", "common.example"]})
    text = daemon.configuration.read_text().replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: [{OWN}, {OTHER}]
  local-as: 64512
  neighbors:
    - address: 127.0.0.1
      port: {router.port}
      remote-as: 64500
  drain-wait: 100ms
health:
  interval: 100ms
  restart-grace: 10s
""")
    for name, prefix in [("own", OWN), ("other", OTHER)]:
        text = text.replace(f"file: {name}.example.zone", f"file: {name}.example.zone\n    prefix: {prefix}")
    daemon.configuration.write_text(text)
    status, said = run(daemon, "-c", daemon.configuration, "--check")
    assert status == 0, said
    daemon.start()
    router.wait(lambda: router.routes() == {OWN, OTHER}, "the announcements")
    yield daemon
    daemon.stop()


def lose(daemon, *names):
    """Text and image of the zones are broken, and the next server finds neither."""
    for name in names:
        daemon.write_zone(name, BROKEN)
    for path in (daemon.directory / "state").rglob("*"):
        if path.is_file() and any(name in path.name for name in names):
            path.write_bytes(b"broken")
    os.kill(server_pid(daemon), signal.SIGKILL)


def routes_gone(router):
    return [event for event in router.events if event[0] in ["withdrawn", "closed"]]


def test_a_lost_zone_takes_its_own_prefix_alone(hitherd, router):
    lose(hitherd, "own.example")
    router.wait(lambda: router.routes() == {OTHER}, "the withdrawal")
    assert ("withdrawn", OTHER) not in router.events
    assert "own.example. can't be served any more" in hitherd.log()
    hitherd.write_zone("own.example", ZONE.format(serial=2))
    hitherd.reload()
    router.wait(lambda: router.routes() == {OWN, OTHER}, "the announcement")


def test_a_lost_zone_without_a_prefix_degrades(hitherd, router):
    lose(hitherd, "common.example")
    hitherd.eventually(lambda: f"route {OWN}: degraded" in hitherd.log(), "a route less preferred")
    assert routes_gone(router) == []


def test_bad_texts_everywhere_take_nothing_away(hitherd, router):
    for name in ["own.example", "other.example", "common.example"]:
        hitherd.write_zone(name, BROKEN)
    hitherd.reload()
    hitherd.eventually(lambda: f"route {OWN}: degraded" in hitherd.log(), "a route less preferred")
    assert routes_gone(router) == []
    for name in ["own.example", "other.example", "common.example"]:
        hitherd.write_zone(name, ZONE.format(serial=2))
    hitherd.reload()
    hitherd.eventually(lambda: f"route {OWN}: up (was degraded)" in hitherd.log(), "the route as it was")
    assert routes_gone(router) == []


def test_a_new_zone_that_never_loads_takes_nothing_away(hitherd, router):
    """The same bad zone may have been pushed to every PoP."""
    hitherd.write_zone("new.example", BROKEN)
    hitherd.configuration.write_text(hitherd.configuration.read_text().replace(
        "zones:\n", f"zones:\n  - name: new.example\n    file: new.example.zone\n    prefix: {OWN}\n"))
    hitherd.reload()
    hitherd.eventually(lambda: f"route {OWN}: degraded" in hitherd.log(), "a route less preferred")
    assert routes_gone(router) == []
    assert f"route {OTHER}: degraded" not in hitherd.log()


def test_with_no_zone_left_there_is_nothing_to_announce(hitherd, router):
    lose(hitherd, "own.example", "other.example", "common.example")
    router.wait(lambda: router.routes() == set(), "the withdrawals")


def sign(daemon, name, days):
    """Anew, with signatures that end so many days from now."""
    directory = daemon.directory / "signing"
    if not directory.exists():
        directory.mkdir()
        subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", name], cwd=directory, check=True, stdout=subprocess.PIPE)
    key = next(directory.glob("*.private")).stem
    (directory / "zone").write_text(f"$ORIGIN {name}.\n" + ZONE.format(serial=int(time.time()) + days))
    end = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + days * 86400 + 60))
    subprocess.run(["ldns-signzone", "-e", end, "-f", "signed", "zone", key], cwd=directory, check=True)
    daemon.write_zone(name, (directory / "signed").read_text())
    daemon.reload()


def signatures(daemon):
    return next(c for c in ask_hither(daemon, "why")["other_checks"] if c["name"] == "zone-signatures")


def test_signatures_near_their_end_take_nothing_away(hitherd, router):
    """Every PoP has the same ones: the routes are less preferred, and somebody is told which zone it is."""
    hitherd.configuration.write_text(hitherd.configuration.read_text().replace(
        "health:\n", "health:\n  hold-down: 100ms\n  hold-down-max: 100ms\n"))
    assert signatures(hitherd)["why"] == ""
    sign(hitherd, "common.example", 2)
    hitherd.eventually(lambda: f"route {OWN}: degraded" in hitherd.log(), "a route less preferred")
    check = signatures(hitherd)
    assert (check["class"], check["good"]) == ("SHARED", False)
    assert check["why"].startswith("zone common.example.: a signature ends in 2 d 0 h")
    assert "zone common.example.: a signature ends in" in ask_hither(hitherd, "why")["why"]
    sign(hitherd, "common.example", 30)
    hitherd.eventually(lambda: f"route {OWN}: up (was degraded)" in hitherd.log(), "the route as it was")
    assert signatures(hitherd)["good"]
    assert routes_gone(router) == []
