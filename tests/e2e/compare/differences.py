# SPDX-License-Identifier: BSD-2-Clause
"""The lasting differences between hither's answers and its peers', each with the reason why ours stands.

An entry explains some aspects of a disagreement (see comparing.ASPECTS) with one or more peers, for the questions for
which `when(case)` holds. Every aspect in which an answer differs from a peer's has to be explained by some entry, and
every entry has to explain something, or the suite fails: so nothing slips in, and nothing stays that is no longer true.
An empty table is the goal.
"""
from collections import namedtuple

import comparing
from message import A, AA, AAAA, ANY, CNAME, DNAME, HTTPS, MX, NAPTR, NS, NSEC, NSEC3, RRSIG, SOA, SVCB, TC, labels_of

MB, AFSDB, RT, KX, IPSECKEY = 7, 18, 21, 36, 45
NOERROR, SERVFAIL, NXDOMAIN, YXDOMAIN = 0, 2, 3, 6

Difference = namedtuple("Difference", "name peers aspects when why")


class Case:
    """One question with our answer and one peer's, both whole and readable. `others`: the other peers' answers;
    `zones`: the folded wire names of all zones served."""

    def __init__(self, question, ours, theirs, zone, others, zones):
        self.question, self.ours, self.theirs, self.zone = question, ours, theirs, zone
        self.others, self.zones = others, zones

    @property
    def qtype(self):
        return self.question.qtype

    @property
    def qname(self):
        return self.question.qname

    def zone_of(self, name):
        """The longest served zone above a name, or None."""
        while True:
            if name in self.zones:
                return name
            if name == ROOT:
                return None
            name = name[1 + name[0]:]

    def agreed(self, section):
        """Another peer has this section as we have."""
        return any(getattr(other, section) == getattr(self.ours, section) for other in self.others.values())


ROOT = b"\0"


def types(section):
    return {r.type for r in section}


def of_type(section, *wanted):
    return {r for r in section if r.type in wanted}


def is_below(name, above):
    while len(name) > len(above):
        name = name[1 + name[0]:]
        if name == above:
            return True
    return False


def chain_targets(answer):
    """What the CNAMEs of an answer point to."""
    return {r.rdata for r in answer.answer if r.type == CNAME}


def loose_end(answer):
    """The name where the chain of an answer leaves off: a CNAME's target without a record in the answer, or None."""
    owners = {r.owner for r in answer.answer}
    ends = chain_targets(answer) - owners
    return next(iter(ends)) if len(ends) == 1 else None


def loops(answer):
    """The answer is a chain whose last CNAME leads back into it."""
    links = {r.owner: r.rdata for r in answer.answer if r.type == CNAME}
    return bool(links) and not types(answer.answer) - {CNAME, DNAME, RRSIG} and set(links.values()) <= set(links)


def links(answer):
    return len(of_type(answer.answer, CNAME))


def is_referral(answer):
    return not answer.flags & AA and not answer.answer and NS in types(answer.authority)


def with_ttl(section, rtype, ttl):
    """The section as it would be if its sets of one type (and their signatures) had that TTL."""
    return {r._replace(ttl=ttl) if r.type == rtype or r.type == RRSIG and r.rdata[:2] == bytes((0, rtype)) else r
            for r in section}


TABLE = []


def difference(name, peers, aspects, why):
    """Makes an entry of the predicate below it."""
    def add(when):
        TABLE.append(Difference(name, tuple(peers.split()), frozenset(aspects.split()), when, " ".join(why.split())))
        return when
    return add


def explain(case, peer, aspects):
    """(aspects that no entry explains, names of the entries that explain something)."""
    left, used = set(aspects), []
    for entry in TABLE:
        if peer in entry.peers and left & entry.aspects and entry.when(case):
            used.append(entry.name)
            left -= entry.aspects
    return left, used


# ---- Additional data: courtesies that one server does and another doesn't.

@difference("no courtesy", "nsd", "additional", """
    NSD runs with minimal-responses, the only way to keep the apex NS out of its answers, and then adds nothing to
    answers either. RFC 1034 4.3.2 (6) and RFC 9460 4.1 ask to add what may be useful.""")
def _(case):
    return case.ours.answer and not case.theirs.additional


