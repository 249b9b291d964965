# SPDX-License-Identifier: BSD-2-Clause
"""What is compared. Each topic goes through its rounds, in each round through the servers, one at a time, forth
and then back (A B C, C B A), so that a machine that gets slower or faster meanwhile does it to all of them.

A topic yields samples: flat dictionaries that name topic, round and server. Medians are the report's business.
"""

import contextlib
import os
import shutil
import subprocess
import time

from . import gauge, servers, zones
from . import lab as bed

APEX = "bench.example"
START_LIMIT_S = 300
SAMPLE_RATE = 2000     # latency samples a second
BUSY_SHARE = 0.8       # of its peak is what a server is offered while it reloads
SHARES = {"hot": 0.46, "memory": 0.15, "overload": 0.08, "swap": 0.1, "size": 0.08, "count": 0.05, "many": 0.05,
          "tcp": 0.03}  # of a limited time; by the first topic of each run
ALL_CORES = tuple(range(os.cpu_count() or 1))


class Bench:
    """What all topics share: the bed, the generator, the options, and files made once."""

    def __init__(self, lab, generator, options, work):
        self.lab = lab
        self.generator = generator
        self.options = options
        self.work = work
        self.began = 0.0
        self.room_s = None

    def begin(self, topics):
        """A topic's turn; of a limited time each has its share."""
        self.began = time.monotonic()
        if self.options.minutes is not None:
            self.room_s = self.options.minutes * 60 * SHARES[topics[0]]

    def _has_time(self, rounds, began, part):
        """Whether another round like those so far fits into the topic's time, or `part` of it."""
        if self.room_s is None or rounds == 0:
            return True
        spent = time.monotonic() - began
        return spent * (rounds + 1) / rounds <= self.room_s * part

    def zone(self, names):
        path = f"{self.work}/{names}.zone"
        if not os.path.exists(path):
            zones.write_zone(path, APEX, names)
        return path

    def questions(self, names, ask):
        path = f"{self.work}/{names}-{ask}.questions"
        if not os.path.exists(path):
            zones.write_questions(path, APEX, names, ask)
        return path

    def turns(self, among=None, part=1.0):
        """(round, server's name) in turn, forth and back; while there is time, `part` of the topic's."""
        chosen = [name for name in self.options.servers if among is None or name in among]
        began = self.began if part == 1.0 else time.monotonic()
        for number in range(self.options.rounds):
            if not self._has_time(number, began, part):
                return
            for name in chosen if number % 2 == 0 else reversed(chosen):
                yield number, name

    def server(self, name, zone_list, **options):
        return servers.KINDS[name](self.lab, f"{self.work}/{name}", zone_list, build=self.options.build, **options)

    @contextlib.contextmanager
    def serving(self, name, zone_list, **options):
        """The server, started and answering; stopped at the end."""
        server = self.server(name, zone_list, **options)
        server.start()
        try:
            if name not in servers.LIMITS:
                with gauge.Probe(self.lab) as probe:
                    probe.wait_for(zone_list[-1][0], None, server, START_LIMIT_S)
            else:
                time.sleep(0.2)
            yield server
        finally:
            server.stop()

    def step(self, server, questions, rate):
        return gauge.step(self.lab, self.generator, server, questions, rate, self.options.seconds)


def peers_of(options):
    """The servers with zones."""
    return [name for name in options.servers if name not in servers.LIMITS]


def keepers_of(options):
    """Of these, each program once."""
    return [name for name in peers_of(options) if name not in servers.TWINS]


def speed(bench, topics):
    """hot: a thousand names of a big zone. cold: every name of it, at random. Every rate, up to a flood."""
    options = bench.options
    path = bench.zone(options.names)
    questions = {"hot": bench.questions(options.names, options.hot_names),
                 "cold": bench.questions(options.names, options.names)}
    for number, name in bench.turns():
        with bench.serving(name, [(APEX, path)]) as server:
            if name not in servers.LIMITS:
                with gauge.Probe(bench.lab) as probe:
                    probe.check_answers(APEX, options.names)
            for topic in topics:
                for rate in options.rates:
                    yield {"topic": topic, "round": number, "server": name,
                           **bench.step(server, questions[topic], rate)}


def _seconds_to_serve(server, probe, apex, keep=False):
    begin = time.monotonic()
    server.start(keep)
    probe.wait_for(apex, None, server, START_LIMIT_S)
    return time.monotonic() - begin


def loading(bench, _):
    """Text to first answer, memory, a changed zone to its first answer, and a second start: all cores, one zone."""
    options = bench.options
    path = bench.zone(options.load_names)
    questions = bench.questions(options.load_names, options.load_names)
    for number, name in bench.turns(keepers_of(options)):
        zones.set_serial(path, 1)
        server = bench.server(name, [(APEX, path)], cores=ALL_CORES)
        try:
            with gauge.Probe(bench.lab) as probe:
                load_s = _seconds_to_serve(server, probe, APEX)
                bench.step(server, questions, 100_000)
                memory = servers.memory_octets(server.pids())
                zones.set_serial(path, 2)
                server.reload()
                reload_s = probe.wait_for(APEX, 2, server, START_LIMIT_S)
                server.stop()
                again_s = _seconds_to_serve(server, probe, APEX, keep=True)
        finally:
            server.stop()
        yield {"topic": "load", "round": number, "server": name, "names": options.load_names, "load_s": load_s,
               "reload_s": reload_s, "again_s": again_s, "memory": memory}


