# SPDX-License-Identifier: BSD-2-Clause
"""Which questions to ask of a zone: at, beside, above and below each of its names, for types that are there and types
that aren't, in several modes."""
import subprocess
import zlib
from collections import namedtuple

import dns.name
import dns.rdatatype

from message import (A, AAAA, ANY, CNAME, DNAME, DNSKEY, DS, MX, NS, NSEC, NSEC3, NSEC3PARAM, RRSIG, SOA, TXT, fold,
                     labels_of, name_text, query, wire_name)

Mode = namedtuple("Mode", "name transport edns do mixed")

PLAIN = Mode("udp", "udp", None, False, False)
DO = Mode("udp+do", "udp", 1232, True, False)
SMALL = Mode("udp512+do", "udp", 512, True, False)
LARGE = Mode("udp4096-mixed", "udp", 4096, False, True)
TCP = Mode("tcp", "tcp", None, False, False)
TCP_DO = Mode("tcp+do", "tcp", 1232, True, True)
MODES = (PLAIN, DO, SMALL, LARGE, TCP, TCP_DO)

UNKNOWN = 65280
AT_NAMES = (A, AAAA, MX, TXT, NS, SOA, DS, CNAME, DNAME, ANY, UNKNOWN)
AT_SIGNED_NAMES = AT_NAMES + (DNSKEY, NSEC, NSEC3PARAM, RRSIG)
BESIDE = (A, TXT, NS, DS, CNAME, ANY)


class Question(namedtuple("Question", "qname qtype mode")):
    """`qname` is in folded wire form; `mode` says how it is asked."""

    def bytes(self):
        qname = self.qname
        if self.mode.mixed:
            qname = mix(qname)
        return query(0, qname, self.qtype, edns=self.mode.edns, do=self.mode.do)

    def limit(self):
        """Octets that an answer may have (RFC 6891 6.2.3 to 6.2.5; all are set to send 1232 at most)."""
        if self.mode.transport == "tcp":
            return 65535
        return 512 if self.mode.edns is None else min(max(self.mode.edns, 512), 1232)

    def __str__(self):
        return "%s %s %s" % (name_text(self.qname), type_text(self.qtype), self.mode.name)


def type_text(rtype):
    return dns.rdatatype.to_text(rtype)


def mix(wire):
    """Mixed case, always the same for the same name, and never in the length octets."""
    seed = zlib.crc32(wire)
    out = []
    for label in labels_of(wire):
        out.append(bytes(c ^ 0x20 if 97 <= c <= 122 and (seed >> (i + 5 * len(out)) % 31) & 1 else c
                         for i, c in enumerate(label)))
    return wire_name(out)


def read_names(path, origin):
    """{folded wire name: types} of a zone file, read by ldns; empty non-terminals have no types."""
    text = _ldns(path, origin)
    names = {}
    for line in text.splitlines():
        if not line or line.startswith(";"):
            continue
        fields = line.split(None, 4)
        wire = fold(dns.name.from_text(fields[0]).to_wire())
        names.setdefault(wire, set()).add(int(dns.rdatatype.from_text(fields[3])))
    apex = fold(dns.name.from_text(origin).to_wire())
    for wire in list(names):
        while wire != apex:
            wire = parent(wire)
            names.setdefault(wire, set())
    return names


def _ldns(path, origin):
    # It takes the origin from the file alone, so it is told there.
    text = "$ORIGIN %s\n" % (origin.rstrip(".") + ".") + open(path).read()
    done = subprocess.run(["ldns-read-zone", "/dev/stdin"], input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("%s: %s" % (path, done.stderr))
    return done.stdout


def parent(wire):
    return wire[1 + wire[0]:]


def below(wire, *labels):
    """None when the name would be too long."""
    out = b"".join(bytes((len(l),)) + l for l in labels) + wire
    return out if len(out) <= 255 else None


def neighbours(wire):
    """Below, two below, the asterisk below, just after and just before in canonical order, and the name above."""
    yield below(wire, b"zz")
    yield below(wire, b"y", b"zz")
    yield below(wire, b"*")
    if wire != b"\0":
        yield below(wire, b"q" * 60)
        first, rest = wire[1:1 + wire[0]], parent(wire)
        if len(first) < 63:
            yield below(rest, first + b"\0")
        yield below(rest, first[:-1] + b"!" if len(first) > 1 else b"!")
        yield rest


def generate(names, signed=False, skip=()):
    """Questions for a zone's names. `skip`: first labels of names that are only there to make others large."""
    asked = set()
    types = AT_SIGNED_NAMES if signed else AT_NAMES
    for wire, present in names.items():
        if not present and _inside_a_run(names, wire):
            continue
        if skip and wire[1:1 + wire[0]].startswith(tuple(skip)):
            continue
        data = present - {RRSIG, NSEC, NSEC3}
        for qtype in set(types) | present:
            asked.add(Question(wire, qtype, PLAIN))
            asked.add(Question(wire, qtype, DO))
        for qtype in data | {A, DS, ANY}:
            for mode in MODES:
                asked.add(Question(wire, qtype, mode))
        if NSEC3 in present and not _first_of_kind(wire):
            continue
        for other in neighbours(wire):
            if other is None or other in names:
                continue
            for qtype in set(BESIDE) | _from_wildcard(names, other):
                asked.add(Question(other, qtype, PLAIN))
                asked.add(Question(other, qtype, DO))
            for mode in (LARGE, TCP_DO, SMALL):
                asked.add(Question(other, A, mode))
    return sorted(asked, key=lambda q: (q.mode, q.qname, q.qtype))


def _inside_a_run(names, wire):
    """Empty names in a run of a hundred like them ("l.l.l.l..."): the ends and a few between are enough."""
    depth = len(labels_of(wire))
    return depth > 12 and depth % 20 and parent(wire) in names and not names[parent(wire)]


def _first_of_kind(wire):
    """Of the hashed owners one in sixteen stands for all: what is beside one is like what is beside another."""
    return wire[1:2] == b"0"


def _from_wildcard(names, wire):
    """Types at the wildcard that may answer for a name."""
    while wire != b"\0":
        wire = parent(wire)
        star = below(wire, b"*")
        if star in names:
            return names[star] - {RRSIG, NSEC}
        if wire in names:
            return set()
    return set()
