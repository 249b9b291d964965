# SPDX-License-Identifier: BSD-2-Clause
"""Zones handed on: to clients that ask for them, and to NSD, Knot DNS and BIND as the secondaries of hitherd."""
import base64
import re
import socket
import struct
import subprocess
import time
import unittest.mock

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import pytest

from daemon import ROOT, Daemon, free_port

SECRETS = {"hmac-sha256": base64.b64encode(b"a" * 32).decode(),
           "hmac-sha384": base64.b64encode(b"b" * 48).decode(),
           "hmac-sha512": base64.b64encode(b"c" * 200).decode()}  # longer than a block
KEYS = {f"{algorithm[5:]}.key.example": algorithm for algorithm in SECRETS}
KEY = "sha256.key.example"
SIGNED = ROOT / "tests" / "zones" / "signed-nsec3.zone"


def zone_text(serial, *lines):
    return "\n".join(["$TTL 300", f"@ SOA ns1 host {serial} 86400 3600 864000 60", "@ NS ns1", "ns1 A 192.0.2.1",
                      "sub NS ns.sub", "ns.sub A 192.0.2.2", "MiXed TXT \"a b\" c", *lines]) + "\n"


class Primary(Daemon):
    """hitherd that hands its zones on. `handing` are the lines for each of them."""

    def __init__(self, directory, zones, handing):
        super().__init__(directory, zones)
        keys = ["keys:"]
        for name, algorithm in KEYS.items():
            (directory / name).write_text(SECRETS[algorithm] + "\n")
            (directory / name).chmod(0o600)
            keys += [f"  - name: {name}", f"    algorithm: {algorithm}", f"    secret-file: {name}"]
        text = self.configuration.read_text().replace("zones:\n", "\n".join(keys) + "\nzones:\n")
        self.plain = text
        self.hand(handing)

    def hand(self, handing):
        self.configuration.write_text(re.sub(
            r"^(    file: .*)$", lambda m: "\n".join([m[1], *("    " + line for line in handing)]), self.plain, flags=re.M))

    def ask(self, zone, kind="SOA", key=None, tcp=True, **options):
        query = dns.message.make_query(zone, kind)
        if key is not None:
            query.use_tsig(*key, **options)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, "127.0.0.1", port=self.port, timeout=30)


@pytest.fixture
def primary(tmp_path):
    started = []

    def run(zones, handing):
        started.append(Primary(tmp_path / "primary", zones, handing))
        started[-1].start()
        return started[-1]

    yield run
    for daemon in started:
        daemon.stop()


def key_of(name, secret=None):
    algorithm = KEYS.get(name, "hmac-sha256")
    return (dns.tsigkeyring.from_text({name: (algorithm, secret or SECRETS[algorithm])}), name)


def dig(port, zone, *options, program="dig"):
    """The records of an answer, each as its words; and all that was printed."""
    command = {"dig": ["dig", "@127.0.0.1", "-p", str(port), "+time=60", "+tries=1", "+noidnout"],
               "kdig": ["kdig", "@127.0.0.1", "-p", str(port), "+time=60", "+retry=0"]}[program]
    out = subprocess.run([*command, zone, *options], capture_output=True, text=True, timeout=300, check=False).stdout
    records = [line.split() for line in out.splitlines() if line and not line.startswith(";")]
    return [r for r in records if len(r) < 4 or r[3] != "TSIG"], out


def as_set(records):
    """What a transfer brought, without the SOA that closes it, sorted."""
    assert records[0] == records[-1] and records[0][3] == "SOA", "a SOA opens and closes a transfer"
    return sorted(" ".join(r).lower() for r in records[:-1])


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_signed_transfer_is_the_zone(primary, program, name):
    p = primary({"nsec3.example": SIGNED}, [f"allow-transfer: [key {name}]"])
    algorithm = KEYS[name]
    records, out = dig(p.port, "nsec3.example", "AXFR", "-y", f"{algorithm}:{name}:{SECRETS[algorithm]}", program=program)
    assert not re.search(r"fail|bad|warning|(?<!NO)error", out, re.I), out
    assert records[0] == records[-1]
    (p.directory / "came").write_text("\n".join(" ".join(r) for r in records[:-1]) + "\n")
    compared = subprocess.run(["ldns-compare-zones", "-a", str(p.directory / "came"), str(SIGNED)], text=True,
                              capture_output=True, check=False)
    summary = re.search(r"\+(\d+)\s+-(\d+)\s+~(\d+)", compared.stdout)
    assert summary and summary.groups() == ("0", "0", "0"), compared.stdout + compared.stderr


