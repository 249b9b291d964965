# SPDX-License-Identifier: BSD-2-Clause
"""Samples -> RESULTS.md, RESULTS.json and pictures.

Every figure is a median with its least and most over the rounds. Ratios are taken within a round, against the
bare echo of the same round, and only then is their median taken: so the machine's moods cancel out.
"""

import json
import os
import statistics

from . import gauge, plot, servers


def _data_path(page):
    return os.path.splitext(page)[0] + ".json"


def save(page, facts, samples):
    """Keeps the data whole: a reader never sees half a file."""
    path = _data_path(page)
    with open(f"{path}.new", "w") as out:
        json.dump({"facts": facts, "samples": samples}, out, indent=0)
    os.replace(f"{path}.new", path)


def load(page):
    with open(_data_path(page)) as data:
        both = json.load(data)
    return both["facts"], both["samples"]


def line_of(sample):
    """A sample on one line, for whoever watches."""
    head = f"{sample['topic']:9} round {sample['round'] + 1} {sample['server']:12}"
    if "rate" in sample:
        return (f"{head} offered {sample['offered']:>9,.0f} answers {sample['answers']:>9,.0f}  "
                f"{sample['cpu_ns'] + sample['napi_ns']:>6,.0f} ns each ({sample['cpu_ns']:,.0f} server, "
                f"{sample['napi_ns']:,.0f} NAPI){'' if sample['agrees'] else '  COUNTS DISAGREE'}"
                f"{'  WRONG ANSWERS' if sample['wrong'] else ''}")
    rest = {key: value for key, value in sample.items() if key not in ("topic", "round", "server")}
    return f"{head} " + "  ".join(f"{k} {v:,.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in rest.items())


def of(samples, **wanted):
    return [s for s in samples if all(s.get(key) == value for key, value in wanted.items())]


def names_in(samples):
    """Servers that were measured, in the order of the table of servers."""
    return [name for name in servers.KINDS if any(s["server"] == name for s in samples)]


def spread(values):
    values = list(values)
    return statistics.median(values), min(values), max(values)


def show(values, form="{:,.0f}"):
    """median (least–most)"""
    median, least, most = spread(values)
    return f"{form.format(median)} ({form.format(least)}–{form.format(most)})"


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                      *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def peaks(samples):
    """{round: most answers a second over the steps}"""
    best = {}
    for s in samples:
        best[s["round"]] = max(best.get(s["round"], 0), s["answers"])
    return best


def cost_of(sample):
    return sample["cpu_ns"] + sample["napi_ns"]


def _against_echo(mine, echo):
    """Ratios of a figure by round to the echo's in the same round."""
    return [mine[number] / echo[number] for number in mine if echo.get(number)]


def _missing(part, name):
    return "–" if not part else show(part, name)


def speed_section(topic, samples, facts, picture):
    asked = facts["hot_names"] if topic == "hot" else facts["names"]
    chosen = of(samples, topic=topic)
    fixed = {name: {s["round"]: cost_of(s) for s in of(chosen, server=name, rate=facts["fixed_rate"])}
             for name in names_in(chosen)}
    best = {name: peaks(of(chosen, server=name)) for name in names_in(chosen)}
    rows = []
    for name in names_in(chosen):
        ratios = _against_echo(best[name], best.get("echo", {}))
        cost_ratios = _against_echo(fixed[name], fixed.get("echo", {}))
        rows.append([name, show(best[name].values()), _missing(ratios, "{:.2f}"),
                     _missing(list(fixed[name].values()), "{:,.0f}"), _missing(cost_ratios, "{:.2f}")])
    series = {}
    for name in names_in(chosen):
        rates = sorted({s["rate"] for s in of(chosen, server=name)})
        series[name] = [(statistics.median(s["offered"] for s in of(chosen, server=name, rate=rate)),
                         *spread(s["answers"] for s in of(chosen, server=name, rate=rate))) for rate in rates]
        series[name].sort()
    plot.lines(picture, f"Answers against offered rate, {topic}", "queries a second offered", "answers a second",
               series)
    return (f"## {topic.capitalize()}: {asked:,} names asked at random, of a zone of {facts['names']:,}\n\n"
            + table(["server", "most answers a second", "ratio to the echo",
                     f"CPU ns an answer at {facts['fixed_rate']:,}/s", "ratio to the echo"], rows)
            + f"\n![answers against offered rate]({os.path.basename(picture)})\n")


def _megabytes(values):
    return [value / 1e6 for value in values]


def load_section(samples, picture_of):
    chosen = of(samples, topic="load")
    names = chosen[0]["names"]
    rows = []
    for name in names_in(chosen):
        mine = of(chosen, server=name)
        rows.append([name, show((s["load_s"] for s in mine), "{:.2f}"), show((s["again_s"] for s in mine), "{:.3f}"),
                     show((s["reload_s"] for s in mine), "{:.2f}"), show(_megabytes(s["memory"] for s in mine)),
                     f"{statistics.median(s['memory'] for s in mine) / names:,.0f}"])
    for key, title, unit, scale in (("load_s", "Zone text to first answer", "seconds", 1),
                                    ("memory", "Memory of the loaded zone", "MB", 1e6)):
        plot.bars(picture_of(key.removesuffix("_s")), f"{title}, {names:,} names", unit,
                  {name: tuple(v / scale for v in spread(s[key] for s in of(chosen, server=name)))
                   for name in names_in(chosen)})
    return (f"## Load, memory, reload: one zone of {names:,} A records, all cores\n\n"
            + table(["server", "text to first answer, s", "second start, s", "changed zone to its answer, s",
                     "memory, MB", "octets a record"], rows)
            + "\nMemory is resident memory of all the server's processes, shared pages counted once, after every "
              "name was asked for at random for a step.\n"
            + f"\n![load time]({os.path.basename(picture_of('load'))}) "
              f"![memory]({os.path.basename(picture_of('memory'))})\n")


def many_section(samples):
    chosen = of(samples, topic="many")
    rows = [[name, show((s["load_s"] for s in of(chosen, server=name)), "{:.2f}"),
             show(_megabytes(s["memory"] for s in of(chosen, server=name)))] for name in names_in(chosen)]
    return (f"## {chosen[0]['zones']:,} zones of ten names, all cores\n\n"
            + table(["server", "text to first answer of the last zone, s", "memory, MB"], rows))


def cost_section(samples, facts, topic, key, what, picture):
    chosen = of(samples, topic=topic)
    places = sorted({s[key] for s in chosen})
    rows = []
    for name in names_in(chosen):
        by_round = {(s["round"], s[key]): cost_of(s) for s in of(chosen, server=name)}
        growth = [by_round[number, places[-1]] / by_round[number, places[0]] - 1
                  for number in {number for number, _ in by_round} if (number, places[-1]) in by_round]
        rows.append([name, *(_missing([c for (_, p), c in by_round.items() if p == place], "{:,.0f}")
                             for place in places), _missing(growth, "{:+.0%}")])
    plot.lines(picture, f"CPU time an answer against the number of {what}", what, "ns an answer",
               {name: [(place, *spread(cost_of(s) for s in of(chosen, server=name, **{key: place})))
                       for place in places if of(chosen, server=name, **{key: place})]
                for name in names_in(chosen)}, logarithmic=True)
    return (f"## CPU ns an answer at {facts['fixed_rate']:,} a second, by number of {what}\n\n"
            + table(["server", *(f"{place:,}" for place in places), "growth"], rows)
            + f"\n![cost against number of {what}]({os.path.basename(picture)})\n")


def overload_section(samples):
    chosen = of(samples, topic="overload")
    rows = [[name, show(s["peak"] for s in of(chosen, server=name)),
             show(s["offered"] for s in of(chosen, server=name)),
             show(s["answers"] for s in of(chosen, server=name)),
             show((s["answers"] / s["peak"] for s in of(chosen, server=name)), "{:.2f}")]
            for name in names_in(chosen)]
    return ("## Overload: three times the peak is offered\n\n"
            + table(["server", "peak", "offered", "answers", "share of the peak"], rows))


def swap_section(samples):
    chosen = of(samples, topic="swap")
    rows = []
    for name in names_in(chosen):
        quiet, busy = (of(chosen, server=name, reloading=flag) for flag in (False, True))
        both = [(a, b) for a in quiet for b in busy if a["round"] == b["round"]]
        rows.append([name, show((s["p999_us"] for s in quiet), "{:,.0f}"), show((s["p999_us"] for s in busy), "{:,.0f}"),
                     show((b["p999_us"] / a["p999_us"] for a, b in both if a["p999_us"]), "{:.2f}"),
                     show((s["max_us"] for s in busy), "{:,.0f}"),
                     show(s["sent"] - s["replies"] + s["lost"] for s in quiet),
                     show(s["sent"] - s["replies"] + s["lost"] for s in busy), show(s["wrong"] for s in busy)])
    return ("## A zone reloaded while answering at 80 % of the peak\n\n"
            + table(["server", "quiet p99.9, µs", "reloading p99.9, µs", "ratio", "reloading, longest, µs",
                     "quiet, lost", "reloading, lost", "wrong"], rows))


def tcp_section(samples):
    chosen = of(samples, topic="tcp")
    rows = []
    for name in names_in(chosen):
        kept, new = (of(chosen, server=name, connections=kind) for kind in ("kept", "new"))
        rows.append([name, show(s["answers"] for s in kept), show(s["cpu_ns"] for s in kept),
                     show(s["answers"] for s in new), show(s["cpu_ns"] for s in new)])
    return ("## TCP\n\n" + table(["server", "answers a second, connections kept", "CPU ns each",
                                  "answers a second, a connection each", "CPU ns each"], rows)
            + "\nKept: dnsperf, 20 connections; the generator's core may be what ends it. CPU time here is the "
              "server's threads alone.\n")


def head_section(samples, facts):
    versions = "".join(f"- {name}: {text}\n" for name, text in facts["versions"].items())
    generator = facts["generator"] + (f", because kxdpgun didn't work: {facts['generator_why']}"
                                      if facts["generator_why"] else "")
    rounds = f"{facts['rounds']}" if not facts.get("minutes") else \
        f"In {facts['minutes']:g} minutes, up to {facts['rounds']}"
    quick = "**A quick look: short steps, small zones, few rounds. Not for conclusions.**\n\n" if facts["quick"] else ""
    apart = [s for s in samples if s.get("agrees") is False]
    doubt = (f"\n**In {len(apart)} steps the two counts of answers were more than {gauge.DISAGREE:.0%} apart.**\n"
             if apart else "")
    wrong = [s for s in samples if s.get("wrong")]
    doubt += f"\n**In {len(wrong)} steps some answers had another rcode than NOERROR.**\n" if wrong else ""
    return (f"# Side by side\n\n{quick}Taken {facts['when']} on {facts['cores']} × {facts['cpu']}, Linux "
            f"{facts['kernel']}; load before: {facts['load']:.2f}. Server and its kernel receive work on core 0, "
            f"generator ({generator}) on core 1. {rounds} rounds of {facts['seconds']} s steps; each figure "
            f"is the median, with the least and the most. How and why: [README.md](README.md).\n\n{versions}{doubt}")


def write(page, facts, samples):
    """The page, with its pictures beside it."""
    home = os.path.dirname(os.path.abspath(page))

    def picture(name):
        return f"{home}/{name}.svg"

    parts = [head_section(samples, facts)]
    parts += [speed_section(topic, samples, facts, picture(topic)) for topic in ("hot", "cold")
              if of(samples, topic=topic)]
    for topic, make in (("overload", overload_section), ("swap", swap_section),
                        ("load", lambda s: load_section(s, picture)), ("many", many_section),
                        ("size", lambda s: cost_section(s, facts, "size", "names", "names", picture("size"))),
                        ("count", lambda s: cost_section(s, facts, "count", "zones", "zones", picture("count"))),
                        ("tcp", tcp_section)):
        if of(samples, topic=topic):
            parts.append(make(samples))
    with open(page, "w") as out:
        out.write("\n".join(parts))
