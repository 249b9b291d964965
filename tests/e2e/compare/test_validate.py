# SPDX-License-Identifier: BSD-2-Clause
"""Every answer with DO from a signed zone, positive or negative, holds before a validator that isn't ours.

Each question goes to hither itself, and through unbound, which has the zones' keys as trust anchors and asks hither.
unbound has to come to the same rcode, and to say AD, or SERVFAIL means that it found the proof wanting.
"""
import pytest

import asking
import differences
import message
import questions
import signing
from message import A, AD, DS, MX, NS, NSEC, NSEC3, RD, RRSIG, SOA, TXT, query, read
from peers import apex_wire
from validator import Validator

SIGNED = tuple(recipe.name for recipe in signing.RECIPES if recipe.tool)
REFUSED = 5
EXAMPLES = 10


@pytest.fixture(scope="module")
def unbound(signed, signed_zones, tmp_path_factory):
    zones, anchors = signed_zones
    # The child's own key is to be found by the DS in its parent.
    anchors = {name: text for name, text in anchors.items() if name != "child.parent.signed"}
    validator = Validator(tmp_path_factory.mktemp("unbound"), signed.hither, zones, anchors)
    try:
        validator.wait(apex_wire("tiny.signed"))
        yield validator
    finally:
        validator.stop()


def generate(names):
    asked = set()
    for wire, present in names.items():
        if NSEC3 in present and wire[1:2] != b"0":
            continue
        for qtype in (present | {A, TXT, DS, SOA}) - {RRSIG, NSEC, NSEC3}:
            asked.add((wire, qtype))
        for other in questions.neighbours(wire):
            if other is not None and other not in names:
                for qtype in (A, MX, DS):
                    asked.add((other, qtype))
    # DS of an apex is its parent's affair, and only one parent is served.
    return sorted(asked - {(apex_wire(zone), DS) for zone in SIGNED if zone != "child.parent.signed"})


def can_be_judged(answer):
    """Ours, no referral to servers that aren't there, no chain that leads out of our zones or into itself."""
    return answer.rcode != REFUSED and not (differences.is_referral(answer) or differences.loops(answer) or
                differences.loose_end(answer) is not None and not answer.authority or
                NS in {r.type for r in answer.authority})


def may_be_insecure(zone, answer):
    """Opt-out proves that there may be an unsigned delegation; what is in the unsigned zone isn't signed at all."""
    if zone.startswith("optout") or zone == "tinyoptout.signed":
        return any(r.type == NSEC3 for r in answer.authority)
    plain = apex_wire("plain.parent.signed")
    return any(r.owner == plain or differences.is_below(r.owner, plain) for s in (answer.answer, answer.authority)
               for r in s)


@pytest.mark.parametrize("zone", SIGNED)
def test_proofs(signed, unbound, zone):
    asked = generate(questions.read_names(signed.zones[zone], zone))
    wires = [query(0, qname, qtype, edns=1232, do=True) for qname, qtype in asked]
    ours = asking.ask_udp([signed.hither], wires)["hither"]
    for i, octets in enumerate(ours):
        if octets[2] & 2:
            ours[i] = asking.ask(signed.hither, wires[i], "tcp")
    ours = [read(octets) for octets in ours]
    judged = [i for i, answer in enumerate(ours) if can_be_judged(answer)]
    # RD, since this is a resolver; CD is clear, so that it validates.
    theirs = asking.ask_udp([unbound.server], [query(0, *asked[i], flags=RD, edns=4096, do=True) for i in judged])
    bogus = []
    secure = 0
    for i, octets in zip(judged, theirs["unbound"]):
        answer, verdict = ours[i], read(octets)
        secure += bool(verdict.flags & AD)
        if verdict.rcode != answer.rcode or not (verdict.flags & AD or may_be_insecure(zone, answer)):
            bogus.append((asked[i], answer.rcode, verdict.rcode, octets))
    assert secure > len(judged) // 10 and len(judged) > 5
    assert not bogus, "%d of %d answers don't hold:\n%s\n%s" % (len(bogus), len(judged), "\n".join(
        "%s %s: rcode %d, unbound says %d" % (message.name_text(q), questions.type_text(t), mine, other)
        for (q, t), mine, other, _ in bogus[:EXAMPLES]), unbound.log()[-3000:])
