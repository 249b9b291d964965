# SPDX-License-Identifier: BSD-2-Clause
"""EDNS as ISC's compliance tester for servers asks for it, and messages that no client should send.

The first table takes its names and demands from that tester (and from RFC 8906 8, which tells why); the second says for
each odd message what the RFCs want done with it: silence, or which rcode.
"""
import pathlib
import struct
import sys
import time

import pytest

from daemon import Daemon

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "compare"))

import asking
from message import AA, AD, CD, RA, RD, TC, query, read, wire_name

ZONE = """$TTL 300
@ IN SOA ns hostmaster 1 7200 3600 1209600 300
@ IN NS ns
@ IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
ns IN A 192.0.2.53
www IN A 192.0.2.1
big IN TXT "%s"
big IN TXT "%s"
big IN TXT "%s"
""" % ("1" * 250, "2" * 250, "3" * 250)

APEX = wire_name((b"edns", b"test"))
WWW = wire_name((b"www", b"edns", b"test"))
BIG = wire_name((b"big", b"edns", b"test"))
ID = 0x1234
A, NS, SOA, TXT, DNSKEY = 1, 2, 6, 16, 48
IN, CH = 1, 3
NOERROR, FORMERR, NOTIMP, REFUSED, NOTAUTH, BADVERS = 0, 1, 4, 5, 9, 16
NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING, SUBNET, EXTENDED_ERROR = 3, 9, 10, 11, 12, 8, 15
NOT_SUPPORTED = struct.pack("!H", 21)


@pytest.fixture(scope="module")
def hitherd(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("edns") / "pop", zones={"edns.test": ZONE})
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module", params=["127.0.0.1", "::1"])
def server(hitherd, request):
    served = asking.Server("hither", request.param, hitherd.port)
    yield served
    served.close()


def option(code, data=b""):
    return struct.pack("!HH", code, len(data)) + data


def options_of(answer):
    found, rest = {}, answer.edns[3] if answer.edns else b""
    while rest:
        code, octets = struct.unpack_from("!HH", rest)
        found[code] = rest[4:4 + octets]
        rest = rest[4 + octets:]
    return found


# ---- ISC's table: name, question, what is wanted.

def edns(qtype=SOA, qname=APEX, **more):
    more.setdefault("edns", 4096)
    return query(ID, qname, qtype, **more)


UNKNOWN = option(100)
CLIENT_COOKIE = option(COOKIE, b"\1\2\3\4\5\6\7\x08")
FOUND = {"rcode": NOERROR, "soa": True, "aa": True, "edns": True}
NO_VERSION = {"rcode": BADVERS, "soa": False, "aa": False, "edns": True}
PLAIN = {"rcode": NOERROR, "soa": True, "aa": True, "edns": False}

