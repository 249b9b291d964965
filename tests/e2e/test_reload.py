# SPDX-License-Identifier: BSD-2-Clause
"""Reload under traffic: no query is lost, and none is answered from two versions of a zone at once."""
import re
import subprocess
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from daemon import run_hitherd  # noqa: F401

SECONDS = 15
QUERIES_PER_SECOND = 1000
MANY = 200  # records in the largest set


def address(version, last=1):
    return f"10.{version >> 8 & 255}.{version & 255}.{last}"


def zone_text(version):
    """A zone whose every answer says which version it is, in each of its sections."""
    sets = "\n".join(f'set TXT "{version} of {i}"' for i in range(20))
    hosts = "\n".join(f"host{i} {version} A {address(version, i)}" for i in range(MANY))
    return f"""$TTL 300
@ SOA ns1 hostmaster {version} 7200 900 1209600 {version}
@ NS ns1
ns1 A {address(version)}
mx MX {version} mail
mail A {address(version)}
alias {version} CNAME target
target TXT "{version} of target"
cut NS ns{version}.cut
ns{version}.cut A {address(version)}
*.wild TXT "{version} of wild"
{sets}
{hosts}
"""


def versions_in(response):
    """Every version that an answer tells of, wherever it stands."""
    found = set()
    for section in (response.answer, response.authority, response.additional):
        for rrset in section:
            if rrset.name.to_text().startswith(("alias.", "host")):
                found.add(rrset.ttl)
            for name in [rrset.name] + [r.target for r in rrset if r.rdtype == dns.rdatatype.NS]:
                found.update(int(v) for v in re.findall(r"^ns(\d+)\.cut", name.to_text()))
            for record in rrset:
                if record.rdtype == dns.rdatatype.SOA:
                    found.add(record.serial)
                elif record.rdtype == dns.rdatatype.MX:
                    found.add(record.preference)
                elif record.rdtype == dns.rdatatype.TXT:
                    found.add(int(record.strings[0].split()[0]))
                elif record.rdtype == dns.rdatatype.A:
                    high, low = record.address.split(".")[1:3]
                    found.add(int(high) << 8 | int(low))
    return found


QUESTIONS = [("example.com", "SOA"), ("mx.example.com", "MX"), ("alias.example.com", "TXT"), ("set.example.com", "TXT"),
             ("under.cut.example.com", "A"), ("no.such.name.example.com", "A"), ("any.wild.example.com", "TXT"),
             ("host7.example.com", "A"), ("mail.example.com", "AAAA")]


class Checker(threading.Thread):
    """Asks for everything, over and over, and reads every answer whole."""

    def __init__(self, port):
        super().__init__()
        self.port, self.stopped = port, threading.Event()
        self.seen, self.wrong, self.answers = set(), [], 0

    def run(self):
        while not self.stopped.is_set():
            for number, (name, kind) in enumerate(QUESTIONS):
                query = dns.message.make_query(name, kind, use_edns=0, payload=4096)
                ask = dns.query.tcp if number % 4 == 3 else dns.query.udp
                try:
                    response = ask(query, "127.0.0.1", port=self.port, timeout=10)
                except Exception as why:
                    self.wrong.append(f"{name} {kind}: {why!r}")
                    continue
                versions = versions_in(response)
                self.answers += 1
                if len(versions) != 1:
                    self.wrong.append(f"{name} {kind}: of the versions {sorted(versions)}\n{response}")
                self.seen |= versions

    def finish(self):
        self.stopped.set()
        self.join()
        return self


def serial(port):
    query = dns.message.make_query("example.com", "SOA")
    return dns.query.udp(query, "127.0.0.1", port=port, timeout=10).answer[0][0].serial


