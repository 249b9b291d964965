# SPDX-License-Identifier: BSD-2-Clause
"""A private Internet in a network namespace: a signed root by NSD, a signed TLD by Knot, leaves by BIND, and servers that
are lame, slow, dead, lying, or cut everything short. hither resolves in it, and so does Unbound: both are asked the same."""
import contextlib
import ctypes
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time
import urllib.request

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HITHER_BUILD", ROOT / "build-asan"))
NAMESPACE = f"{os.environ.get('HITHER_LAB', 'hl')}-internet"
NSD, KNOT, BIND, ODD, DEAD, HITHER, UNBOUND = (f"10.77.0.{i}" for i in (1, 2, 3, 4, 9, 53, 54))
SOA = "@ 300 SOA ns hostmaster 1 7200 900 1209600 60\n@ 300 NS ns\n"
LEAF = SOA + f"ns 300 A {BIND}\n" + """www 300 A 192.0.2.80
www 300 AAAA 2001:db8::80
alias 300 CNAME hop
hop 300 CNAME www
away 300 CNAME www.plain.lab.
lost 300 CNAME nowhere
tree 300 DNAME new
host.new 300 A 192.0.2.81
*.wild 300 TXT "any"
mail 300 MX 10 www
short 1 A 192.0.2.82
private 300 A 10.1.2.3
""" + "".join(f'big 300 TXT "{i:03} {"x" * 200}"\n' for i in range(40))
LEAVES = ["good.lab", "plain.lab", "expired.lab", "unsigned.lab", "forged.lab"]

ODD_SERVER = r'''
import socket, struct, sys, threading, time
import dns.flags, dns.message, dns.rrset
def answer(wire):
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    name = query.question[0].name
    kind = name.to_text().lower().split(".")[-3] if len(name) > 2 else ""
    if kind == "slow":
        time.sleep(0.2)
    if kind == "cut":
        reply.flags |= dns.flags.TC
        return reply.to_wire()
    if query.question[0].rdtype == 1:
        reply.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.99"))
    if kind == "lie":
        reply.authority.append(dns.rrset.from_text("plain.lab.", 86400, "IN", "NS", "ns.lie.lab."))
        reply.additional.append(dns.rrset.from_text("www.plain.lab.", 86400, "IN", "A", "6.6.6.6"))
        reply.additional.append(dns.rrset.from_text("ns.plain.lab.", 86400, "IN", "A", "6.6.6.6"))
    return reply.to_wire()
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
def serve(wire, client):
    if b"\x03lie" in wire:
        server.sendto(struct.pack("!H", (wire[0] << 8 | wire[1]) ^ 1) + answer(wire)[2:], client)
    server.sendto(answer(wire), client)
while True:
    threading.Thread(target=serve, args=server.recvfrom(4096)).start()
'''


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"
    return done.stdout