COMPLIANCE = (
    ("dns", edns(edns=None), PLAIN),
    ("aa", edns(edns=None, flags=AA), PLAIN),
    ("ad", edns(edns=None, flags=AD), PLAIN),
    ("cd", edns(edns=None, flags=CD), PLAIN),
    ("ra", edns(edns=None, flags=RA), PLAIN),
    ("rd", edns(edns=None, flags=RD), {**PLAIN, "rd": True}),
    ("tc", edns(edns=None, flags=TC), PLAIN),
    ("zflag", edns(edns=None, flags=0x0040), PLAIN),
    ("type1000", edns(1000, edns=None), {"rcode": NOERROR, "soa": False, "aa": True, "edns": False, "negative": True}),
    ("edns", edns(), FOUND),
    ("edns1", edns(version=1), NO_VERSION),
    ("edns255", edns(version=255), NO_VERSION),
    ("ednsopt", edns(options=UNKNOWN), FOUND),
    ("edns1opt", edns(version=1, options=UNKNOWN), NO_VERSION),
    ("ednsflags", edns(z=0x0080), FOUND),
    ("ednsflags all", edns(z=0x7FFF), FOUND),
    ("edns1flags", edns(version=1, z=0x0080), NO_VERSION),
    ("do", edns(do=True), {**FOUND, "do": True}),
    ("edns1do", edns(version=1, do=True), {**NO_VERSION, "do": True}),
    ("edns size 0", edns(edns=0), FOUND),
    ("edns size 65535", edns(edns=65535), FOUND),
    ("ednsnsid", edns(options=option(NSID)), {**FOUND, "options": {NSID}}),
    ("edns1nsid", edns(version=1, options=option(NSID)), {**NO_VERSION, "may": {NSID}}),
    ("ednscookie", edns(options=CLIENT_COOKIE), {**FOUND, "options": {COOKIE}}),
    ("docookie", edns(do=True, options=CLIENT_COOKIE), {**FOUND, "do": True, "options": {COOKIE}}),
    ("edns1cookie", edns(version=1, options=CLIENT_COOKIE), {**NO_VERSION, "may": {COOKIE}}),
    ("ednsexpire", edns(options=option(EXPIRE)), {**FOUND, "may": {EXPIRE}}),
    ("ednssubnet", edns(options=option(SUBNET, bytes((0, 1, 24, 0, 192, 0, 2)))), FOUND),
    ("ednspadding", edns(options=option(PADDING, bytes(31))), FOUND),
    ("ednskeepalive", edns(options=option(KEEPALIVE)), FOUND),
    ("several options", edns(options=UNKNOWN + option(NSID) + option(65001, b"x" * 99) + CLIENT_COOKIE),
     {**FOUND, "options": {NSID, COOKIE}}),
    ("opcode", edns(edns=None, flags=15 << 11), {"rcode": NOTIMP, "soa": False, "aa": False, "edns": False}),
)


def judge(octets, asked, wanted):
    answer = read(octets)
    assert octets[:2] == asked[:2]
    assert answer.rcode == wanted["rcode"]
    assert any(r.type == SOA for r in answer.answer) == wanted["soa"]
    assert bool(answer.flags & AA) == wanted["aa"]
    assert bool(answer.flags & RD) == wanted.get("rd", False)
    assert not answer.flags & (TC | RA | AD | 0x0040)
    assert (answer.edns is not None) == wanted["edns"]
    assert any(r.type == SOA for r in answer.authority) == wanted.get("negative", False)
    if answer.edns:
        version, flags, size, _ = answer.edns
        assert version == 0 and size >= 512
        assert flags == (0x8000 if wanted.get("do") else 0)
        must, may = wanted.get("options", set()), wanted.get("may", set())
        assert must <= set(options_of(answer)) <= must | may


@pytest.mark.parametrize("name, asked, wanted", COMPLIANCE, ids=[row[0] for row in COMPLIANCE])
def test_compliance(server, name, asked, wanted):
    judge(asking.ask(server, asked), asked, wanted)


@pytest.mark.parametrize("name, asked, wanted", COMPLIANCE, ids=[row[0] for row in COMPLIANCE])
def test_compliance_over_tcp(server, name, asked, wanted):
    """ednstcp, and all the rest."""
    may = wanted.get("may", set()) | ({KEEPALIVE} if name == "ednskeepalive" else set())
    judge(asking.ask(server, asked, "tcp"), asked, {**wanted, "may": may})


def test_edns_at_512(server):
    """edns@512: within what was offered, TC when it doesn't fit, and the OPT is there all the same."""
    octets = asking.ask(server, edns(TXT, BIG, edns=512, do=True))
    answer = read(octets)
    assert answer.flags & TC and len(octets) <= 512 and answer.edns is not None
    whole = read(asking.ask(server, edns(TXT, BIG, edns=512, do=True), "tcp"))
    assert not whole.flags & TC and len(whole.answer) == 3


def test_without_edns_at_512(server):
    octets = asking.ask(server, query(ID, BIG, TXT))
    assert len(octets) <= 512 and read(octets).flags & TC and read(octets).edns is None


@pytest.mark.parametrize("size", (0, 511, 512))
def test_less_than_512_counts_as_512(server, size):
    """RFC 6891 6.2.3."""
    assert not read(asking.ask(server, edns(DNSKEY, edns=size))).flags & TC