def test_only_who_is_allowed_gets_the_zone(primary):
    p = primary({"example": zone_text(1)}, [f'allow-transfer: ["127.0.0.2/32", "127.0.0.1 key {KEY}"]'])
    assert p.ask("example", "AXFR").rcode() == dns.rcode.REFUSED
    other = "sha512.key.example"
    assert p.ask("example", "AXFR", key_of(other)).rcode() == dns.rcode.REFUSED
    assert p.ask("sub.example", "AXFR", key_of(KEY)).rcode() == dns.rcode.NOTAUTH
    assert p.ask("other", "AXFR", key_of(KEY)).rcode() == dns.rcode.NOTAUTH
    assert p.ask("example", "AXFR", key_of(KEY), tcp=False).rcode() == dns.rcode.FORMERR
    got = p.ask("example", "AXFR", key_of(KEY))
    assert got.rcode() == dns.rcode.NOERROR and got.had_tsig
    p.hand(["allow-transfer: [127.0.0.0/8]"])
    p.reload()
    p.eventually(lambda: p.ask("example", "AXFR").rcode() == dns.rcode.NOERROR, "the new rules")


def test_nobody_is_allowed_by_default(primary):
    p = primary({"example": zone_text(1)}, [])
    for kind in "AXFR", "IXFR":
        assert p.ask("example", kind, key_of(KEY)).rcode() == dns.rcode.REFUSED
    assert "transfer" not in p.log()


def raw(port, message):
    """The answer to these octets, not judged."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        s.sendall(struct.pack("!H", len(message)) + message)
        stream = s.makefile("rb")
        return stream.read(struct.unpack("!H", stream.read(2))[0])


def tsig_of(answer):
    """Of an answer that ends with a TSIG: the rcode, and the TSIG's octets of MAC, error, other data."""
    rcode = answer[3] & 15
    at = answer.rindex(b"\x0bhmac-sha256\x00") + 13 + 6 + 2
    (mac,) = struct.unpack_from("!H", answer, at)
    at += 2 + mac
    _, error, other = struct.unpack_from("!HHH", answer, at)
    return rcode, mac, error, answer[at + 6:at + 6 + other]


def test_what_is_said_of_a_directory_holds_for_its_zones(primary, tmp_path):
    p = primary({"example": zone_text(1)}, ["allow-transfer: [127.0.0.1]"])
    (p.directory / "zones.d").mkdir()
    for name in "a.test", "b.test":
        (p.directory / "zones.d" / f"{name}.zone").write_text(zone_text(3))
    p.configuration.write_text(p.plain.replace("announce:", "  - directory: zones.d\n    allow-transfer: [127.0.0.1]\nannounce:"))
    p.reload()
    p.eventually(lambda: p.ask("a.test", "AXFR").rcode() == dns.rcode.NOERROR, "the directory's zones")
    assert p.ask("b.test", "AXFR").rcode() == dns.rcode.NOERROR
    assert p.ask("example", "AXFR").rcode() == dns.rcode.REFUSED


def signed_query(secret=None, name=KEY, at=None, zone="example"):
    query = dns.message.make_query(zone, "SOA")
    query.use_tsig(*key_of(name, secret))
    with unittest.mock.patch("time.time", return_value=at if at is not None else time.time()):
        return query.to_wire()