@difference("courtesy doesn't fit", "nsd knot bind", "additional", """
    Room was left for some of it or none, and every server chooses for itself what to leave out (RFC 2181 9: a message
    that lacks only additional data isn't truncated). Glue for names below the cut is no courtesy.""")
def _(case):
    return case.question.mode.transport == "udp" and \
        comparing.glue_below(case.ours) >= comparing.glue_below(case.theirs) and \
        max(case.ours.octets, case.theirs.octets) > case.question.limit() * 3 // 4


@difference("many targets", "bind", "additional", """
    BIND adds nothing for a set of more than 13 records. Over TCP there is room, and nothing is asked for twice.""")
def _(case):
    return len(of_type(case.ours.answer, MX)) > 13 and not case.theirs.additional


@difference("no courtesy in 512 octets", "bind", "additional", """
    BIND adds nothing to the answer of a question whose EDNS offers 512 octets, whether it would fit or not.""")
def _(case):
    return case.question.mode.edns == 512 and case.ours.answer and not case.theirs.additional


@difference("addresses from the zone's own data", "bind", "additional", """
    BIND adds to NS sets only glue; NSD, Knot and hither also the addresses for which the zone itself is authoritative,
    without which a resolver would have to ask again (RFC 1034 4.3.2 (3b): "whatever addresses are available").""")
def _(case):
    targets = {r.rdata for s in (case.ours.answer, case.ours.authority) for r in s if r.type == NS}
    extra = case.ours.additional - case.theirs.additional
    return (case.theirs.additional <= case.ours.additional and targets and
            all(r.owner in targets for r in extra if r.type in (A, AAAA)) and types(extra) <= {A, AAAA, RRSIG})


@difference("additional for rarer types", "bind knot", "additional", """
    BIND looks up addresses for KX, AFSDB, RT and MB, and for NAPTR goes on from SRV to addresses; Knot does nothing of
    that. hither does one step for NAPTR, which is of use (RFC 3403 4.4), and leaves the rest (RFC 1034 4.3.2 (6)).""")
def _(case):
    ours, theirs = case.ours.additional, case.theirs.additional
    return case.qtype in (KX, AFSDB, RT, MB, NAPTR) and (ours <= theirs or theirs <= ours)


@difference("chains of services", "bind knot", "additional", """
    For SVCB and HTTPS in AliasMode every server goes some steps along the chain: Knot one without the addresses,
    BIND to the end, through CNAMEs too. RFC 9460 4.1 asks for records of the TargetNames in the answer, not more; in
    ServiceMode "." means the owner (2.5.2), which Knot doesn't heed.""")
def _(case):
    return case.qtype in (HTTPS, SVCB, ANY) and types(case.ours.answer) & {HTTPS, SVCB} and (
        case.ours.additional <= case.theirs.additional or case.theirs.additional <= case.ours.additional or
        # Knot writes the wildcard's own name where the name that it stands for belongs (RFC 4592 3.3.3).
        any(r.owner[:2] == b"\1*" for r in case.theirs.additional))


@difference("glue isn't for others", "knot", "additional", """
    Knot adds addresses from below a cut to MX and the like; hither and BIND keep glue to referrals and to the apex NS
    (RFC 2181 5.4.1: it isn't this zone's data).""")
def _(case):
    extra = case.theirs.additional - case.ours.additional
    return case.qtype != ANY and case.ours.additional <= case.theirs.additional and case.agreed("additional") and \
        types(extra) <= {A, AAAA}


# ---- Chains.

@difference("across our zones", "knot bind", "rcode answer authority additional truncation", """
    A chain that leads into another of our zones is followed there, and rcode and authority come from the zone where it
    ends (RFC 1034 4.3.2 (3a): "go back to step 1", where the zone is chosen; RFC 6604 3). Knot and BIND stop at the
    zone's edge, Knot with a referral when the other zone is its child.""")
def _(case):
    end = loose_end(case.theirs)
    if end is None or not (case.theirs.answer <= case.ours.answer or case.ours.flags & TC):
        return False
    from_zone = case.zone_of(next(r.owner for r in case.theirs.answer if r.type == CNAME and r.rdata == end))
    return case.zone_of(end) not in (None, from_zone)


