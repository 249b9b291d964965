# SPDX-License-Identifier: BSD-2-Clause
"""Messages as bytes: builds questions, and reads answers into a form in which equal means equal.

Reading is strict about what a server may write (compression pointers go backwards, counts match, nothing is left
over) and folds what RFC 1035 lets servers choose: order of records, compression, case of names.
It is written for speed rather than generality: a run of the comparison reads some hundred thousand messages.
"""
import struct
from collections import namedtuple

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, NAPTR, DNAME, OPT, DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM = (
    1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 39, 41, 43, 46, 47, 48, 50, 51)
SVCB, HTTPS, ANY = 64, 65, 255

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
FLAG_NAMES = ((QR, "qr"), (AA, "aa"), (TC, "tc"), (RD, "rd"), (RA, "ra"), (AD, "ad"), (CD, "cd"))

# Where names stand in rdata: octets before the first name, names, then the rest. RFC 3597 section 4 lists the types in
# which a reader must expect compression; names of later types are folded too, since DNSSEC's canonical form does it.
NAMES_IN_RDATA = {
    NS: (0, 1), 3: (0, 1), 4: (0, 1), CNAME: (0, 1), SOA: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), PTR: (0, 1),
    14: (0, 2), MX: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1), 24: (18, 1), 26: (2, 2), SRV: (6, 1), 36: (2, 1),
    DNAME: (0, 1), RRSIG: (18, 1), 107: (2, 1),
}

Record = namedtuple("Record", "owner type rclass ttl rdata")
Answer = namedtuple("Answer", "rcode opcode flags question answer authority additional edns repeated octets")


class Malformed(Exception):
    """The message breaks the rules of RFC 1035 4.1, and how."""


def wire_name(labels):
    return b"".join(bytes((len(l),)) + l for l in labels) + b"\0"


def labels_of(wire):
    labels, at = [], 0
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]])
        at += 1 + wire[at]
    return tuple(labels)


def fold(wire):
    # Length octets are below 64 and so never letters.
    return wire.lower()


def name_text(wire):
    out = []
    for label in labels_of(wire):
        out.append("".join(chr(c) if 33 <= c < 127 and chr(c) not in '."\\();@$' else
                           ("\\" + chr(c) if 33 <= c < 127 else "\\%03d" % c) for c in label))
    return ".".join(out) + "."


def query(ident, qname, qtype, qclass=1, flags=0, edns=None, do=False, options=b"", version=0, z=0):
    """The bytes of a question. `edns` is the size offered; None leaves the OPT out."""
    message = struct.pack("!6H", ident, flags, 1, 0, 0, 0 if edns is None else 1) + qname
    message += struct.pack("!HH", qtype, qclass)
    if edns is not None:
        message += struct.pack("!BHHBBHH", 0, OPT, edns, 0, version, (0x8000 if do else 0) | z, len(options)) + options
    return message


def read_name(message, at):
    """The folded wire form of the name at `at`, and where the text after it begins."""
    parts, end, limit, total = [], -1, at, 0
    while True:
        try:
            octet = message[at]
        except IndexError:
            raise Malformed("a name runs past the end") from None
        if octet == 0:
            parts.append(b"\0")
            if total + 1 > 255:
                raise Malformed("a name is longer than 255 octets")
            return b"".join(parts).lower(), (at + 1 if end < 0 else end)
        if octet < 64:
            parts.append(message[at:at + 1 + octet])
            total += 1 + octet
            at += 1 + octet
        elif octet >= 192:
            if at + 1 >= len(message):
                raise Malformed("a pointer runs past the end")
            target = (octet & 63) << 8 | message[at + 1]
            if end < 0:
                end = at + 2
            if target >= limit or target < 12:
                raise Malformed("a pointer at %d doesn't point backwards: %d" % (at, target))
            at = limit = target
        else:
            raise Malformed("a label of an unknown kind")


def _rdata(message, rtype, at, end):
    shape = NAMES_IN_RDATA.get(rtype)
    if shape is None:
        if rtype == NAPTR:
            return _naptr(message, at, end)
        if rtype in (SVCB, HTTPS) and end - at > 2:
            shape = (2, 1)
        elif rtype == NSEC:
            shape = (0, 1)
        else:
            return message[at:end]
    before, count = shape
    out = [message[at:at + before]]
    at += before
    for _ in range(count):
        name, at = read_name(message, at)
        out.append(name)
    if at > end:
        raise Malformed("a name in rdata runs past the rdata")
    out.append(message[at:end])
    return b"".join(out)


def _naptr(message, at, end):
    after = at + 4
    for _ in range(3):
        after += 1 + message[after]
    name, stop = read_name(message, after)
    return message[at:after] + name + message[stop:end]


def read(message):
    """Answer of the bytes; raises Malformed. Sections become frozensets, so order doesn't matter."""
    if len(message) < 12:
        raise Malformed("shorter than a header")
    _, flags, qd, an, ns, ar = struct.unpack_from("!6H", message)
    at, question = 12, None
    if qd > 1:
        raise Malformed("more than one question")
    if qd:
        name, at = read_name(message, at)
        question = (name,) + struct.unpack_from("!HH", message, at)
        at += 4
    sections, edns, repeated, rcode = [], None, False, flags & 15
    size = len(message)
    for count in (an, ns, ar):
        records = []
        for _ in range(count):
            if at + 1 < size and message[at] == 0xC0 and message[at + 1] == 12 and question:
                owner, at = question[0], at + 2
            else:
                owner, at = read_name(message, at)
            if at + 10 > size:
                raise Malformed("a record runs past the end")
            rtype, rclass, ttl, length = struct.unpack_from("!HHIH", message, at)
            at += 10
            end = at + length
            if end > size:
                raise Malformed("rdata runs past the end")
            if rtype == OPT:
                if edns is not None or len(sections) != 2 or owner != b"\0":
                    raise Malformed("an OPT in the wrong place")
                rcode |= ttl >> 24 << 4
                edns = (ttl >> 16 & 255, ttl & 0xFFFF, rclass, message[at:end])
            else:
                records.append(Record(owner, rtype, rclass, ttl, _rdata(message, rtype, at, end)))
            at = end
        section = frozenset(records)
        if len(section) != len(records):
            repeated = True
        sections.append(section)
    if at != size:
        raise Malformed("%d octets after the message" % (size - at))
    return Answer(rcode, flags >> 11 & 15, flags & 0x07F0, question, sections[0], sections[1], sections[2], edns,
                  repeated, size)


_cache = {}


def read_cached(message):
    """As read(), but for a malformed message the exception is the value. Messages that differ only in their id are
    read once; forget() empties the memory between zones."""
    key = message[2:]
    answer = _cache.get(key)
    if answer is None:
        try:
            answer = read(message)
        except (Malformed, struct.error, IndexError) as wrong:
            answer = wrong if isinstance(wrong, Malformed) else Malformed(repr(wrong))
        _cache[key] = answer
    return answer


def forget():
    _cache.clear()


def to_text(message):
    """As dig would print it, for reports; falls back to hexadecimal."""
    import dns.message
    try:
        return dns.message.from_wire(message, one_rr_per_rrset=True).to_text()
    except Exception as wrong:
        return "unreadable (%s): %s" % (wrong, message.hex())
