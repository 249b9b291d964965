# SPDX-License-Identifier: BSD-2-Clause
"""Compares answers section by section."""
from message import (A, AAAA, AD, ANY, NS, NSEC, NSEC3, RA, RRSIG, TC, FLAG_NAMES, Malformed)

# What two answers may differ in.
ASPECTS = ("unreadable", "rcode", "flags", "question", "truncation", "answer", "authority", "additional", "edns")


def aspects(ours, theirs):
    """Which aspects of two answers (Answer or Malformed) differ."""
    if isinstance(ours, Malformed) or isinstance(theirs, Malformed):
        return ("unreadable",)
    out = []
    if ours.rcode != theirs.rcode:
        out.append("rcode")
    if (ours.flags ^ theirs.flags) & ~TC or ours.opcode != theirs.opcode:
        out.append("flags")
    if ours.question != theirs.question:
        out.append("question")
    if (ours.flags ^ theirs.flags) & TC:
        out.append("truncation")
    elif not ours.flags & TC:
        # What a truncated answer still holds is not to be used (RFC 2181 9), so it is compared only when whole.
        if ours.answer != theirs.answer:
            out.append("answer")
        if ours.authority != theirs.authority:
            out.append("authority")
        if ours.additional != theirs.additional:
            out.append("additional")
    if (ours.edns is None) != (theirs.edns is None) or (ours.edns and ours.edns[:2] != theirs.edns[:2]):
        out.append("edns")
    return tuple(out)


def flags_text(flags):
    return " ".join(text for bit, text in FLAG_NAMES if flags & bit)


DNSSEC_TYPES = frozenset((RRSIG, NSEC, NSEC3))


def invariants(question, wire, octets, answer):
    """What holds for every answer of ours, whatever the zone: a list of what doesn't."""
    wrong = []
    mode = question.mode
    if len(octets) > question.limit():
        wrong.append("too large: %d octets of %d" % (len(octets), question.limit()))
    end = 12 + len(question.qname) + 4
    if octets[4:6] != b"\0\1" or octets[12:end] != wire[12:end]:
        wrong.append("question not echoed as it was asked")
    if not octets[2] & 0x80:
        wrong.append("QR is clear")
    if answer.flags & (RA | AD):
        wrong.append("flags: %s" % flags_text(answer.flags))
    if answer.flags & TC and mode.transport == "tcp":
        wrong.append("TC over TCP")
    if answer.repeated:
        wrong.append("a record is there twice")
    if mode.edns is None and answer.edns is not None:
        wrong.append("EDNS though the question had none")
    if mode.edns is not None:
        if answer.edns is None:
            wrong.append("no EDNS though the question had it")
        elif answer.edns[0] != 0 or answer.edns[1] != (0x8000 if mode.do else 0):
            wrong.append("EDNS version or flags: %s" % (answer.edns[:2],))
    if not mode.do and question.qtype not in DNSSEC_TYPES and question.qtype != ANY:
        if any(r.type in DNSSEC_TYPES for s in (answer.answer, answer.authority, answer.additional) for r in s):
            wrong.append("DNSSEC records though DO is clear")
    return wrong


def cut_of(answer):
    """Owner of the NS set in the authority section of a referral, or None."""
    for record in answer.authority:
        if record.type == NS:
            return record.owner
    return None


def glue_below(answer):
    """Addresses that a referral must carry: of names at or below its cut (RFC 9471 3.1)."""
    cut = cut_of(answer)
    if cut is None:
        return set()
    return {r for r in answer.additional if r.type in (A, AAAA) and _is_below(r.owner, cut)}


def _is_below(name, above):
    while len(name) > len(above):
        name = name[1 + name[0]:]
    return name == above


def required_octets(answer):
    """Octets that the answer takes without what is only a courtesy. How its names are compressed isn't known here, so
    this may be more than it would really take, never less."""
    optional = {r for r in answer.additional} - glue_below(answer)
    if not optional:
        return answer.octets
    # A record takes at least a pointer, the fixed fields and rdata in which names may be pointers too.
    least = sum(12 + (len(r.rdata) if r.type in (A, AAAA) else 2) for r in optional)
    return answer.octets - least