def many(bench, _):
    """The same for many small zones in a directory."""
    options = bench.options
    directory = f"{bench.work}/many"
    os.makedirs(directory, exist_ok=True)
    zone_list = zones.write_small_zones(directory, options.zones, 10)
    for number, name in bench.turns(keepers_of(options)):
        server = bench.server(name, zone_list, directory=directory, cores=ALL_CORES)
        try:
            with gauge.Probe(bench.lab) as probe:
                load_s = _seconds_to_serve(server, probe, zone_list[-1][0])
                memory = servers.memory_octets(server.pids())
        finally:
            server.stop()
        yield {"topic": "many", "round": number, "server": name, "zones": options.zones, "load_s": load_s,
               "memory": memory}
    shutil.rmtree(directory)


def size(bench, _):
    """CPU time an answer at one fixed rate, against the size of the zone; every name is asked at random."""
    options = bench.options
    for names in options.sizes:
        path = bench.zone(names)
        questions = bench.questions(names, names)
        for number, name in bench.turns(peers_of(options) + ["echo"], 1 / len(options.sizes)):
            with bench.serving(name, [(APEX, path)]) as server:
                yield {"topic": "size", "round": number, "server": name, "names": names,
                       **bench.step(server, questions, options.fixed_rate)}
        if names not in (options.names, options.load_names):
            os.unlink(path)
            os.unlink(questions)


def count(bench, _):
    """CPU time an answer at one fixed rate, against the number of zones."""
    options = bench.options
    for zone_count in options.zone_counts:
        directory = f"{bench.work}/count"
        os.makedirs(directory)
        zone_list = zones.write_small_zones(directory, zone_count, 10)
        questions = f"{bench.work}/count.questions"
        zones.write_small_questions(questions, zone_count, 10, 1_000_000)
        for number, name in bench.turns(peers_of(options) + ["echo"], 1 / len(options.zone_counts)):
            with bench.serving(name, zone_list, directory=directory) as server:
                yield {"topic": "count", "round": number, "server": name, "zones": zone_count,
                       **bench.step(server, questions, options.fixed_rate)}
        shutil.rmtree(directory)


def _sample_latency(bench, questions, seconds):
    """Starts the sampler beside the generator, ahead of it in the queue for their core."""
    command = ["chrt", "-f", "10", f"{bench.options.build}/bench/latency", bed.SERVER_ADDRESS, str(bed.PORT),
               str(bed.PROBE_PORT + 1), questions, str(SAMPLE_RATE), str(seconds)]
    return bench.lab.spawn("generator", (bed.GENERATOR_CORE,), command, stdout=subprocess.PIPE, text=True)


def _latency_figures(sampler):
    out, _ = sampler.communicate()
    if sampler.returncode != 0:
        raise RuntimeError("the latency sampler failed")
    return {key: float(value) for key, value in (pair.split("=") for pair in out.split())}


def swap(bench, _):
    """A zone reloaded under load: what was lost, and latency with and without the reload."""
    options = bench.options
    path = bench.zone(options.load_names)
    questions = bench.questions(options.load_names, options.load_names)
    seconds = max(6, options.seconds)
    for number, name in bench.turns(keepers_of(options)):
        zones.set_serial(path, 1)
        with bench.serving(name, [(APEX, path)]) as server:
            peak = max(bench.step(server, questions, rate)["answers"] for rate in options.rates)
            for serial in (None, 2):
                sampler = _sample_latency(bench, questions, seconds)
                if serial is not None:
                    zones.set_serial(path, serial)
                    server.reload()
                run = gauge.step(bench.lab, bench.generator, server, questions, int(peak * BUSY_SHARE), seconds - 1)
                sampled = _latency_figures(sampler)
                yield {"topic": "swap", "round": number, "server": name, "reloading": serial is not None,
                       "sent": run["offered"] * (seconds - 1), "replies": run["replies"] * (seconds - 1),
                       **sampled, "wrong": run["wrong"] + sampled["wrong"]}


def overload(bench, _):
    """Three times the peak is offered: does it still answer at its peak rate?"""
    options = bench.options
    path = bench.zone(options.load_names)
    questions = bench.questions(options.load_names, options.hot_names)
    for number, name in bench.turns(peers_of(options) + ["echo"]):
        with bench.serving(name, [(APEX, path)]) as server:
            peak = max(bench.step(server, questions, rate)["answers"] for rate in options.rates)
            run = bench.step(server, questions, int(peak * 3))
            yield {"topic": "overload", "round": number, "server": name, "peak": peak, "offered": run["offered"],
                   "answers": run["answers"]}


def tcp(bench, _):
    """Queries a second over connections that are kept, and over a new one for each."""
    options = bench.options
    path = bench.zone(options.load_names)
    questions = bench.questions(options.load_names, options.hot_names)
    for number, name in bench.turns(keepers_of(options)):
        with bench.serving(name, [(APEX, path)]) as server:
            for kind, figures in gauge.tcp_runs(bench.lab, server, questions, options.seconds):
                yield {"topic": "tcp", "round": number, "server": name, "connections": kind, **figures}


# What --only takes, in the order in which it is done: (function, topics that it serves).
RUNS = ((speed, ("hot", "cold")), (loading, ("memory", "load", "reload")), (overload, ("overload",)),
        (swap, ("swap",)), (size, ("size",)), (count, ("count",)), (many, ("many",)), (tcp, ("tcp",)))
TOPICS = tuple(topic for _, topics in RUNS for topic in topics)
