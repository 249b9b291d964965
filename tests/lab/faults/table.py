# SPDX-License-Identifier: BSD-2-Clause
"""The faults as a page and as a picture."""
import math
import platform
from xml.sax.saxutils import escape

from before import COLUMNS, MEASURED, NEVER
from measure import spread
from rows import ROWS

ROUTERS = {"bird": "BIRD", "frr": "FRR", "gobgp": "GoBGP"}


def number(value):
    return f"{value:,.0f}"


def cell(values):
    median, least, most = spread(values)
    return number(median) if least == most else f"{number(median)} ({number(least)}–{number(most)})"


def ended(row, runs):
    lasts = sorted({run["last"] for run in runs})
    return ", ".join({"chicago": "Chicago", "newyork": "New York"}.get(last, last) for last in lasts)


def verdict(row, runs):
    if row.target is None:
        return ""
    return "yes" if spread([run["figure"] for run in runs])[0] <= row.target else "**no**"


def before(row):
    def text(value):
        return "–" if value is None else value if value == NEVER else number(value)
    return [text(value) for value in MEASURED.get(row.key, (None,) * len(COLUMNS))]


def table(heads, lines):
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)] +
                     ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


def main_table(data, group):
    lines = []
    for row in [r for r in ROWS if r.group == group and r.key in data.get("bird", {})]:
        runs = data["bird"][row.key]
        lines.append([row.fault + (" (BFD)" if row.bfd else ""),
                      "" if row.target is None else "0" if row.target == 0 else f"≤ {row.target}",
                      cell([run["figure"] for run in runs]), verdict(row, runs), cell([run["lost"] for run in runs]),
                      cell([run["slowest_ms"] for run in runs]), cell([len(run["changes"]) for run in runs]),
                      ended(row, runs)] + (before(row) if group == "table" else []))
    return table(["fault at Chicago", "target", "ms", "met", "lost", "slowest answer", "changes", "answers at last"] +
                 ([f"*{c}*" for c in COLUMNS] if group == "table" else []), lines)


def router_table(data):
    others = [r for r in ROUTERS if r != "bird" and data.get(r)]
    rows = [r for r in ROWS if any(r.key in data[o] for o in others)]
    return table(["fault at Chicago"] + [ROUTERS[r] for r in ("bird", *others)],
                 [[row.fault + (" (BFD)" if row.bfd else "")] +
                  [cell([run["figure"] for run in data[r][row.key]]) if row.key in data.get(r, {}) else "–"
                   for r in ("bird", *others)] for row in rows])


PAGE = """# What a client sees of a fault

Written by `tests/lab/fault-table` ({runs} runs of each row, {when}; kernel {kernel}, {cores} processor cores, processor
load beforehand {load}). The picture is `faults.svg` beside this page, the data `faults.json`.

The lab: a client in Chicago, two PoPs that run hitherd with the same configuration, and three core routers with {delay} ms
a link, each link one way; BGP hold time 3 s, BFD 50 ms × 3 where it says so, hither's other settings as they are by
default. The client sends 1,000 queries a second, each once, and notes which PoP answered (NSID): a lost query is a
millisecond of outage. The middle router prefers Chicago's route, so after a withdrawal the edge needs 9 ms to learn the
other way; nobody can save those. Median (least–most) everywhere.

- **ms**: the figure that the target is for. It is `lost`, but the slowest answer where the target is for hangs (queries
  wait in the sockets meanwhile and are answered late), and the time from the start of hitherd to Chicago's first answer
  for the recovered PoP.
- **changes**: what the router heard of the route that suffers: added, replaced or removed.
- In *italics*: **measured before**, with other software, in another lab of this shape, on another day and machine. These
  were not measured again for this page; "never" is over 20 s.

{table}
{notes}
Restarts and BFD timers have no time to lose, so a busy machine shows in the largest figures, and with it in a median of
few runs. BFD's is what was agreed, 150 ms, less the age of the last packet, up to 50 ms, and the routers' 9 ms.

## Further faults

These have no targets of their own; those here are of the row of the table that is most like it. The flood comes from the
client's own address, so what it loses is what rate limiting holds back from it. IPv6 is broken by taking the address away:
three rounds of probes at 500 ms have to fail.

{further}
## Other routers at the edge

The same in ms with FRR and GoBGP in place of BIRD. GoBGP writes no routes into the kernel, so BIRD stands behind it.
FRR keeps changes back for a while before it calculates (work queues of bgpd and zebra), about 0.1 s in all. GoBGP lets a neighbour that failed wait, 5 s by default, before it takes it again.

{routers}
"""
NOTES = """- A zone that can't be served is made by breaking its text and its image and killing the server, so its figure
  contains a restart: what it was asked meanwhile is answered badly once the next server is there.
- "The check dies": hither's checks are the announcer's, so the row kills one of the operator's own (`health.exec`) and
  then the server for good. "The check hangs" stops the announcer itself.
"""


