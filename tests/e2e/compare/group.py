# SPDX-License-Identifier: BSD-2-Clause
"""A group: hither and its peers serving the same zones, asked the same questions."""
from collections import Counter, defaultdict, namedtuple

import asking
import comparing
import differences
import message
import peers
import questions
from message import Malformed, read_cached

Disagreement = namedtuple("Disagreement", "question peer aspects ours theirs")
Result = namedtuple("Result", "asked unexplained broken")

# How many examples of each kind a report shows.
EXAMPLES = 2
KINDS = 12
# By how many octets compression may be worse than a peer's before it counts.
SLACK_OCTETS = 40


class Group:
    def __init__(self, hither, others, zones, signed, skip=()):
        """`hither`: a Server; `others`: list of peers.Peer; `skip`: see questions.generate."""
        self.hither, self.peers, self.zones, self.signed, self.skip = hither, others, zones, signed, skip
        self.apexes = {peers.apex_wire(zone) for zone in zones}
        self.used = Counter()
        self._results = {}

    def result(self, zone):
        if zone not in self._results:
            self._results[zone] = self._compare(zone)
        return self._results[zone]

    def _compare(self, zone):
        names = questions.read_names(self.zones[zone], zone)
        return self.compare_questions(zone, questions.generate(names, self.signed, self.skip))

    def compare_questions(self, zone, asked):
        message.forget()
        servers = [self.hither] + [peer.server for peer in self.peers if zone in peer.zones]
        by_transport = defaultdict(list)
        for question in asked:
            by_transport[question.mode.transport].append(question)
        unexplained, broken = [], []
        for transport, ask in (("udp", asking.ask_udp), ("tcp", asking.ask_tcp)):
            wanted = by_transport[transport]
            wires = [question.bytes() for question in wanted]
            answers = ask(servers, wires)
            for i, question in enumerate(wanted):
                mine = answers[self.hither.name][i]
                broken.extend(self._judge_alone(question, wires[i], mine))
                theirs = {server.name: answers[server.name][i] for server in servers[1:]}
                unexplained.extend(self._judge(question, zone, mine, theirs))
        message.forget()
        return Result(len(asked), unexplained, broken)

    def _judge(self, question, zone, mine, theirs):
        """A Disagreement for each peer whose answer differs in aspects that no entry of the table explains."""
        ours = read_cached(mine)
        read = {peer: read_cached(octets) for peer, octets in theirs.items()}
        for peer, other in read.items():
            aspects = comparing.aspects(ours, other)
            if not aspects:
                continue
            left = set(aspects)
            if not isinstance(ours, Malformed) and not isinstance(other, Malformed):
                others = {name: answer for name, answer in read.items() if name != peer and
                          not isinstance(answer, Malformed)}
                case = differences.Case(question, ours, other, zone, others, self.apexes)
                left, used = differences.explain(case, peer, aspects)
                self.used.update(used)
                if "truncation" in left and self._fits(question, ours, other):
                    left.discard("truncation")
            if left:
                yield Disagreement(question, peer, tuple(a for a in aspects if a in left), mine, theirs[peer])

    def _whole(self, question):
        """Our own answer over TCP to a question that was asked over UDP."""
        tcp = question._replace(mode=question.mode._replace(transport="tcp"))
        return read_cached(asking.ask(self.hither, tcp.bytes(), "tcp"))

    def _fits(self, question, ours, other):
        """Only one of the two says TC. The size of a message depends on how well names are compressed, which is a
        server's own affair: right when the whole answers are the same and it is a matter of some octets, or when ours
        lacks nothing but courtesies though the peer says TC (RFC 2181 9)."""
        whole = self._whole(question)
        if ours.flags & message.TC:
            same = whole.answer == other.answer and whole.authority == other.authority
            return same and comparing.required_octets(whole) - other.octets <= SLACK_OCTETS
        return ours.answer == whole.answer and ours.authority == whole.authority and ours.additional >= \
            comparing.glue_below(whole)

    def _judge_alone(self, question, wire, mine):
        """What must hold whoever else answers: lines that say what is wrong."""
        ours = read_cached(mine)
        if isinstance(ours, Malformed):
            return [(question, "unreadable: %s" % ours, mine)]
        wrong = comparing.invariants(question, wire, mine, ours)
        if ours.flags & message.TC and question.mode.transport == "udp":
            whole = self._whole(question)
            needed = comparing.required_octets(whole)
            if needed <= question.limit():
                wrong.append("truncated though %d octets would do, of %d" % (needed, question.limit()))
        return [(question, text, mine) for text in wrong]


def report(result):
    """Readable text of what went wrong."""
    out = []
    kinds = defaultdict(list)
    for d in result.unexplained:
        kinds[(d.peer, d.aspects)].append(d)
    for (peer, aspects), found in sorted(kinds.items(), key=lambda item: -len(item[1]))[:KINDS]:
        out.append("=== differs from %s in %s: %d questions" % (peer, ", ".join(aspects), len(found)))
        out.extend("    " + str(d.question) for d in found[:12])
        for d in found[:EXAMPLES]:
            out.append("--- %s\nhither:\n%s\n%s:\n%s" % (str(d.question), message.to_text(d.ours), peer,
                                                        message.to_text(d.theirs)))
    kinds = defaultdict(list)
    for question, text, mine in result.broken:
        kinds[text.split(":")[0]].append((question, text, mine))
    for _, found in sorted(kinds.items(), key=lambda item: -len(item[1]))[:KINDS]:
        out.append("=== %s: %d answers" % (found[0][1], len(found)))
        out.extend("    " + str(q) + ": " + text for q, text, _ in found[:12])
        out.append(message.to_text(found[0][2]))
    return "\n".join(out)
