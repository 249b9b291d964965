# SPDX-License-Identifier: BSD-2-Clause
"""Pictures of series, as SVG and without a library: lines with a band from least to most, and bars."""

import math
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 150, 40, 56
COLOURS = {"hither": "#c1121f", "echo": "#555555", "nsd": "#1d6fb8", "knot": "#2a9d5c", "bind": "#b8860b",
           "knot-xdp": "#7fc8a0", "xdp-reflect": "#aaaaaa"}
SPARE = "#7b4fa3"


def colour(name):
    return COLOURS.get(name, SPARE)


def short(value):
    """12000000 -> 12M, 0.25 -> 0.25."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{sign}"
    return f"{value:.3g}"


def nice_ticks(top, wanted=5):
    """Round numbers from 0 up to the first that isn't below `top`."""
    if top <= 0:
        return [0, 1]
    raw = top / wanted
    scale = 10 ** math.floor(math.log10(raw))
    step = next(scale * factor for factor in (1, 2, 2.5, 5, 10) if scale * factor >= raw)
    return [step * i for i in range(math.ceil(top / step) + 1)]


class Canvas:
    """Collects shapes; knows where a value lies on the page. The y axis begins at 0, always."""

    def __init__(self, title, x_label, y_label, top):
        self.ticks = nice_ticks(top)
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>',
            f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
            f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y_label)}</text>']
        for tick in self.ticks:
            y = self.y(tick)
            self.parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>'
                              f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>')

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.ticks[-1] * (HEIGHT - BOTTOM - TOP)

    def x_tick(self, x, text):
        self.parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(text)}</text>')

    def legend(self, names):
        for i, name in enumerate(names):
            y = TOP + 10 + 20 * i
            self.parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{y - 9}" width="12" height="12" '
                              f'fill="{colour(name)}"/><text x="{WIDTH - RIGHT + 34}" y="{y + 1}">{escape(name)}</text>')

    def save(self, path):
        with open(path, "w") as out:
            out.write("\n".join([*self.parts, "</svg>", ""]))


def lines(path, title, x_label, y_label, series, logarithmic=False):
    """`series`: {name: [(x, median, least, most)]}, each in order of x."""
    every = [point for points in series.values() for point in points]
    canvas = Canvas(title, x_label, y_label, max(point[3] for point in every))
    scale = math.log10 if logarithmic else float
    low, high = min(scale(p[0]) for p in every), max(scale(p[0]) for p in every)

    def x(value):
        return LEFT + (scale(value) - low) / ((high - low) or 1) * (WIDTH - RIGHT - LEFT)

    places = sorted({point[0] for point in every})
    last = -100.0
    for value in places:
        if x(value) - last > 40:
            canvas.x_tick(x(value), short(value))
            last = x(value)
    for name, points in series.items():
        there = " ".join(f"{x(p[0]):.1f},{canvas.y(p[3]):.1f}" for p in points)
        back = " ".join(f"{x(p[0]):.1f},{canvas.y(p[2]):.1f}" for p in reversed(points))
        middle = " ".join(f"{x(p[0]):.1f},{canvas.y(p[1]):.1f}" for p in points)
        canvas.parts.append(f'<polygon points="{there} {back}" fill="{colour(name)}" opacity="0.12"/>'
                            f'<polyline points="{middle}" fill="none" stroke="{colour(name)}" stroke-width="2"/>')
    canvas.legend(series)
    canvas.save(path)


def bars(path, title, y_label, values):
    """`values`: {name: (median, least, most)}."""
    canvas = Canvas(title, "", y_label, max(most for _, _, most in values.values()))
    room = (WIDTH - RIGHT - LEFT) / len(values)
    for i, (name, (median, least, most)) in enumerate(values.items()):
        x = LEFT + room * i + room * 0.2
        middle = x + room * 0.3
        canvas.parts.append(
            f'<rect x="{x:.1f}" y="{canvas.y(median):.1f}" width="{room * 0.6:.1f}" '
            f'height="{canvas.y(0) - canvas.y(median):.1f}" fill="{colour(name)}"/>'
            f'<line x1="{middle:.1f}" y1="{canvas.y(least):.1f}" x2="{middle:.1f}" y2="{canvas.y(most):.1f}" '
            f'stroke="#000000"/><text x="{middle:.1f}" y="{canvas.y(most) - 6:.1f}" text-anchor="middle">'
            f'{short(median)}</text>')
        canvas.x_tick(middle, name)
    canvas.save(path)
