# SPDX-License-Identifier: BSD-2-Clause
"""The answer cache as operators see it: shown, dumped, flushed. Another hitherd is the world."""
import json
import subprocess

import dns.message
import dns.query
import pytest

from daemon import Daemon, run_hitherd  # noqa: F401
from test_resolve import OWN, WORLD, ask, pop, resolving, world  # noqa: F401


def hither(daemon, *words):
    return subprocess.run([daemon.programs / "hither", "--socket", daemon.directory / "control.sock", *words], capture_output=True, text=True,
                          timeout=60)


def entries(daemon, *words):
    run = hither(daemon, "cache", *words, "--json")
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def everywhere(daemon, name, rdtype="A"):
    """Asked until both workers have the answer: a client's port decides who gets its question."""
    daemon.eventually(lambda: ask(daemon, name, rdtype) and len({e["worker"] for e in entries(daemon, "show", name, rdtype)}) == 2,
                      f"{name} in both caches")


def names(found):
    return {(entry["name"], entry["type"]) for entry in found}


def test_shown_and_flushed(pop, world):
    for name, rdtype in [("www.world.test", "A"), ("www.world.test", "AAAA"), ("ns1.world.test", "A"), ("no.world.test", "A")]:
        everywhere(pop, name, rdtype)
    shown = entries(pop, "show", "WWW.world.test", "A")
    assert names(shown) == {("www.world.test.", "A")}
    assert all(e["rcode"] == "NOERROR" and e["records"][0] == 1 and 0 <= e["left_s"] <= 300 and not e["secure"] for e in shown)
    assert names(entries(pop, "show", "www.world.test")) == {("www.world.test.", "A"), ("www.world.test.", "AAAA")}
    assert "no.world.test. IN A NXDOMAIN, for another" in hither(pop, "cache", "show", "no.world.test").stdout
    everything = names(entries(pop, "dump"))
    assert everything >= {("www.world.test.", "A"), ("ns1.world.test.", "A"), ("no.world.test.", "A")}

    world.write_zone("world.test", WORLD.replace("192.0.2.80", "192.0.2.99").replace("hostmaster 1 ", "hostmaster 2 "))
    assert hither(world, "reload").returncode == 0
    assert ask(pop, "www.world.test").answer[0][0].address == "192.0.2.80"
    flushed = hither(pop, "cache", "flush", "www.world.test", "--type", "A")
    assert flushed.returncode == 0 and flushed.stdout == "2 answers forgotten\n", flushed
    assert names(entries(pop, "dump")) == everything - {("www.world.test.", "A")}
    assert ask(pop, "www.world.test").answer[0][0].address == "192.0.2.99"
    assert json.loads(hither(pop, "cache", "flush", "world.test", "--suffix", "--json").stdout)["flushed"] >= 7
    assert entries(pop, "dump") == []


def test_a_dump_comes_in_pieces(pop):
    labels = ["x" * 60, "y" * 60, "z" * 60]
    wanted = {f"n{i}.{'.'.join(labels)}.world.test." for i in range(300)}
    for name in wanted:
        ask(pop, name)
    found = [e["name"] for e in entries(pop, "dump")]
    assert set(found) == wanted and len(found) == len(set(found))


def test_what_cant_be_done_is_told(pop, world):
    for words, status, text in [(["show"], 2, "write hither cache"), (["dump", "www.world.test"], 2, "write hither cache"),
                                (["show", "a..b"], 1, "isn't a name"), (["show", "a", "NOTYPE"], 1, "isn't a type")]:
        run = hither(pop, "cache", *words)
        assert run.returncode == status and text in run.stderr, run
    none = hither(world, "cache", "dump")
    assert none.returncode == 1 and "resolve.enabled" in none.stderr


def test_kept_over_a_restart_and_damage_is_told(pop, world):
    everywhere(pop, "www.world.test")
    before = {(e["name"], e["worker"]) for e in entries(pop, "dump")}
    pop.stop()
    files = sorted((pop.directory / "state").glob("answers-*.cache"))
    assert len(files) == 2
    damaged = bytearray(files[1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    files[1].write_bytes(damaged)
    world.stop()
    world.process = None
    pop.start()
    pop.eventually(lambda: {(e["name"], e["worker"]) for e in entries(pop, "dump")} == {e for e in before if e[1] == 0}, "what was kept")
    pop.wait_log(r"answers-1\.cache: it is damaged; the cache starts empty")
    assert not list((pop.directory / "state").glob("answers-*"))