@difference("loops are no error of ours", "bind", "rcode answer truncation", """
    A chain that bites its tail is sent as far as it goes, once around, with NOERROR, as NSD and Knot do: the algorithm
    of RFC 1034 4.3.2 knows no error for it, and whoever asks detects it (RFC 1034 5.2.2). BIND says SERVFAIL.""")
def _(case):
    return case.theirs.rcode == SERVFAIL and case.ours.rcode == NOERROR and (
        loops(case.ours) or _grows(case) or case.ours.flags & TC) and case.theirs.answer <= case.ours.answer | \
        case.theirs.answer


def _grows(case):
    """A DNAME whose target lies below itself."""
    return any(r.type == DNAME and is_below(r.rdata, r.owner) for r in case.ours.answer)


@difference("long chains", "knot bind", "rcode answer authority additional", """
    Chains are followed further than Knot (5 CNAMEs) and BIND (12, then SERVFAIL) do, as NSD does. RFC 1034 3.6.2:
    chains should be followed. A resolver that gets part of one has to ask again.""")
def _(case):
    if case.theirs.rcode == SERVFAIL:
        return links(case.ours) >= 12 and case.theirs.answer <= case.ours.answer
    return links(case.theirs) == 5 and case.theirs.answer < case.ours.answer


@difference("a DNAME that leads below itself", "nsd knot bind", "rcode answer authority truncation", """
    `below DNAME x.below` makes names longer and longer, without end before 255 octets. Every server stops somewhere:
    NSD at once, Knot and BIND at their limit for chains, hither at its own.""")
def _(case):
    return case.zone == "dname.test" and _below_name(case, b"below")


def _below_name(case, label):
    return label in labels_of(case.qname)[:-2]


@difference("a wildcard's DNAME", "knot", "answer", """
    A DNAME owned by an asterisk is a DNAME of that name, not of those that a wildcard stands for (RFC 6672 3.3,
    RFC 4592 4.4). Knot writes the question's name as its owner.""")
def _(case):
    return any(r.type == DNAME and r.owner == case.qname for r in case.theirs.answer - case.ours.answer)


@difference("what doesn't fit", "knot", "rcode authority", """
    When only the SOA doesn't fit, Knot leaves it out without TC; when it truncates in the middle of a chain, the rcode
    is NOERROR. The rcode is that of the chain's end (RFC 6604 3), and TC says that something is missing (RFC 2181
    9).""")
def _(case):
    return case.question.mode.transport == "udp" and links(case.theirs) and (
        case.theirs.flags & TC and case.theirs.rcode == NOERROR or
        case.ours.answer == case.theirs.answer and not case.theirs.authority)


@difference("YXDOMAIN", "knot", "rcode authority", """
    When the name that a DNAME makes is too long, the answer is YXDOMAIN (RFC 6672 3.2 (3c)). Knot says NXDOMAIN.""")
def _(case):
    return case.ours.rcode == YXDOMAIN and case.theirs.rcode == NXDOMAIN and case.ours.answer == case.theirs.answer


@difference("ANY and DNAME", "bind", "rcode answer authority additional truncation", """
    After a synthesised CNAME the search goes on with the new name, whatever the type (RFC 6672 3.2 (3c)). For ANY, BIND
    stops at the CNAME, as it does for a CNAME from the zone.""")
def _(case):
    return case.qtype == ANY and DNAME in types(case.theirs.answer) and links(case.theirs) <= 1 and \
        links(case.theirs) <= links(case.ours) + (case.ours.flags & TC)


@difference("the rcode of half a chain", "nsd knot bind", "rcode", """
    When a chain is cut off by truncation, one server says what the whole chain would come to, another what it had come
    to. Whoever sees TC asks again (RFC 2181 9).""")
def _(case):
    return case.ours.flags & case.theirs.flags & TC and NOERROR in (case.ours.rcode, case.theirs.rcode)


# ---- ANY and RRSIG: which sets.

def _one_set(answer):
    return len({(r.owner, r.type) for r in answer.answer if r.type != RRSIG}) <= 1


@difference("ANY: which sets", "nsd knot bind", "answer additional truncation", """
    Over UDP each server chooses the set with which it answers ANY (RFC 8482 4.1); Knot adds what belongs to its choice,
    and Knot and NSD may choose RRSIG or NSEC. Over TCP hither and BIND give all sets, NSD and Knot one; without DO
    those of DNSSEC aren't for the client (RFC 3225 3), which BIND doesn't heed.""")