def test_what_is_wrong_with_a_signature_is_told(primary):
    p = primary({"example": zone_text(1)}, [])
    unknown = base64.b64encode(b"x" * 32).decode()
    # BADKEY and BADSIG: NOTAUTH, the error, not signed (RFC 8945 5.2.1, 5.2.2).
    assert tsig_of(raw(p.port, signed_query(unknown, "unknown.example"))) == (9, 0, 17, b"")
    assert tsig_of(raw(p.port, signed_query(unknown))) == (9, 0, 16, b"")
    # BADTIME: signed, and with our time (5.2.3).
    rcode, mac, error, other = tsig_of(raw(p.port, signed_query(at=time.time() - 1000)))
    assert (rcode, mac, error, len(other)) == (9, 32, 18, 6)
    assert abs(int.from_bytes(other, "big") - time.time()) < 300
    # A MAC that was cut to half may be checked, but isn't enough (5.2.2.1); a shorter one is malformed.
    whole = signed_query()
    assert tsig_of(raw(p.port, cut_mac(whole, 16)))[:3] == (9, 32, 22)
    assert raw(p.port, cut_mac(whole, 9))[3] & 15 == dns.rcode.FORMERR
    # Something behind the TSIG (5.1).
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
    behind = bytearray(whole + opt)
    behind[11] += 1
    assert raw(p.port, bytes(behind))[3] & 15 == dns.rcode.FORMERR
    # And what holds, holds.
    assert tsig_of(raw(p.port, whole))[:3] == (0, 32, 0)
    assert p.ask("no.example", "A", key_of(KEY), tcp=False).rcode() == dns.rcode.NXDOMAIN


def cut_mac(query, octets):
    at = query.rindex(b"\x0bhmac-sha256\x00")
    size_at = at + 13 + 8
    (mac,) = struct.unpack_from("!H", query, size_at)
    cut = bytearray(query[:size_at] + struct.pack("!H", octets) + query[size_at + 2:size_at + 2 + octets] +
                    query[size_at + 2 + mac:])
    (rdata,) = struct.unpack_from("!H", cut, at - 2)
    struct.pack_into("!H", cut, at - 2, rdata - mac + octets)
    return bytes(cut)


def test_differences(primary):
    p = primary({"example": zone_text(1, "a A 192.0.2.10", "b A 192.0.2.11")}, ["allow-transfer: [127.0.0.1]"])
    p.write_zone("example", zone_text(2, "a A 192.0.2.10", "c A 192.0.2.12"))
    p.reload()
    p.eventually(lambda: p.ask("example").answer[0][0].serial == 2, "serial 2")
    p.write_zone("example", zone_text(5, "a A 192.0.2.10", "c A 192.0.2.13"))
    p.reload()
    p.eventually(lambda: p.ask("example").answer[0][0].serial == 5, "serial 5")

    def soas_and_names(serial):
        records, _ = dig(p.port, "example", f"IXFR={serial}")
        return [r[6] if r[3] == "SOA" else f"{r[0]} {r[4]}" for r in records]

    assert soas_and_names(1) == ["5", "1", "b.example. 192.0.2.11", "2", "c.example. 192.0.2.12",
                                 "2", "c.example. 192.0.2.12", "5", "c.example. 192.0.2.13", "5"]
    assert soas_and_names(2) == ["5", "2", "c.example. 192.0.2.12", "5", "c.example. 192.0.2.13", "5"]
    assert soas_and_names(5) == ["5"]
    assert soas_and_names(6) == ["5"]
    assert len(soas_and_names(3)) > 8  # not known: the whole zone
    assert [r[6] for r in dig(p.port, "example", "IXFR=1", "+notcp")[0]] == ["5"]


# --- secondaries

class Secondary:
    def __init__(self, directory, primary_port):
        self.directory, self.primary_port, self.port = directory, primary_port, free_port()
        self.process = None
        directory.mkdir()

    def start(self):
        command = self.configure()
        self.log_file = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file,
                                        cwd=self.directory)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log_file.close()

    def serial(self, zone):
        try:
            answer = dns.query.udp(dns.message.make_query(zone, "SOA"), "127.0.0.1", port=self.port, timeout=2).answer
        except (dns.exception.Timeout, OSError):
            return None
        return answer[0][0].serial if answer else None

    def records(self, zone):
        return as_set(dig(self.port, zone, "AXFR")[0])


