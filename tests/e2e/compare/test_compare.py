# SPDX-License-Identifier: BSD-2-Clause
"""hither answers as NSD, Knot and BIND do, section by section, except where differences.py says why not."""
import dns.name
import dns.rdatatype
import pytest

import asking
import differences
import group as groups
import questions
import signing
import sources
from message import A, DS, NS, SOA, fold, query

PLAIN = tuple(sources.plain())
SIGNED = tuple(recipe.name for recipe in signing.RECIPES)


def check(result):
    assert result.asked > 0
    if result.unexplained or result.broken:
        pytest.fail("%d of %d answers differ without a reason, %d are wrong by themselves\n%s" % (
            len(result.unexplained), result.asked, len(result.broken), groups.report(result)), pytrace=False)


@pytest.mark.parametrize("zone", PLAIN)
def test_plain(plain, zone):
    check(plain.result(zone))


@pytest.mark.parametrize("zone", SIGNED)
def test_signed(signed, zone):
    check(signed.result(zone))


def root_questions(names):
    """Every delegation: the name itself and one below it."""
    asked = set()
    for wire, present in names.items():
        if NS not in present:
            continue
        below = questions.below(wire, b"www", b"hither-compare")
        for mode in (questions.PLAIN, questions.DO, questions.SMALL, questions.TCP_DO):
            asked.add(questions.Question(below, A, mode))
            asked.add(questions.Question(wire, NS, mode))
            asked.add(questions.Question(wire, DS, mode))
        asked.add(questions.Question(wire, SOA, questions.DO))
    for label in (b"nothere", b"aaa", b"zzzz", b"zz", b"0", b"\xff", b"arp", b"arpb", b"com\0"):
        for mode in questions.MODES:
            asked.add(questions.Question(questions.below(b"\0", label), A, mode))
            asked.add(questions.Question(questions.below(b"\0", b"x", label), DS, mode))
    for qtype in questions.AT_SIGNED_NAMES + (63,):
        for mode in questions.MODES:
            asked.add(questions.Question(b"\0", qtype, mode))
    return sorted(asked, key=lambda q: (q.mode, q.qname, q.qtype))


def test_root(root):
    check(root.compare_questions(".", root_questions(questions.read_names(root.zones["."], "."))))


REFUSED = tuple(questions.Question(fold(name), qtype, mode)
                for name in (b"\0", b"\4test\0", b"\7example\0", b"\3www\7example\0", b"\5other\5test1\0", b"\4est1\0")
                for qtype in (A, NS, SOA, DS, 255) for mode in questions.MODES)


def test_what_is_not_ours(plain):
    check(plain.compare_questions("other.test", REFUSED))


def test_the_table_is_true(plain, signed, root):
    """An entry of the table that explains nothing any more has to go."""
    for group, zones in ((plain, PLAIN), (signed, SIGNED)):
        for zone in zones:
            group.result(zone)
    if not root.used:
        test_root(root)
    used = plain.used + signed.used + root.used
    idle = [entry.name for entry in differences.TABLE if not used[entry.name]]
    assert not idle, "these entries of differences.py explain nothing: %s" % ", ".join(idle)


# Labels of names in rdata that share nothing with the question, so that no pointer can stand for them.
KEPT = (("upper-alias.apex.test.", "CNAME", b"\5Upper"), ("mixed.sub.apex.test.", "MX", b"\4MAIL"),
        ("apex.test.", "SOA", b"\3NS1"), ("apex.test.", "SOA", b"\13Host.Master"),
        ("srv.types.test.", "SRV", b"\3Srv\7Example"),
        ("mx.types.test.", "MX", b"\2Mx\7Example"), ("afsdb.types.test.", "AFSDB", b"\2Db\7Example"),
        ("naptr.types.test.", "NAPTR", b"\3Rep\7Example"), ("https.types.test.", "HTTPS", b"\3Foo\7Example"),
        ("ipseckey3.types.test.", "IPSECKEY", b"\11MyGateway\7example"), ("rp.types.test.", "RP", b"\4Mbox\7Example"))


@pytest.mark.parametrize("qname, qtype, wanted", KEPT)
def test_case_in_rdata_is_kept(plain, qname, qtype, wanted):
    wire = dns.name.from_text(qname).to_wire()
    answer = asking.ask(plain.hither, query(1, wire, dns.rdatatype.from_text(qtype)))
    assert wanted in answer