def _(case):
    if case.qtype != ANY or case.ours.rcode != case.theirs.rcode or not case.ours.answer:
        return False
    if case.question.mode.transport == "udp":
        return _one_set(case.ours) and (case.theirs.answer or case.theirs.flags & TC)
    asked_for = case.theirs.answer if case.question.mode.do else case.theirs.answer - of_type(
        case.theirs.answer, RRSIG, NSEC, NSEC3)
    return case.theirs.answer and asked_for <= case.ours.answer


@difference("ANY: DS alone", "bind", "flags answer authority", """
    For ANY at a name that has nothing but a DS, or (types.test) another type that BIND thinks of as the parent's, BIND
    gives an empty answer and no SOA, and sets AD.""")
def _(case):
    return case.qtype == ANY and case.ours.answer and not case.theirs.answer and not case.theirs.authority and \
        case.agreed("answer")


@difference("RRSIG: which ones", "knot bind", "answer truncation", """
    A question for RRSIG gets all of a name's, as from NSD; Knot and BIND send one. Neither is asked for anywhere: what
    is signed is to be asked for with DO (RFC 4035 3.1.1).""")
def _(case):
    return case.qtype == RRSIG and (case.theirs.answer <= case.ours.answer or case.ours.flags & TC)


# ---- Negative answers.

@difference("TTL of a negative answer to SOA", "bind", "authority", """
    The lesser of the SOA's TTL and its minimum (RFC 2308 3 and 5), whatever was asked. When a question for SOA ends in
    NXDOMAIN, BIND makes it 0.""")
def _(case):
    return case.qtype == SOA and with_ttl(case.ours.authority, SOA, 0) == with_ttl(case.theirs.authority, SOA, 0)


@difference("names of other zones", "nsd", "rcode authority", """
    A zone that we serve makes no empty non-terminals in the zone above: gap.ent.test isn't a name of ent.test because
    deep.gap.ent.test is a zone of its own, and glue kept in a parent isn't a name of the child. Names belong to zones
    (RFC 1034 4.2.1; RFC 8020 2 speaks of names in one zone).""")
def _(case):
    return case.ours.rcode == NXDOMAIN and case.theirs.rcode == NOERROR and not case.theirs.answer and \
        case.agreed("rcode") and case.zone in ("deep.gap.ent.test", "ent.test", "deleg.test", "both.deleg.test")


# ---- Referrals.

@difference("glue isn't optional", "nsd bind", "truncation additional", """
    When not all glue for names below the cut fits, TC is set (RFC 9471 3.1). Knot does so; NSD 4.6 and BIND 9.18 are
    older and leave some out, or all.""")
def _(case):
    if NS not in types(case.theirs.authority) or case.theirs.flags & TC:
        return False
    return case.ours.flags & TC or comparing.glue_below(case.ours) > comparing.glue_below(case.theirs)


@difference("a root zone with few signatures", "bind", "answer authority additional", """
    The root zone of the tests was stripped of the signatures of everything but SOA and DNSKEY. BIND takes such a zone
    for an unsigned one; NSD, Knot and hither send what there is.""")
def _(case):
    return case.zone == "." and case.question.mode.do and case.agreed("answer") and case.agreed("authority") and \
        case.theirs.answer <= case.ours.answer and case.theirs.authority <= case.ours.authority


@difference("an asterisk that owns NS", "nsd knot", "rcode flags answer authority additional truncation", """
    RFC 4592 4.2 leaves undefined what a wildcard NS means; BIND refuses such a zone. NSD refers at the asterisk itself
    and synthesises NS elsewhere, Knot refers everywhere with the asterisk as owner. hither treats it as data that
    delegates nothing.""")
def _(case):
    return case.zone == "wildns.test"


# ---- Case.

@difference("case of IPSECKEY", "nsd", "answer", """
    The gateway's name keeps its case: IPSECKEY isn't among the types whose names may be changed (RFC 4034 6.2 as of
    RFC 6840 5.1, RFC 3597 4). NSD folds it.""")