class Nsd(Secondary):
    def configure(self):
        d = self.directory
        (d / "nsd.conf").write_text(f"""
server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  zonesdir: "{d}"
  pidfile: "{d}/pid"
  xfrdfile: "{d}/xfrd.state"
  xfrdir: "{d}"
  zonelistfile: "{d}/zone.list"
  database: ""
  server-count: 1
  verbosity: 3
remote-control:
  control-enable: no
key:
  name: "{KEY}"
  algorithm: hmac-sha256
  secret: "{SECRETS['hmac-sha256']}"
""" + "".join(f"""
zone:
  name: "{zone}"
  zonefile: "{zone}.zone"
  allow-notify: 127.0.0.1 {KEY}
  request-xfr: 127.0.0.1@{self.primary_port} {KEY}
  provide-xfr: 127.0.0.1 NOKEY
""" for zone in ("example", "nsec3.example")))
        return ["nsd", "-d", "-c", str(d / "nsd.conf")]


class Knot(Secondary):
    def configure(self):
        d = self.directory
        (d / "knot.conf").write_text(f"""
server:
    rundir: "{d}"
    listen: 127.0.0.1@{self.port}
database:
    storage: "{d}"
log:
  - target: stderr
    any: debug
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {SECRETS['hmac-sha256']}
remote:
  - id: primary
    address: 127.0.0.1@{self.primary_port}
    key: {KEY}
acl:
  - id: primary
    address: 127.0.0.1
    key: {KEY}
    action: notify
  - id: test
    address: 127.0.0.1
    action: transfer
zone:
""" + "".join(f"""
  - domain: {zone}
    storage: "{d}"
    master: primary
    acl: [primary, test]
""" for zone in ("example", "nsec3.example")))
        return ["knotd", "-c", str(d / "knot.conf")]


class Bind(Secondary):
    def configure(self):
        d = self.directory
        (d / "named.conf").write_text(f"""
options {{
    directory "{d}"; pid-file "{d}/pid"; session-keyfile "{d}/session.key"; managed-keys-directory "{d}";
    listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; dnssec-validation no; allow-transfer {{ 127.0.0.1; }};
}};
controls {{ }};
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRETS['hmac-sha256']}"; }};
""" + "".join(f"""
zone "{zone}" {{
    type secondary; file "{zone}.zone"; masterfile-format text;
    primaries port {self.primary_port} {{ 127.0.0.1 key "{KEY}"; }};
    allow-notify {{ key "{KEY}"; }};
}};
""" for zone in ("example", "nsec3.example")))
        return ["named", "-g", "-c", str(d / "named.conf"), "-n", "1"]


@pytest.mark.parametrize("kind", [Nsd, Knot, Bind])
def test_secondaries_transfer_hear_and_follow(primary, tmp_path, kind):
    secondary = kind(tmp_path / "secondary", 0)
    p = primary({"example": zone_text(1, *(f"h{i} A 10.0.0.{i}" for i in range(200))), "nsec3.example": SIGNED},
                [f'allow-transfer: [key {KEY}]', f'notify: ["127.0.0.1@{secondary.port} key {KEY}"]'])
    secondary.primary_port = p.port
    secondary.start()
    try:
        p.eventually(lambda: secondary.serial("example") == 1 and secondary.serial("nsec3.example") is not None,
                     "the first transfers")
        for zone in ("example", "nsec3.example"):
            y = f"hmac-sha256:{KEY}:{SECRETS['hmac-sha256']}"
            assert secondary.records(zone) == as_set(dig(p.port, zone, "AXFR", "-y", y)[0])
        # The refresh timer is a day: only a NOTIFY can make it come again.
        for serial in (2, 3):
            changed = [f"h{i} A 10.0.{serial if i % 20 == 0 else 0}.{i}" for i in range(serial, 200)]
            p.write_zone("example", zone_text(serial, *changed, f"new{serial} MX 10 h9", f"*.w{serial} CNAME h9"))
            p.reload()
            p.eventually(lambda s=serial: secondary.serial("example") == s, f"serial {serial} at the secondary")
            y = f"hmac-sha256:{KEY}:{SECRETS['hmac-sha256']}"
            assert secondary.records("example") == as_set(dig(p.port, "example", "AXFR", "-y", y)[0])
        assert not re.search("didn't answer the NOTIFY|refuses the NOTIFY", p.log()), p.log()
        assert len(re.findall(r"zone example\.: transfer to \S+: differences", p.log())) == 2, p.log()
    finally:
        secondary.stop()