def test_nsid_is_the_identity(server):
    answer = read(asking.ask(server, edns(options=option(NSID))))
    assert options_of(answer)[NSID] == b"tested"


def test_cookie_is_echoed_and_holds(server):
    """RFC 7873 5.2.3, 5.2.5: client cookie echoed, a server cookie added, and that is good for the next question."""
    first = options_of(read(asking.ask(server, edns(options=CLIENT_COOKIE))))[COOKIE]
    assert first[:8] == CLIENT_COOKIE[4:] and 16 <= len(first) <= 40
    again = read(asking.ask(server, edns(options=option(COOKIE, first))))
    assert again.rcode == NOERROR and options_of(again)[COOKIE][:8] == first[:8]


@pytest.mark.parametrize("octets", (0, 1, 7, 9, 15, 41))
def test_cookie_of_a_wrong_length(server, octets):
    """RFC 7873 5.2.2."""
    assert read(asking.ask(server, edns(options=option(COOKIE, bytes(octets))))).rcode == FORMERR


def test_keepalive_only_over_tcp(server):
    """RFC 7828 3.2.1, 3.2.2."""
    assert KEEPALIVE in options_of(read(asking.ask(server, edns(options=option(KEEPALIVE)), "tcp")))
    assert KEEPALIVE not in options_of(read(asking.ask(server, edns(options=option(KEEPALIVE)))))


# ---- Odd messages.

