# SPDX-License-Identifier: BSD-2-Clause
"""Starts hither, NSD, Knot and BIND (the peers are Debian's) on loopback with generated configurations, each in its own
directory."""
import os
import pathlib
import re
import socket
import subprocess

import dns.name
import dns.rdata
import dns.rdatatype

from asking import Server, wait_until_up
from message import wire_name

NSID = b"compare"


def free_port():
    """A port that is free for UDP and TCP just now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def _nsd(directory, port, zones):
    conf = directory / "nsd.conf"
    text = """server:
  ip-address: 127.0.0.1@%d
  server-count: 1
  username: ""
  zonesdir: "%s"
  database: ""
  pidfile: "%s/nsd.pid"
  xfrdfile: "%s/xfrd.state"
  zonelistfile: "%s/zone.list"
  xfrdir: "%s"
  nsid: "ascii_%s"
  rrl-ratelimit: 0
  refuse-any: no
  minimal-responses: yes
  ipv4-edns-size: 1232
  tcp-count: 100
  tcp-timeout: 60
  verbosity: 1
remote-control:
  control-enable: no
""" % ((port,) + (directory,) * 5 + (NSID.decode(),))
    for name, path in zones.items():
        text += 'zone:\n  name: "%s"\n  zonefile: "%s"\n' % (name, path)
    conf.write_text(text)
    return ["/usr/sbin/nsd", "-d", "-c", str(conf)]


def _knot(directory, port, zones):
    conf = directory / "knot.conf"
    text = """server:
  rundir: %s
  listen: 127.0.0.1@%d
  nsid: %s
  udp-max-payload: 1232
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-idle-timeout: 60
control:
  listen: %s/knot.sock
database:
  storage: %s/db
log:
  - target: stderr
    any: warning
template:
  - id: default
    semantic-checks: off
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
""" % (directory, port, NSID.decode(), directory, directory)
    for name, path in zones.items():
        text += '  - domain: "%s"\n    file: "%s"\n' % (name, path)
    conf.write_text(text)
    return ["/usr/sbin/knotd", "-c", str(conf)]


def _bind(directory, port, zones):
    conf = directory / "named.conf"
    text = """options {
  directory "%s";
  pid-file "%s/named.pid";
  session-keyfile "%s/session.key";
  managed-keys-directory "%s";
  listen-on port %d { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses no-auth;
  minimal-any yes;
  answer-cookie no;
  server-id "%s";
  max-udp-size 1232;
  edns-udp-size 1232;
  notify no;
  check-names primary ignore;
  check-integrity no;
  check-sibling no;
  check-mx ignore;
  check-mx-cname ignore;
  check-srv-cname ignore;
  check-wildcard no;
  check-dup-records ignore;
  max-records-per-type 0;
  max-types-per-name 0;
  tcp-clients 100;
};
controls { };
""" % ((directory,) * 4 + (port, NSID.decode()))
    for name, path in zones.items():
        text += 'zone "%s" { type primary; file "%s"; };\n' % (name, path)
    conf.write_text(text)
    return ["/usr/sbin/named", "-g", "-c", str(conf), "-n", "1"]


def _hither(directory, port, zones):
    conf = directory / "hither.yaml"
    text = """server:
  identity: %s
  listen: [127.0.0.1@%d]
  workers: 1
  state-dir: %s
  control: %s/control.sock
announce:
  backend: none
zones:
""" % (NSID.decode(), port, directory / "db", directory)
    for name, path in zones.items():
        text += '  - name: "%s"\n    file: "%s"\n' % (name, path)
    conf.write_text(text)
    build = pathlib.Path(os.environ.get("HITHER_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build-asan"))
    return [str(build / "server" / "hitherd"), "-c", str(conf)]


COMMANDS = {"hither": _hither, "nsd": _nsd, "knot": _knot, "bind": _bind}


def apex_wire(name):
    return wire_name([l.encode() for l in name.strip(".").lower().split(".") if l])


# What a peer's zone reader can't read as text though the record itself is in order: types that it doesn't know by
# name, and characters that it wants escaped. It is given the same data in another spelling.
UNREADABLE_TYPES = {"knot": {"MB", "MG", "MR", "NSAP", "PX", "GPOS", "ISDN", "X25", "WKS", "RT", "HIP"}}
ESCAPED_CHARACTERS = {"knot": "[]{}^`"}
# Zones that a peer refuses for what they are there to show.
REFUSED = {"hither": set(), "nsd": {"dnocc.test"}, "knot": {"dnocc.test"}, "bind": {"wildns.test"}}


def respell(kind, name, text):
    types, characters = UNREADABLE_TYPES.get(kind, ()), ESCAPED_CHARACTERS.get(kind, "")
    if not types:
        return text
    lines = []
    for line in text.split("\n"):
        owner, space, rest = line.partition(" ")
        if not line.startswith(";") and any(c in owner for c in characters):
            owner = "".join("\\%03d" % ord(c) if c in characters and owner[i - 1:i] != "\\" else c
                            for i, c in enumerate(owner))
            owner = owner.replace("\\`", "\\096")
        match = re.match(r"(\s*(?:\d+\s+)?IN )(\S+)\s+(.*)", rest)
        if match and match[2] in types:
            origin = dns.name.from_text(name)
            # dnspython has no classes for the mailbox experiments of RFC 1035: one name, like PTR.
            like = "PTR" if match[2] in ("MB", "MG", "MR") else match[2]
            data = dns.rdata.from_text("IN", like, match[3], origin=origin, relativize=False).to_wire(origin=origin)
            rest = "%sTYPE%d \\# %d %s" % (match[1], dns.rdatatype.from_text(match[2]), len(data), data.hex())
        lines.append(owner + space + rest)
    return "\n".join(lines)


class Peer:
    """A running server. `zones`: name -> path; those that it refuses for what they are are left out."""

    def __init__(self, kind, directory, zones):
        self.directory = pathlib.Path(directory) / kind
        (self.directory / "db").mkdir(parents=True)
        self.kind, self.zones = kind, {}
        for name, path in zones.items():
            if name in REFUSED[kind]:
                continue
            text = pathlib.Path(path).read_text()
            spelt = respell(kind, name, text)
            self.zones[name] = path
            if spelt != text:
                self.zones[name] = self.directory / (name + ".zone")
                self.zones[name].write_text(spelt)
        self.server = Server(kind, "127.0.0.1", free_port())
        command = COMMANDS[kind](self.directory, self.server.port, self.zones)
        self._log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT, cwd=self.directory,
                                        stdin=subprocess.DEVNULL)
        try:
            for name in self.zones:
                wait_until_up(self.server, self.process, apex_wire(name))
        except Exception as wrong:
            self.stop()
            raise RuntimeError("%s: %s\n%s" % (kind, wrong, self.log())) from None

    def log(self):
        return (self.directory / "log").read_text(errors="replace")[-4000:]

    def stop(self):
        """The exit status, None when it had to be killed."""
        self.server.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return None
        self._log.close()
        return self.process.returncode
