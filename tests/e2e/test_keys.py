# SPDX-License-Identifier: BSD-2-Clause
"""The fleet's secrets: two PoPs roll theirs, and neither a client nor the other PoP notices; nothing tells them."""
import json
import os
import re
import secrets
import signal
import subprocess
import time
import urllib.request

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest

from daemon import Daemon, free_port
from halves import ask_hither, server_pid

ZONE = "$TTL 300\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n"
CLIENT = bytes.fromhex("2464c4abcf10c957")


class Pop(Daemon):
    def __init__(self, directory, identity, heartbeats, peers, release=False):
        super().__init__(directory, {"example.org": ZONE}, release=release)
        self.http = free_port()
        text = self.configuration.read_text().replace('"tested"', identity)
        text = text.replace("  workers: 2\n", f"""\
  workers: 2
  http: 127.0.0.1@{self.http}
  cookie-secret-file: cookies
  require-cookies: true
""")
        self.configuration.write_text(text + f"""\
fleet:
  key-file: fleet.key
  listen: 127.0.0.1@{heartbeats}
  peers: [{", ".join(f"127.0.0.1@{port}" for port in peers)}]
""")

    def keep(self, stage, rolled):
        """The files as a stage has them: of both kinds of secrets the old and the new one."""
        for name, (old, new) in rolled.items():
            file = self.directory / name
            file.touch(mode=0o600)
            file.write_text("\n".join({"before": [old], "staged": [old, new], "active": [new, old],
                                       "retired": [new]}[stage]) + "\n")

    def ask(self, cookie):
        """(rcode, the cookie that came with the answer)"""
        query = dns.message.make_query("ns1.example.org", "A", use_edns=0, options=[dns.edns.GenericOption(10, cookie)])
        answer = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=self.patience_s)
        return dns.rcode.to_text(answer.rcode()), answer.options[0].to_wire()

    def cookie(self):
        return self.ask(CLIENT)[1]

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=self.patience_s) as answer:
            return answer.read().decode()

    def hears(self):
        """(state, how long ago it was so) of the other PoP."""
        others = ask_hither(self, "status")["fleet"]["pops"]
        return (others[0]["state"], others[0]["age_ms"]) if others else ("unknown", None)

    def hears_anew(self, since):
        """A heartbeat of after `since` was taken, and until then none was missed for long."""
        state, age_ms = self.hears()
        assert state == "up", state
        return age_ms < (time.monotonic() - since) * 1000


@pytest.fixture
def rolled():
    return {"cookies": (secrets.token_hex(16), secrets.token_hex(16)),
            "fleet.key": (secrets.token_hex(32), secrets.token_hex(32))}


@pytest.fixture
def pops(tmp_path, rolled):
    ports = [free_port(), free_port()]
    pops = [Pop(tmp_path / name, name, port, ports) for name, port in zip(("chicago", "dallas"), ports)]
    for pop in pops:
        pop.keep("before", rolled)
    for pop in pops:
        pop.start()
    for pop in pops:
        pop.eventually(lambda p=pop: p.hears()[0] == "up", "the other PoP")
    yield pops
    for pop in pops:
        pop.stop()


def reach(pop, stage, rolled):
    pop.keep(stage, rolled)
    ask_hither(pop, "reload")
    return time.monotonic()