def _(case):
    return {r.rdata.lower() for r in case.ours.answer} == {r.rdata.lower() for r in case.theirs.answer} and \
        IPSECKEY in types(case.ours.answer)


# ---- Proofs. What is proved is judged by a validator in test_validate.py; here, that another peer says the same.

def _agreed_proof(case):
    """There may be proofs, and another peer sends our authority section, or truncates as we do."""
    if not case.question.mode.do:
        return False
    return case.agreed("authority") if not case.ours.flags & TC else any(
        other.flags & TC for other in case.others.values())


def _hashed(label):
    return len(label) == 32


@difference("proofs where there is no NSEC3", "nsd", "authority truncation", """
    NSD takes as closest encloser a name that has no NSEC3: an empty non-terminal that is only there for unsigned
    delegations (opt-out), or an NSEC3's own owner, which is no name of the zone (RFC 5155 7.2.8). It has to be the
    closest provable one (RFC 5155 7.2.1).""")
def _(case):
    labels = labels_of(case.qname)
    return _agreed_proof(case) and (any(_hashed(label) for label in labels) or
                                    case.zone.startswith("optout") and (b"oent" in labels or b"uent" in labels))


@difference("the asterisk itself", "nsd", "authority truncation", """
    A question for a name that begins with an asterisk and is there matches exactly, and is proved as for any name
    (RFC 4592 2.3; RFC 5155 7.2.3). NSD adds the proof that belongs to names for which the wildcard stands.""")
def _(case):
    return case.qname[:2] == b"\1*" and _agreed_proof(case) and (
        case.ours.authority < case.theirs.authority or case.theirs.flags & TC)


@difference("proofs below empty names", "nsd", "authority truncation", """
    When a chain leads to a name below an empty non-terminal, NSD leaves out the NSEC that covers the name itself and
    sends only what denies the wildcard, or takes the wrong one. It is needed (RFC 4035 3.1.3.2, 3.1.3.3).""")
def _(case):
    return _agreed_proof(case) and links(case.theirs) and (
        case.theirs.authority < case.ours.authority or DNAME in types(case.theirs.answer))


@difference("order of labels that end in zero", "knot", "authority truncation", """
    x\\000 comes after everything below x (RFC 4034 6.1 compares label by label). Knot takes the NSEC before that.""")
def _(case):
    chain = [case.qname] + list(chain_targets(case.ours))
    return _agreed_proof(case) and any(b"\0" in label for name in chain for label in labels_of(name))


@difference("an asterisk that is empty", "knot bind", "authority truncation", """
    When the wildcard is an empty non-terminal, its NODATA needs the NSEC that shows it to be one, beside the NSEC that
    covers the name (RFC 4035 3.1.3.4, RFC 4592 2.2.3). Knot and BIND leave the first out.""")
def _(case):
    labels = labels_of(case.qname)
    return case.zone.startswith("nsec") and (b"went" in labels or b"mid" in labels) and not case.ours.answer and (
        case.theirs.authority < case.ours.authority or case.ours.flags & TC)


@difference("NSEC at a cut", "bind", "flags answer authority additional truncation", """
    Only DS is asked of the parent of a cut (RFC 4035 3.1.4.1); for NSEC, as for all else, there is a referral.""")
def _(case):
    return case.qtype == NSEC and is_referral(case.ours) and types(case.theirs.answer) <= {NSEC, RRSIG}


@difference("NSEC at a CNAME", "knot bind", "rcode answer authority additional truncation", """
    Where a CNAME has no NSEC beside it (in a zone with NSEC3 or none), a question for NSEC follows the CNAME (RFC 1034
    4.3.2 (3a)). Knot and BIND answer NODATA, which no validator may believe: the NSEC3 has the CNAME bit (RFC 6840
    4.3).""")
def _(case):
    return case.qtype in (NSEC, NSEC3) and case.ours.answer and CNAME in types(case.ours.answer) and \
        not case.theirs.answer


@difference("RRSIG at a CNAME", "nsd", "answer authority", """
    In an unsigned zone, too, a question for RRSIG at a CNAME isn't redirected: RRSIG is one of the types that may stand
    beside a CNAME (RFC 4035 2.5), so there just is none. NSD follows the CNAME.""")
def _(case):
    return case.qtype == RRSIG and not case.ours.answer and CNAME in types(case.theirs.answer)