def header(flags=0, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", ID, flags, qd, an, ns, ar)


QUESTION = WWW + struct.pack("!HH", A, IN)
OPT = struct.pack("!BHHIH", 0, 41, 1232, 0, 0)
RECORD = WWW + struct.pack("!HHIH", A, IN, 0, 4) + bytes(4)
SILENCE = None
# What may be said to a question that makes no sense here; never records.
ANY_REFUSAL = (NOERROR, FORMERR, NOTIMP, REFUSED)

ODD = (
    ("nothing", b"", SILENCE),
    ("eleven octets", header()[:11], SILENCE),
    ("a response", query(ID, WWW, A, flags=0x8000), SILENCE),
    ("a response with EDNS", edns(flags=0x8000), SILENCE),
    ("opcode 1, IQUERY (RFC 3425)", query(ID, WWW, A, flags=1 << 11), (NOTIMP,)),
    ("opcode 2, STATUS", query(ID, WWW, A, flags=2 << 11), (NOTIMP,)),
    ("opcode 3", query(ID, WWW, A, flags=3 << 11), (NOTIMP,)),
    ("opcode 4, NOTIFY", query(ID, APEX, SOA, flags=4 << 11), (NOTIMP, REFUSED, NOTAUTH)),
    ("opcode 5, UPDATE", query(ID, APEX, SOA, flags=5 << 11), (NOTIMP, REFUSED)),
    ("opcode 6, DSO (RFC 8490 5.1.2)", query(ID, APEX, SOA, flags=6 << 11), (NOTIMP,)),
    ("opcode 15", query(ID, WWW, A, flags=15 << 11), (NOTIMP,)),
    ("opcode 15 with nothing else", header(flags=15 << 11, qd=0), (NOTIMP,)),
    ("opcode 15 with rubbish", header(flags=15 << 11, qd=77) + b"\xff" * 40, (NOTIMP,)),
    ("class HS", query(ID, WWW, A, qclass=4), (REFUSED,)),
    ("class NONE", query(ID, WWW, A, qclass=254), (REFUSED, FORMERR)),
    ("class ANY", query(ID, WWW, A, qclass=255), (REFUSED, FORMERR)),
    ("class 0", query(ID, WWW, A, qclass=0), (REFUSED, FORMERR)),
    ("class 65280", query(ID, WWW, A, qclass=65280), (REFUSED, NOTIMP)),
    ("no question (RFC 9619 4)", header(qd=0), (FORMERR,)),
    ("no question, EDNS", header(qd=0, ar=1) + OPT, (FORMERR,)),
    ("two questions (RFC 9619 4)", header(qd=2) + QUESTION + QUESTION, (FORMERR,)),
    ("two questions, one there", header(qd=2) + QUESTION, (FORMERR,)),
    ("65535 questions", header(qd=65535) + QUESTION, (FORMERR,)),
    ("two OPTs (RFC 6891 6.1.1)", header(ar=2) + QUESTION + OPT + OPT, (FORMERR,)),
    ("OPT among the answers", header(an=1) + QUESTION + OPT, (FORMERR,)),
    ("OPT in authority", header(ns=1) + QUESTION + OPT, (FORMERR,)),
    ("OPT that isn't the root's", header(ar=1) + QUESTION + b"\1x" + OPT, (FORMERR,)),
    ("an option longer than the OPT", header(ar=1) + QUESTION + OPT[:-2] + b"\0\4\0\3\0\5", (FORMERR,)),
    ("half an option", header(ar=1) + QUESTION + OPT[:-2] + b"\0\2\0\3", (FORMERR,)),
    ("OPT longer than the message", header(ar=1) + QUESTION + OPT[:-2] + b"\0\x09\0\3\0\0", (FORMERR,)),
    ("octets after the message", query(ID, WWW, A) + b"xyz", (FORMERR, NOERROR)),
    ("records that aren't there", header(an=5) + QUESTION, (FORMERR,)),
    ("a pointer to itself", header() + b"\xc0\x0c" + struct.pack("!HH", A, IN), (FORMERR,)),
    ("a pointer to the header", header() + b"\xc0\x00" + struct.pack("!HH", A, IN), (FORMERR,)),
    ("a pointer after a label", header() + b"\3www\xc0\x0c" + struct.pack("!HH", A, IN), (FORMERR,)),
    ("a label of kind 01", header() + b"\x41a\0" + struct.pack("!HH", A, IN), (FORMERR,)),
    ("a label of kind 10", header() + b"\x81a\0" + struct.pack("!HH", A, IN), (FORMERR,)),
    ("a name of 256 octets", header() + (b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\0" +
     struct.pack("!HH", A, IN), (FORMERR,)),
    ("a name that doesn't end", header() + b"\3www", (FORMERR,)),
    ("no type", header() + WWW, (FORMERR,)),
    ("no class", header() + WWW + b"\0\1", (FORMERR,)),
    ("header alone, one question", header(), (FORMERR,)),
    ("QTYPE 0", query(ID, WWW, 0), ANY_REFUSAL),
    ("QTYPE OPT", query(ID, WWW, 41), ANY_REFUSAL),
    ("QTYPE TKEY", query(ID, WWW, 249), ANY_REFUSAL),
    ("QTYPE TSIG", query(ID, WWW, 250), ANY_REFUSAL),
    ("QTYPE MAILB", query(ID, WWW, 253), ANY_REFUSAL),
    ("QTYPE MAILA", query(ID, WWW, 254), ANY_REFUSAL),
    ("QTYPE 128", query(ID, WWW, 128), ANY_REFUSAL),
    ("QTYPE 65535", query(ID, WWW, 65535), ANY_REFUSAL),
    ("AXFR over UDP (RFC 5936 4.2)", query(ID, APEX, 252), (FORMERR, NOTIMP, REFUSED)),
    ("IXFR over UDP (RFC 1995 2)", query(ID, APEX, 251), (FORMERR, NOTIMP, REFUSED)),
    ("not ours", query(ID, wire_name((b"example",)), A), (REFUSED,)),
    ("the root, not ours", query(ID, b"\0", NS), (REFUSED,)),
)


@pytest.mark.parametrize("name, asked, wanted", ODD, ids=[row[0] for row in ODD])
def test_odd_message(server, name, asked, wanted):
    """The odd one, then a good one with another id: what comes back for the first comes before."""
    good = struct.pack("!H", ID + 1) + query(ID, WWW, A)[2:]
    answers = ask_in_a_row(server, (asked, good))
    if wanted is SILENCE:
        assert ID not in answers
        return
    answer = read(answers[ID])
    assert answer.rcode in wanted
    assert not answer.answer or name == "octets after the message"
    assert answers[ID][2] & 0x80 and answer.opcode == asked[2] >> 3 & 15
    assert len(answers[ID]) <= 512


@pytest.mark.parametrize("transport", ("udp", "tcp"))
@pytest.mark.parametrize("opcode", (1, 2, 3, 4, 5, 6, 15))
def test_a_refused_opcode_has_an_opt_when_asked_with_one(server, opcode, transport):
    """RFC 6891 6.1.1; RFC 8914 4.22 says why it is refused."""
    answer = read(asking.ask(server, edns(flags=opcode << 11), transport))
    assert (answer.rcode, answer.opcode) == (NOTIMP, opcode)
    assert options_of(answer) == {EXTENDED_ERROR: NOT_SUPPORTED}
    bare = asking.ask(server, edns(edns=None, flags=opcode << 11), transport)
    assert bare == header(flags=0x8000 | opcode << 11 | NOTIMP, qd=0)


def ask_in_a_row(server, messages):
    """Sends all over one socket; {id: answer} of what came until the last one's answer. One worker answers a socket's
    datagrams in order, so what was to come has come by then."""
    sock = server.udp()
    last = struct.unpack("!H", messages[-1][:2])[0]
    answers = {}
    for octets in messages:
        sock.send(octets)
    until = time.monotonic() + 30
    while last not in answers:
        assert time.monotonic() < until, "no answer to a good question"
        try:
            octets = sock.recv(65535)
        except BlockingIOError:
            time.sleep(0.001)
            continue
        answers[struct.unpack("!H", octets[:2])[0]] = octets
    return answers


@pytest.mark.parametrize("section", ("an", "ns", "ar"))
def test_data_where_none_belongs_does_no_harm(server, section):
    """A question with a record behind it is answered, or refused as malformed; RFC 1035 4.1 leaves both open."""
    octets = asking.ask(server, header(**{section: 1}) + QUESTION + RECORD)
    answer = read(octets)
    assert answer.rcode in (NOERROR, FORMERR)
    assert (answer.rcode == NOERROR) == bool(answer.answer)


# ---- Flags.

@pytest.mark.parametrize("bits", range(0, 0x400, 0x10))
def test_flags_of_an_answer(server, bits):
    """RD is copied (RFC 1035 4.1.1). CD is cleared (RFC 4035 3.1.6), AD as well since nothing was validated; TC, RA, Z
    and rcode of the question mean nothing."""
    answer = read(asking.ask(server, query(ID, WWW, A, flags=bits | 3)))
    assert answer.rcode == NOERROR and len(answer.answer) == 1
    assert answer.flags == AA | bits & RD


# ---- CHAOS.

@pytest.mark.parametrize("name, wanted", (((b"id", b"server"), b"tested"), ((b"hostname", b"bind"), b"tested"),
                                          ((b"version", b"server"), b"hither "), ((b"version", b"bind"), b"hither "),
                                          ((b"ID", b"Server"), b"tested")))
@pytest.mark.parametrize("transport", ("udp", "tcp"))
def test_chaos(server, transport, name, wanted):
    """RFC 4892."""
    octets = asking.ask(server, query(ID, wire_name(name), TXT, qclass=CH), transport)
    answer = read(octets)
    assert answer.rcode == NOERROR and octets[12:12 + len(wire_name(name))] == wire_name(name)
    (record,) = answer.answer
    assert (record.type, record.rclass, record.ttl) == (TXT, CH, 0)
    assert record.rdata[1:].startswith(wanted) and record.rdata[0] == len(record.rdata) - 1


@pytest.mark.parametrize("name, qclass", (((b"nothere", b"server"), CH), ((b"server",), CH), ((), CH),
                                          ((b"edns", b"test"), CH), ((b"id", b"server"), IN)))
def test_chaos_has_nothing_else(server, name, qclass):
    answer = read(asking.ask(server, query(ID, wire_name(name), TXT, qclass=qclass)))
    assert answer.rcode == REFUSED and not answer.answer


def test_chaos_other_types(server):
    answer = read(asking.ask(server, query(ID, wire_name((b"id", b"server")), A, qclass=CH)))
    assert answer.rcode in (NOERROR, REFUSED) and not answer.answer
