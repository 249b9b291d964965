# SPDX-License-Identifier: BSD-2-Clause
"""hither answers as NSD, Knot and BIND do, section by section, except where differences.py says why not."""
import pytest

import differences
import group as groups
import questions
import signing
import sources
from message import DS, NS, A, SOA, fold

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
