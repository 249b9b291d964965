#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draws what a client saw: picture.py STREAM EVENTS PICTURE.svg

STREAM is what ask.py wrote; EVENTS has a line for each: when, and a label. Each query is drawn in the tenth of a
second in which it was due, in the colour of the PoP that answered it, or red when none did. What happened
between one event and the next is printed as a table, too.
"""
import collections
import sys
from xml.sax.saxutils import escape

BIN_S = 0.1
WIDTH, LEFT, RIGHT = 1240, 86, 34
TOP, PANEL, GAP = 186, 150, 46
COLOURS = {"chicago": "#1f6fb2", "newyork": "#f0a020"}
LETTERS = {"chicago": "#ffffff", "newyork": "#1d2329"}
NAMES = {"chicago": "Chicago", "newyork": "New York"}
OTHER, LOST, INK, FAINT, GRID = "#8a8f98", "#d0021b", "#1d2329", "#5c6670", "#e3e7eb"


def read(stream, events):
    queries = []
    for line in open(stream):
        sent, address, *answer = line.split()
        queries.append((float(sent), address, answer[1] if len(answer) == 2 else None))
    began = queries[0][0]
    happened = []
    for line in open(events):
        when, label = line.rstrip("\n").split(" ", 1)
        happened.append((max(0.0, float(when) - began), label))
    return [(sent - began, address, pop) for sent, address, pop in queries], happened


def colour(pop):
    return LOST if pop is None else COLOURS.get(pop, OTHER)


def text(x, y, what, size=13, fill=INK, anchor="start", weight="normal", extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
            f'font-weight="{weight}"{extra}>{escape(what)}</text>')


def line(x1, y1, x2, y2, stroke, width=1.0, dash=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
            f'stroke-width="{width}"' + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")


class Picture:
    def __init__(self, queries, events):
        self.queries, self.events = queries, events
        self.addresses = sorted({address for _, address, _ in queries}, key=lambda a: (":" in a, a))
        self.pops = sorted({pop for _, _, pop in queries if pop is not None}, key=lambda p: (p not in COLOURS, p))
        self.seconds = max(sent for sent, _, _ in queries)
        self.rate = len(queries) / self.seconds
        self.most = max(collections.Counter((address, int(sent / BIN_S + 0.01)) for sent, address, _ in queries).values())
        self.bottom = TOP + len(self.addresses) * (PANEL + GAP) - GAP
        self.out = []

    def x(self, seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds

    def heading(self):
        lost = sum(pop is None for _, _, pop in self.queries)
        self.out += [
            text(LEFT, 40, "What a client in Chicago sees", 24, weight="bold"),
            text(LEFT, 64, f"{self.rate:.0f} queries a second to one anycast address in each family, each sent once; "
                           f"{len(self.queries):,} sent, {lost:,} lost", 14, FAINT),
        ]
        x = LEFT
        for name, fill in [(f"answered by {NAMES.get(p, p)}", colour(p)) for p in self.pops] + [("lost", LOST)]:
            self.out += [f'<rect x="{x}" y="80" width="14" height="14" rx="2" fill="{fill}"/>', text(x + 20, 92, name)]
            x += 44 + 7.2 * len(name)

    def panel(self, address, top):
        bins = collections.defaultdict(collections.Counter)
        for sent, asked, pop in self.queries:
            if asked == address:
                bins[int(sent / BIN_S + 0.01)][pop] += 1
        # The last tenth isn't whole: half a column would look like queries that are missing.
        bins.pop(max(bins), None)
        most = self.most
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200) if most / s <= 4)
        scale = PANEL / (most * 1.08)
        bottom = top + PANEL
        self.out.append(text(LEFT, top - 10, f"{'IPv6' if ':' in address else 'IPv4'}, {address}", 13, weight="bold"))
        for value in range(0, most + 1, step):
            y = bottom - value * scale
            self.out += [line(LEFT, y, WIDTH - RIGHT, y, GRID), text(LEFT - 10, y + 4, str(value), 12, FAINT, "end")]
        self.out.append(text(0, 0, "queries in 0.1 s", 12, FAINT, "middle",
                             extra=f' transform="translate({LEFT - 46} {top + PANEL / 2:.0f}) rotate(-90)"'))
        for pop in self.pops + [None]:
            path = []
            for number, counts in sorted(bins.items()):
                below = sum(counts[p] for p in self.pops[:self.pops.index(pop)]) if pop is not None \
                    else sum(counts[p] for p in self.pops)
                if counts[pop]:
                    x1, x2 = self.x(number * BIN_S), self.x((number + 1) * BIN_S)
                    y1, y2 = bottom - below * scale, bottom - (below + counts[pop]) * scale
                    path.append(f"M{x1:.2f} {y1:.1f}V{y2:.1f}H{x2 + 0.05:.2f}V{y1:.1f}Z")
            self.out.append(f'<path d="{"".join(path)}" fill="{colour(pop)}"/>')
        self.out.append(line(LEFT, bottom, WIDTH - RIGHT, bottom, INK))
        self.spans(bins, bottom - most * scale / 2)
        self.losses(address, top)

    def spans(self, bins, y):
        """The PoP's name in each long stretch of its answers, for those who see no colours."""
        first = None
        for number in sorted(bins):
            pop = bins[number].most_common(1)[0][0]
            if number + 1 in bins and bins[number + 1].most_common(1)[0][0] == pop:
                first = number if first is None else first
                continue
            if first is not None and pop is not None and (number - first) * BIN_S > self.seconds / 12:
                x = self.x((first + number + 1) / 2 * BIN_S)
                self.out.append(text(x, y + 5, NAMES.get(pop, pop), 14, LETTERS.get(pop, "#ffffff"), "middle"))
            first = None

    def losses(self, address, top):
        """One mark for each burst, so that a single lost query can't be overlooked."""
        bursts = []
        for sent, asked, pop in self.queries:
            if asked == address and pop is None:
                if bursts and sent - bursts[-1][1] < 0.5:
                    bursts[-1][1:] = [sent, bursts[-1][2] + 1]
                else:
                    bursts.append([sent, sent, 1])
        for first, last, count in bursts:
            x = self.x((first + last) / 2)
            self.out += [f'<path d="M{x - 6:.1f} {top - 7}H{x + 6:.1f}L{x:.1f} {top + 2}Z" fill="{LOST}"/>',
                         text(x + 9, top - 4, f"{count} lost", 12, LOST, weight="bold")]

    def axis(self):
        step = next(s for s in (1, 2, 5, 10, 20, 30, 60, 120, 300) if self.seconds / s <= 14)
        for second in range(0, int(self.seconds) + 1, step):
            x = self.x(second)
            self.out += [line(x, self.bottom, x, self.bottom + 5, INK),
                         text(x, self.bottom + 20, str(second), 12, FAINT, "middle")]
        self.out.append(text((LEFT + WIDTH - RIGHT) / 2, self.bottom + 42, "seconds", 13, FAINT, "middle"))

    def marks(self):
        for number, (when, label) in enumerate(self.events):
            x = self.x(when)
            top = TOP - 42
            if number:
                self.out.append(line(x, top + 4, x, self.bottom, INK, 1.2, "4 3"))
            self.out.append(text(x, top - 2, label, 13, INK, weight="bold"))

    def draw(self):
        height = self.bottom + 62
        self.heading()
        for number, address in enumerate(self.addresses):
            self.panel(address, TOP + number * (PANEL + GAP))
        self.marks()
        self.axis()
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                f'viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Verdana, sans-serif">\n'
                f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(self.out) + "\n</svg>\n")


def table(queries, events):
    print(f"{'from':>8}  {'':<18} {'sent':>7} {'Chicago':>9} {'New York':>9} {'lost':>6}")
    for number, (when, label) in enumerate(events):
        until = events[number + 1][0] if number + 1 < len(events) else float("inf")
        counts = collections.Counter(pop for sent, _, pop in queries if when <= sent < until)
        print(f"{when:7.1f}s  {label:<18} {sum(counts.values()):>7} {counts['chicago']:>9} {counts['newyork']:>9} "
              f"{counts[None]:>6}")


def main():
    stream, events, picture = sys.argv[1:]
    queries, happened = read(stream, events)
    table(queries, happened)
    with open(picture, "w") as out:
        out.write(Picture(queries, happened).draw())


main()