@contextlib.contextmanager
def inside():
    """In the namespace's network."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{NAMESPACE}", "rb") as there, open("/proc/self/ns/net", "rb") as home:
        assert libc.setns(there.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), 0) == 0


class Internet:
    def __init__(self, directory):
        self.directory, self.processes = directory, {}

    # zones

    def sign(self, origin, text, *options, nsec3=False):
        """The file of the signed zone, and its DS."""
        path = self.directory / f"{origin or 'root'}.zone"
        path.write_text(text)
        key = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", origin or ".", cwd=self.directory).strip()
        extra = ["-n", "-a", "1", "-t", "0"] if nsec3 else []
        run("ldns-signzone", "-b", "-o", origin or ".", *extra, *options, path, key, cwd=self.directory)
        return path.with_suffix(".zone.signed"), run("ldns-key2ds", "-n", "-2", f"{key}.key", cwd=self.directory)

    def make_zones(self):
        ds, self.files = {}, {}
        for leaf in LEAVES:
            text = f"$ORIGIN {leaf}.\n" + LEAF
            options = ["-e", "20200201", "-i", "20200101"] if leaf == "expired.lab" else []
            self.files[leaf], ds[leaf] = self.sign(leaf, text, *options, nsec3=leaf == "good.lab")
            if leaf in ("plain.lab", "unsigned.lab"):
                self.files[leaf] = self.directory / f"{leaf}.zone"
        forged = self.files["forged.lab"].read_text()
        self.files["forged.lab"].write_text(re.sub(r"(www\.forged\.lab\.\s+300\s+IN\s+A\s+)192.0.2.80", r"\g<1>6.6.6.6", forged))
        tld = "$ORIGIN lab.\n" + SOA + f"ns 300 A {KNOT}\n"
        for leaf in LEAVES:
            tld += f"{leaf}. 300 NS ns.{leaf}.\nns.{leaf}. 300 A {BIND}\n" + (ds[leaf] if leaf != "plain.lab" else "")
        for name, address in (("lame", BIND), ("dead", DEAD), ("slow", ODD), ("lie", ODD), ("cut", ODD)):
            tld += f"{name} 300 NS ns.{name}\nns.{name} 300 A {address}\n"
        self.files["lab"], ds["lab"] = self.sign("lab", tld)
        root = f". 300 SOA a.root. h.root. 1 7200 900 1209600 60\n. 300 NS a.root.\na.root. 300 A {NSD}\n"
        root += f"lab. 300 NS ns.lab.\nns.lab. 300 A {KNOT}\n" + ds["lab"]
        self.files["."], anchor = self.sign("", root)
        (self.directory / "root.key").write_text(anchor)
        (self.directory / "root.hints").write_text(f". 3600000 NS a.root.\na.root. 3600000 A {NSD}\n")

    # servers

    def start(self, name, *command):
        log = open(self.directory / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(["ip", "netns", "exec", NAMESPACE, *map(str, command)], stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log, cwd=self.directory)

    def stop(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def write(self, name, text):
        (self.directory / name).write_text(text)
        return self.directory / name

    def start_world(self):
        here = self.directory
        self.start("nsd", "nsd", "-d", "-c", self.write("nsd.conf", f"""server:
  ip-address: {NSD}
  username: ""
  zonesdir: "{here}"
  pidfile: "{here}/nsd.pid"
  xfrdfile: "{here}/xfrd.state"
  zonelistfile: "{here}/zone.list"
  xfrdir: "{here}"
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "{self.files['.']}"
"""))
        (here / "knot").mkdir()
        self.start("knot", "knotd", "-c", self.write("knot.conf", f"""server:
    listen: {KNOT}@53
    rundir: {here}/knot
database:
    storage: {here}/knot
control:
    listen: {here}/knot/ctl
zone:
  - domain: lab
    file: {self.files['lab']}
    semantic-checks: off
"""))
        zones = "".join(f'zone "{leaf}" {{ type primary; file "{self.files[leaf]}"; }};\n' for leaf in LEAVES)
        self.start("named", "named", "-f", "-c", self.write("named.conf", f"""options {{ directory "{here}";
  listen-on {{ {BIND}; }}; listen-on-v6 {{ none; }}; recursion no; pid-file "{here}/named.pid"; session-keyfile "{here}/session.key";
  check-names primary ignore; dnssec-validation no; }};
controls {{ }};
{zones}"""))
        self.start("odd", "/usr/bin/python3", self.write("odd.py", ODD_SERVER), ODD)
        self.start("unbound", "unbound", "-d", "-c", self.write("unbound.conf", f"""server:
  interface: {UNBOUND}
  access-control: 0.0.0.0/0 allow
  chroot: ""
  username: ""
  directory: "{here}"
  pidfile: ""
  use-syslog: no
  root-hints: "{here}/root.hints"
  trust-anchor-file: "{here}/root.key"
  do-ip6: no
  ede: yes
