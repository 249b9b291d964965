# SPDX-License-Identifier: BSD-2-Clause
"""The resolver: names of other zones, for clients that may ask. Another hitherd is the world that it asks."""
import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from daemon import Daemon, run_hitherd  # noqa: F401

WORLD = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
alias CNAME www
short 1 A 192.0.2.81
""" + "\n".join(f'big TXT "{i:03} {"x" * 200}"' for i in range(30)) + "\n"
OWN = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 192.0.2.54
www A 192.0.2.90
"""


def resolving(daemon, world_port, extra=""):
    with open(daemon.configuration, "a") as out:
        out.write(f"resolve:\n  trust-anchor: none\n{extra}  stub: [{{name: world.test, to: [127.0.0.1@{world_port}]}}]\n")


@pytest.fixture
def world(run_hitherd):
    return run_hitherd(zones={"world.test": WORLD})


@pytest.fixture
def pop(tmp_path, world):
    """A PoP that serves own.test and resolves world.test."""
    daemon = Daemon(tmp_path / "resolver", {"own.test": OWN})
    resolving(daemon, world.port)
    daemon.start()
    yield daemon
    daemon.stop()


def ask(daemon, name, rdtype="A", tcp=False, rd=True, **options):
    query = dns.message.make_query(name, rdtype, **options)
    if not rd:
        query.flags &= ~dns.flags.RD
    transport = dns.query.tcp if tcp else dns.query.udp
    return transport(query, "127.0.0.1", port=daemon.port, timeout=10)


def errors(answer):
    return [int(option.code) for option in answer.options if option.otype == dns.edns.OptionType.EDE]


def test_other_zones_names_are_resolved(pop):
    for tcp in (False, True):
        answer = ask(pop, "www.world.test", tcp=tcp)
        assert answer.rcode() == dns.rcode.NOERROR and answer.flags & dns.flags.RA
        assert not answer.flags & dns.flags.AA
        assert [rr.to_text() for rr in answer.answer] == ["www.world.test. " + str(answer.answer[0].ttl) + " IN A 192.0.2.80"]
    chain = ask(pop, "alias.world.test")
    assert [str(rrset.name) for rrset in chain.answer] == ["alias.world.test.", "www.world.test."]
    absent = ask(pop, "no.world.test")
    assert absent.rcode() == dns.rcode.NXDOMAIN and len(absent.authority) == 1
    nodata = ask(pop, "www.world.test", "AAAA")
    assert nodata.rcode() == dns.rcode.NOERROR and not nodata.answer and len(nodata.authority) == 1


def test_own_zones_go_first_and_only_recursion_is_recursed(pop):
    own = ask(pop, "www.own.test")
    assert own.flags & dns.flags.AA and own.answer[0][0].address == "192.0.2.90"
    refused = ask(pop, "www.world.test", rd=False, use_edns=0)
    assert refused.rcode() == dns.rcode.REFUSED and errors(refused) == [20]


def test_case_is_kept_and_answers_that_dont_fit_are_cut(pop):
    query = dns.message.make_query("wWw.WoRlD.tEsT", "A")
    answer = dns.query.udp(query, "127.0.0.1", port=pop.port, timeout=10)
    assert str(answer.question[0].name) == str(answer.answer[0].name) == "wWw.WoRlD.tEsT."
    assert ask(pop, "big.world.test", "TXT", use_edns=0).flags & dns.flags.TC
    assert len(ask(pop, "big.world.test", "TXT", tcp=True).answer[0]) == 30


def test_others_are_refused(tmp_path, world):
    pop = Daemon(tmp_path / "closed", {"own.test": OWN})
    resolving(pop, world.port, "  allow: [192.0.2.0/24]\n")
    pop.start()
    try:
        answer = ask(pop, "www.world.test", use_edns=0)
        assert answer.rcode() == dns.rcode.REFUSED and errors(answer) == [18]
        assert ask(pop, "www.own.test").answer
    finally:
        pop.stop()


def test_answers_outlive_the_world(pop, world):
    first = ask(pop, "short.world.test")
    assert first.answer[0].ttl <= 1
    world.process.kill()
    world.process.wait()
    world.process = None

    def is_stale():
        answer = ask(pop, "short.world.test", use_edns=0)
        assert answer.rcode() == dns.rcode.NOERROR and answer.answer[0][0].address == "192.0.2.81"
        return errors(answer) == [3] and answer.answer[0].ttl == 30

    pop.eventually(is_stale, "an answer past its end")
    failed = ask(pop, "never-seen.world.test", use_edns=0)
    assert failed.rcode() == dns.rcode.SERVFAIL and errors(failed) in ([22], [13])