def check_silence(pop, words):
    """Whatever an operator may look at or send to somebody else has none of the secrets."""
    os.kill(server_pid(pop), signal.SIGABRT)
    pop.wait_log("what the server was working on is in")
    pop.eventually(pop.answers, "an answer after the death")
    shown = {path: pop.get(path) for path in ("/status", "/metrics", "/")}
    shown |= {command: json.dumps(ask_hither(pop, command)) for command in ("status", "why", "zones")}
    shown["log"] = pop.log_path.read_text(errors="replace")
    kept = [file for file in (pop.directory / "state").rglob("*") if file.is_file()]
    assert {"flight.log"} < {file.name for file in kept} and any(file.name.startswith("crash-") for file in kept)
    shown |= {str(file): file.read_bytes().decode("latin-1") for file in kept}
    for pid in (pop.process.pid, server_pid(pop)):
        for what in ("environ", "cmdline"):
            with open(f"/proc/{pid}/{what}", encoding="latin-1") as file:
                shown[f"{pid} {what}"] = file.read()
    for where, text in shown.items():
        for word in words:
            assert word not in text.lower(), where
            assert bytes.fromhex(word).decode("latin-1") not in text, where


def test_a_roll_is_noticed_by_nobody(pops, rolled):
    first = pops[0].cookie()
    for stage in ("staged", "active", "retired"):
        for pop in pops:  # one after the other: between the two the files differ
            given = [pop.cookie() for pop in pops]
            if stage != "retired":
                given.append(first)
            since = reach(pop, stage, rolled)
            given += [pop.cookie() for pop in pops]
            for asked in pops:
                assert [asked.ask(cookie)[0] for cookie in given] == ["NOERROR"] * len(given), (stage, asked.directory)
                asked.eventually(lambda p=asked, s=since: p.hears_anew(s), f"a heartbeat, {stage}")
    # And a secret that is retired is one no longer, or nothing of the above would have meant anything.
    assert [pop.ask(first)[0] for pop in pops] == ["BADCOOKIE"] * 2
    reach(pops[0], "before", rolled)
    pops[1].eventually(lambda: pops[1].hears()[0] == "lost", "heartbeats by a retired key to be refused")


def test_nothing_shows_a_secret(pops, rolled):
    pop = pops[0]
    reach(pop, "active", rolled)
    words = [word for pair in rolled.values() for word in pair]
    check_silence(pop, words)
    # What is wrong with a file is said without what is in it, by the command and in the log.
    for name, (old, new) in rolled.items():
        (pop.directory / name).write_text(f"{old}\n{new}x\n")
        refused = subprocess.run([pop.programs / "hither", "-c", pop.configuration, "reload"], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=pop.patience_s, check=False)
        text = (refused.stdout.decode() + pop.log()).lower()
        assert refused.returncode != 0 and "a line isn't a secret" in refused.stdout.decode()
        assert not any(word in text for word in words)
        pop.keep("active", rolled)


def core_of(pid):
    """What a core of the process would hold: its own memory, but for pages that it asks the kernel to leave out."""
    with open(f"/proc/{pid}/smaps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        where, touched, kept = None, 0, []
        for line in maps:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) r(.)", line)
            if head:
                where = (int(head[1], 16), int(head[2], 16))
            elif line.startswith("Anonymous:"):
                touched = int(line.split()[1])
            elif line.startswith("VmFlags:") and touched and not {"dd", "io"} & set(line.split()):
                memory.seek(where[0])
                kept.append(memory.read(where[1] - where[0]))
                where = None
        return b"".join(kept)


def test_a_core_holds_no_secret(tmp_path, rolled):
    # Of the release build, because AddressSanitizer keeps what was freed. The file's text is as secret as the octets.
    ports = [free_port(), free_port()]
    pop = Pop(tmp_path / "alone", "alone", ports[0], ports, release=True)
    pop.keep("before", rolled)
    pop.start()
    try:
        reach(pop, "active", rolled)
        assert pop.ask(pop.cookie())[0] == "NOERROR"
        for name, pid in (("announcer", pop.process.pid), ("server", server_pid(pop))):
            core = core_of(pid)
            assert str(pop.configuration).encode() in core  # or nothing was looked at
            held = [(file, which, form) for file, pair in rolled.items() for which, word in zip(("old", "new"), pair)
                    for form, octets in (("text", word.encode()), ("octets", bytes.fromhex(word))) if octets in core]
            assert not held, name
    finally:
        pop.stop()