"""))

    def configure(self, extra=""):
        (self.directory / "state").mkdir(exist_ok=True)
        self.write("hither.yaml", f"""server:
  identity: lab
  listen: [{HITHER}@53]
  workers: 2
  state-dir: state
  control: control.sock
  http: {HITHER}@9153
resolve:
  root-hints: root.hints
  trust-anchor: root.key
{extra}""")

    def start_hither(self):
        self.start("hither", BUILD / "server" / "hitherd", "-c", self.directory / "hither.yaml")
        self.eventually(lambda: self.ask(HITHER, "localhost", timeout=0.3).answer, "hither's first answer")

    def ask(self, server, name, rdtype="A", dnssec=False, unchecked=False, tcp=False, timeout=20):
        """Out of the namespace's own network."""
        query = dns.message.make_query(name, rdtype, want_dnssec=dnssec, use_edns=0)
        query.flags |= dns.flags.AD | (dns.flags.CD if unchecked else 0)
        with inside():
            try:
                return (dns.query.tcp if tcp else dns.query.udp)(query, server, timeout=timeout)
            except dns.exception.Timeout as late:
                raise TimeoutError(f"{server} says nothing of {name} {rdtype}") from late

    def eventually(self, condition, what, patience_s=30):
        until = time.monotonic() + patience_s
        while True:
            try:
                if condition():
                    return
            except OSError:
                pass
            assert time.monotonic() < until, f"waited in vain for {what}\n" + self.logs()
            time.sleep(0.05)

    def logs(self):
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in self.directory.glob("*.log"))

    def up(self):
        self.make_zones()
        subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True)
        run("ip", "netns", "add", NAMESPACE)
        run("ip", "-n", NAMESPACE, "link", "set", "lo", "up")
        for address in (NSD, KNOT, BIND, ODD, HITHER, UNBOUND):
            run("ip", "-n", NAMESPACE, "address", "add", f"{address}/32", "dev", "lo")
        run("ip", "-n", NAMESPACE, "route", "add", "blackhole", f"{DEAD}/32")
        self.start_world()
        for server, name in ((NSD, "."), (KNOT, "lab"), (BIND, "good.lab"), (UNBOUND, "www.good.lab")):
            self.eventually(lambda: self.ask(server, name, "SOA" if server != UNBOUND else "A", timeout=1).rcode() == dns.rcode.NOERROR, name)

    def down(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True)


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    internet = Internet(tmp_path_factory.mktemp("internet"))
    try:
        internet.up()
        internet.configure()
        internet.start_hither()
        yield internet
        assert internet.stop("hither") == 0, internet.logs()
        assert not re.search(r"Sanitizer|runtime error", (internet.directory / "hither.log").read_text()), internet.logs()
    finally:
        internet.down()


def shown(answer):
    """What clients go by. Signatures may come from another moment, TTLs too."""
    rrsets = sorted((rrset.name.to_text().lower(), rrset.rdtype, rrset.covers, sorted(rdata.to_text() for rdata in rrset))
                    for rrset in answer.answer)
    return dns.rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.AD), rrsets


def errors(answer):
    return [int(option.code) for option in answer.options if option.otype == dns.edns.OptionType.EDE]


QUESTIONS = [(f"{name}.{zone}", rdtype)
             for zone in ("good.lab", "plain.lab")
             for name, rdtype in (("www", "A"), ("www", "AAAA"), ("www", "TXT"), ("WwW", "A"), ("alias", "A"), ("away", "A"), ("lost", "A"),
                                  ("a.tree", "A"), ("host.tree", "A"), ("x.wild", "TXT"), ("x.wild", "A"), ("wild", "TXT"), ("no", "A"),
                                  ("a.b.no", "MX"), ("mail", "MX"), ("big", "TXT"), ("private", "A"))]