def test_a_notify_is_repeated_until_it_is_answered(primary):
    """And what wasn't signed by the key doesn't count as an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(60)
        primary({"example": zone_text(7)}, [f'notify: ["127.0.0.1@{listener.getsockname()[1]} key {KEY}"]'])
        keyring = key_of(KEY)[0]
        seen = []
        for _ in range(3):
            wire, peer = listener.recvfrom(2000)
            notify = dns.message.from_wire(wire, keyring=keyring)
            seen.append((notify.id, peer))
            assert notify.opcode() == dns.opcode.NOTIFY and notify.had_tsig
            assert notify.question[0].name.to_text() == "example." and notify.answer[0][0].serial == 7
            forged = dns.message.make_response(notify)
            forged.tsig = None
            listener.sendto(forged.to_wire(), peer)
        assert len(set(seen)) == 1
        answer = dns.message.make_response(notify)
        answer.use_tsig(keyring, KEY)
        answer.request_mac = notify.mac
        listener.sendto(answer.to_wire(), peer)
        # Twice the longest pause that could follow. Silence is what is to be shown, so the wait is the test.
        listener.settimeout(9)
        with pytest.raises(TimeoutError):
            listener.recvfrom(2000)


# --- size

def big_zone(serial, count=100_000):
    return zone_text(serial, *(f"h{i} A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(count - 7)),
                     f"version TXT \"{serial}\"")


def test_a_big_zone_is_whole_while_it_is_reloaded(primary):
    p = primary({"example": big_zone(1)}, ["allow-transfer: [127.0.0.1]"])
    serial = 1
    with socket.create_connection(("127.0.0.1", p.port), timeout=60) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        query = dns.message.make_query("example", "AXFR").to_wire()
        slow.sendall(struct.pack("!H", len(query)) + query)
        stream = slow.makefile("rb")
        first = stream.read(struct.unpack("!H", stream.read(2))[0])
        for _ in range(3):
            serial += 1
            p.write_zone("example", big_zone(serial))
            p.reload()
            transfer = subprocess.Popen(["dig", "@127.0.0.1", "-p", str(p.port), "example", "AXFR", "+noall", "+answer",
                                         "+time=60"], stdout=subprocess.PIPE, text=True)
            out, _ = transfer.communicate(timeout=300)
            check_version(out.splitlines())
            p.eventually(lambda: p.ask("example").answer[0][0].serial == serial, f"serial {serial}")
        # What began with the first version ends with it.
        messages = [first]
        while sum(map(soa_count, messages[-1:])) == 0 or len(messages) == 1:
            messages.append(stream.read(struct.unpack("!H", stream.read(2))[0]))
        assert sum(struct.unpack_from("!H", m, 6)[0] for m in messages) == 100_001
        assert b"\x011" in messages[-1] + messages[-2]


def soa_count(message):
    return len([1 for rrset in dns.message.from_wire(message).answer if rrset.rdtype == dns.rdatatype.SOA])


def check_version(lines):
    """All records, of one version."""
    records = [line.split() for line in lines if line]
    serial = records[0][6]
    assert len(records) == 100_001 and records[0] == records[-1]
    assert [r[4] for r in records if r[3] == "TXT" and r[0] == "version.example."] == [f'"{serial}"']
    assert len({(r[0], r[3], " ".join(r[4:])) for r in records[:-1]}) == 100_000