def start_dnsperf(tmp_path, port):
    questions = tmp_path / "questions"
    questions.write_text("".join(f"{name} {kind}\n" for name, kind in QUESTIONS if "no.such" not in name)
                         + "".join(f"host{i}.example.com A\n" for i in range(MANY)))
    return subprocess.Popen(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(questions), "-l", str(SECONDS),
                             "-Q", str(QUERIES_PER_SECOND), "-q", "50", "-t", "10"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def dnsperf_counts(output):
    """(sent, completed, lost), and the rcodes with their numbers."""
    counts = [int(re.search(rf"Queries {word}:\s+(\d+)", output).group(1)) for word in ("sent", "completed", "lost")]
    codes = re.search(r"Response codes:\s+(.*)", output).group(1)
    return counts, {code: int(number) for code, number in re.findall(r"([A-Z]+) (\d+)", codes)}


def test_reload_under_traffic(run_hitherd, tmp_path):
    """One new version after the other while dnsperf asks, and every answer to a second asker is read whole."""
    daemon = run_hitherd(zones={"example.com": zone_text(1)})
    checker = Checker(daemon.port)
    checker.start()
    perf = start_dnsperf(tmp_path, daemon.port)
    version = 1
    try:
        while perf.poll() is None:
            version += 1
            daemon.write_zone("example.com", zone_text(version))
            daemon.reload()
            # Every fourth signal comes while the reload before is still being worked on.
            if version % 4:
                daemon.eventually(lambda: serial(daemon.port) >= version, f"version {version}")
        daemon.eventually(lambda: serial(daemon.port) == version, "the last version")
        daemon.eventually(lambda: version in checker.seen, "the checker to see it")
    finally:
        perf.kill()  # only when something above failed: it has ended by itself otherwise
        output = perf.communicate()[0]
        checker.finish()
    (sent, completed, lost), codes = dnsperf_counts(output)
    assert not checker.wrong, "\n".join(checker.wrong[:5])
    assert checker.answers > len(checker.seen) > 10, "too few versions were seen for this to have tested anything"
    assert sent > 0 and (completed, lost) == (sent, 0), output
    assert set(codes) == {"NOERROR"}, output


@pytest.mark.parametrize("line", ["broken A 300.1.2.3", "broken NOTYPE x", "outside.example.net. A 192.0.2.1",
                                  "target CNAME set"])
def test_broken_zone_is_refused_and_the_old_one_served(run_hitherd, line):
    daemon = run_hitherd(zones={"example.com": zone_text(1)})
    text = zone_text(2) + line + "\n"
    daemon.write_zone("example.com", text)
    daemon.reload()
    number = text.count("\n") if "CNAME" not in line else None  # which of two that clash is blamed is no matter
    daemon.wait_log(rf"example\.com\.zone:{number or '[0-9]+'}: .+")
    assert serial(daemon.port) == 1
    daemon.write_zone("example.com", zone_text(3))
    daemon.reload()
    daemon.eventually(lambda: serial(daemon.port) == 3, "the mended zone")


@pytest.mark.parametrize("wrong, remedy", [("  worker: 2", "workers"), ("  workers: many", "whole number"),
                                           ("  listen: [localhost@53]", "127|203|address")])
def test_broken_configuration_is_refused_and_the_old_one_stays(run_hitherd, wrong, remedy):
    daemon = run_hitherd(zones={"example.com": zone_text(1)})
    good = daemon.configuration.read_text()
    key = wrong.split(":")[0]
    lines = [line for line in good.splitlines() if not line.startswith(key + ":")]
    lines.insert(lines.index("server:") + 1, wrong)
    daemon.configuration.write_text("\n".join(lines) + "\n")
    daemon.write_zone("example.com", zone_text(2))
    daemon.reload()
    daemon.wait_log(rf"{daemon.configuration.name}:{lines.index(wrong) + 1}: .*({remedy})")
    assert serial(daemon.port) == 1
    daemon.configuration.write_text(good)
    daemon.reload()
    daemon.eventually(lambda: serial(daemon.port) == 2, "the new zone, once the configuration is mended")


def test_zones_come_and_go_with_the_configuration(run_hitherd):
    daemon = run_hitherd(zones={"example.com": zone_text(1)})

    def rcode(name):
        query = dns.message.make_query(name, "SOA")
        return dns.query.udp(query, "127.0.0.1", port=daemon.port, timeout=10).rcode()

    assert rcode("example.net") == dns.rcode.REFUSED
    good = daemon.configuration.read_text()
    daemon.write_zone("example.net", zone_text(1))
    entry = "zones:\n  - name: example.net\n    file: example.net.zone\n"
    daemon.configuration.write_text(good.replace("zones:\n", entry))
    daemon.reload()
    daemon.eventually(lambda: rcode("example.net") == dns.rcode.NOERROR, "the zone that was added")
    assert rcode("example.com") == dns.rcode.NOERROR
    daemon.configuration.write_text(good)
    daemon.reload()
    daemon.eventually(lambda: rcode("example.net") == dns.rcode.REFUSED, "the zone that was taken out")
    assert rcode("example.com") == dns.rcode.NOERROR