QUESTIONS += [(".", "NS"), (".", "DNSKEY"), ("lab", "SOA"), ("lab", "DS"), ("good.lab", "DNSKEY"), ("good.lab", "DS"), ("plain.lab", "DS"),
              ("nothing", "A"), ("www.expired.lab", "A"), ("www.unsigned.lab", "A"), ("www.forged.lab", "A"), ("www.forged.lab", "AAAA"),
              ("www.lame.lab", "A"), ("www.slow.lab", "A"), ("www.lie.lab", "A"), ("www.plain.lab", "A")]


def test_bogus_answers_say_why(internet):
    """Asked first: what is remembered as bogus has lost its reason upstream."""
    for name, why in (("www.expired.lab", [7]), ("www.unsigned.lab", [10, 9]), ("www.forged.lab", [6])):
        answer = internet.ask(HITHER, name)
        assert answer.rcode() == dns.rcode.SERVFAIL and errors(answer)[0] in why, (name, errors(answer))
        unchecked = internet.ask(HITHER, name, unchecked=True)
        assert unchecked.rcode() == dns.rcode.NOERROR and unchecked.answer and not unchecked.flags & dns.flags.AD


@pytest.mark.parametrize("unchecked", [False, True], ids=["checked", "unchecked"])
@pytest.mark.parametrize("dnssec", [False, True], ids=["plain", "dnssec"])
def test_answers_are_unbounds(internet, dnssec, unchecked):
    random.seed(1)
    different = []
    for name, rdtype in random.sample(QUESTIONS, len(QUESTIONS)):
        options = {"dnssec": dnssec, "unchecked": unchecked, "tcp": rdtype in ("TXT", "DNSKEY")}
        ours, theirs = (shown(internet.ask(server, name, rdtype, **options)) for server in (HITHER, UNBOUND))
        again = shown(internet.ask(HITHER, name, rdtype, **options))
        if unchecked:
            # Unbound says AD of what it happens to have checked before.
            ours, theirs, again = ((rcode, rrsets) for rcode, _, rrsets in (ours, theirs, again))
            if "lame" in name:
                continue
        if ours != theirs or again != ours:
            different.append((name, rdtype, ours, theirs, again))
    assert not different


def test_liars_arent_believed(internet):
    assert internet.ask(HITHER, "x.lie.lab").rcode() == dns.rcode.NOERROR
    assert internet.ask(HITHER, "www.plain.lab").answer[0][0].address == "192.0.2.80"
    assert internet.ask(HITHER, "alias.plain.lab").answer[-1][0].address == "192.0.2.80"


def test_the_dead_hold_nobody_up(internet):
    """While many wait for a dead server, cached and new names are answered."""
    began = time.monotonic()
    internet.ask(HITHER, "www.good.lab")
    with inside():
        flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flood.bind((KNOT, 0))
    for i in range(500):
        flood.sendto(dns.message.make_query(f"x{i}.dead.lab", "A").to_wire(), (HITHER, 53))
    assert internet.ask(HITHER, "www.good.lab", timeout=3).answer
    assert internet.ask(HITHER, f"x{random.randrange(10 ** 9)}.wild.plain.lab", "TXT", timeout=5).answer
    assert time.monotonic() - began < 20
    flood.close()


def test_metrics_tell_of_it(internet):
    with inside(), urllib.request.urlopen(f"http://{HITHER}:9153/metrics", timeout=10) as reply:
        text = reply.read().decode()

    def value(sample):
        return float(re.search("^" + re.escape(sample) + r" (\S+)", text, re.M).group(1))

    assert value('hither_resolve_queries_total{result="hit"}') > 0
    assert value('hither_resolve_searches_total{result="secure"}') > 0
    assert value('hither_resolve_searches_total{result="bogus"}') > 0
    assert value("hither_resolve_cache_entries") > 0
    assert value('hither_resolve_search_seconds_bucket{le="+Inf"}') == value("hither_resolve_search_seconds_count")


def test_the_trust_anchor_is_kept(internet):
    kept = [(internet.directory / "state" / f"root-{i}.key").read_text() for i in (0, 1)]
    assert any("DNSKEY" in text and "VALID" in text for text in kept), kept
