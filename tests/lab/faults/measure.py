# SPDX-License-Identifier: BSD-2-Clause
"""One run of one row, and what many of them come to."""
import dataclasses
import statistics
import time

from bed import Bed
from rows import ROWS


@dataclasses.dataclass
class Outcome:
    """What the client saw of the zone that suffers, and the router of its route."""
    lost: int           # queries without a good answer; there is one each millisecond
    gap_ms: float       # the longest row of them
    slowest_ms: float   # of the good answers
    changes: list       # of the route at the router
    pops: dict          # PoP -> answers
    last: str           # the PoP that answered at last
    spared_lost: int    # among the queries for what shouldn't suffer
    beside: dict        # other figures

    def figure(self, row):
        """What the row's target is for, in ms."""
        if row.measures:
            return self.beside[row.measures]
        return max(self.lost, self.slowest_ms) if row.late and self.slowest_ms > 20 else float(self.lost)


def longest_gap_ms(answers):
    longest, began = 0.0, None
    for answer in answers:
        if answer.pop is None:
            began = answer.sent if began is None else began
            longest = max(longest, (answer.sent - began) * 1000 + 1)
        else:
            began = None
    return longest


def count(answers):
    pops = {}
    for answer in answers:
        if answer.pop is not None:
            pops[answer.pop] = pops.get(answer.pop, 0) + 1
    return pops


def look(row, changes, answers, beside):
    suffering = f"{row.asks[0][0]}@{row.asks[0][1]}"
    mine = [a for a in answers if a.target == suffering]
    good = [a for a in mine if a.pop is not None]
    return Outcome(lost=len(mine) - len(good), gap_ms=longest_gap_ms(mine), slowest_ms=max(a.took_ms for a in good),
                   changes=changes, pops=count(mine), last=good[-1].pop,
                   spared_lost=sum(a.pop is None for a in answers if a.target != suffering),
                   beside={name: figure(mine) for name, figure in (beside or {}).items()})


def run_once(row, router="bird", **health):
    settings = {**row.settings, "health": {**row.settings.get("health", {}), **health}}
    with Bed(f"{row.key}-{router}", router, row.bfd, **settings) as up:
        if row.before is not None:
            row.before(up)
        up.stream([*row.asks, *row.spared])
        up.edge.mark()
        beside = row.make(up)
        time.sleep(0.3)
        changes = up.edge.changes(row.asks[0][2])
        return look(row, changes, up.stop_stream(), beside)


def find(key):
    return next(row for row in ROWS if row.key == key)


def spread(values):
    return statistics.median(values), min(values), max(values)