def page(data):
    counts = [len(runs) for runs in data["bird"].values()]
    runs = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(max(counts))
    return PAGE.format(**data["about"], runs=runs, table=main_table(data, "table"), notes=NOTES, further=main_table(data, "further"),
                       routers=router_table(data))


# --- the picture -----------------------------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, TOP, STEP = 1240, 420, 110, 132, 34
INK, FAINT, GRID, OURS, MISSED, OTHERS, BEST = "#1d2329", "#5c6670", "#e3e7eb", "#1f6fb2", "#d0021b", "#b9bfc6", "#f0a020"
MOST_MS = 20000


def x_of(ms):
    """0 has a place of its own, left of 1; then by powers of ten."""
    zero, one = LEFT + 16, LEFT + 70
    if ms < 0.5:
        return zero
    return one + (WIDTH - RIGHT - one) * math.log10(max(1.0, min(ms, MOST_MS))) / math.log10(MOST_MS)


def text(x, y, what, size=13, fill=INK, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(what)}</text>')


def dot(x, y, radius, fill):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"/>'


def legend():
    x, parts = LEFT + 10, []
    for draw, what in (("ours", "hither, median and range"), ("target", "target"), ("best", "best hand-made glue*"),
                       ("others", "four usual set-ups*")):
        if draw == "target":
            parts.append(f'<path d="M{x + 6} 84v16" stroke="{INK}" stroke-width="2"/>')
        else:
            parts.append(dot(x + 6, 92, 6 if draw == "ours" else 5, {"ours": OURS, "best": BEST, "others": OTHERS}[draw]))
        parts.append(text(x + 18, 97, what))
        x += 36 + 7.3 * len(what)
    return parts


def row_parts(row, runs, y):
    parts = [text(LEFT - 14, y + 4, row.fault + (" (BFD)" if row.bfd else ""), anchor="end")]
    measured = [MOST_MS if v == NEVER else v for v in MEASURED.get(row.key, ()) if v is not None]
    if measured:
        *others, best = measured
        parts += [dot(x_of(v), y, 5, OTHERS) for v in others] + [dot(x_of(best), y, 5, BEST)]
    if row.target is not None:
        x = x_of(row.target)
        parts.append(f'<path d="M{x:.1f} {y - 11}v22" stroke="{INK}" stroke-width="2"/>')
    median, least, most = spread([run["figure"] for run in runs])
    missed = row.target is not None and median > row.target
    fill = MISSED if missed else OURS
    parts += [f'<path d="M{x_of(least):.1f} {y}H{x_of(most):.1f}" stroke="{fill}" stroke-width="3"/>',
              dot(x_of(median), y, 6, fill), text(WIDTH - 14, y + 4, f"{number(median)} ms", anchor="end", fill=fill, weight="bold")]
    return parts


def picture(data):
    rows = [r for r in ROWS if r.key in data["bird"]]
    main, further = ([r for r in rows if r.group == g] for g in ("table", "further"))
    places, y = [], TOP + 20
    for group in (main, further):
        for row in group:
            places.append((row, y))
            y += STEP
        y += 26
    bottom = y - 40
    parts = [text(24, 38, "What a client in Chicago loses to a fault", 22, weight="bold"),
             text(24, 62, "outage in ms, at 1,000 queries a second a lost query each; three core routers, 4.5 ms a link", 14, FAINT)]
    parts += legend()
    for value in (0, 1, 10, 100, 1000, 10000):
        x = x_of(value)
        parts += [f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="{GRID}"/>', text(x, TOP - 8, number(value), 12, FAINT, "middle")]
    parts.append(text(x_of(MOST_MS), TOP - 8, "never", 12, FAINT, "middle"))
    for row, at in places:
        parts += row_parts(row, data["bird"][row.key], at)
    parts.append(text(24, bottom + 34, "* measured before, in another lab of this shape; not measured again. Red: the median misses "
                                       "its target.", 12, FAINT))
    height = bottom + 54
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="DejaVu Sans, Verdana, sans-serif">\n<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def about(when, cores, load, delay_ms):
    return {"when": when, "kernel": platform.release(), "cores": cores, "load": f"{load:.1f}", "delay": f"{delay_ms:g}"}
