# SPDX-License-Identifier: BSD-2-Clause
"""What is measured, and with what.

The generator is kxdpgun, which sends and counts beside the kernel's stack (AF_XDP), so that one core can offer
more than a server can answer. Where XDP can't be had it is dnsperf, and every result says so. An answer counts
when it left the server; kxdpgun's own count of replies, plus what its full ring refused, has to agree.
"""

import contextlib
import os
import random
import re
import socket
import struct
import subprocess
import time

from . import lab as bed
from . import servers, zones

FLOOD = 3_000_000     # more than any generator on one core reaches
DISAGREE = 0.02       # how far the two counts of answers may be apart
POLL_S = 0.001
TYPE_A, TYPE_SOA, CLASS_IN = 1, 6, 1


class Kxdpgun:
    name = "kxdpgun"

    def run(self, lab, questions, rate, seconds):
        command = ["kxdpgun", "-t", str(seconds), "-Q", str(rate), "-F", str(bed.GENERATOR_CORE),
                   "-I", lab.generator_device, "-i", questions, bed.SERVER_ADDRESS]
        started = lab.spawn("generator", (bed.GENERATOR_CORE,), command, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
        time.sleep(0.05)
        lab.pin_napi()
        text, _ = started.communicate()
        sent = re.search(r"^total queries:\s+(\d+)", text, re.M)
        if started.returncode != 0 or sent is None:
            raise RuntimeError(f"kxdpgun: {text.strip()}")
        replies = re.search(r"^total replies:\s+(\d+)", text, re.M)
        return {"sent": int(sent[1]), "replies": int(replies[1]) if replies else 0,
                "rcodes": {code: int(n) for code, n in re.findall(r"^responded (\w+):\s+(\d+)", text, re.M)}}


class Dnsperf:
    name = "dnsperf (sockets)"

    def run(self, lab, questions, rate, seconds):
        limit = [] if rate >= FLOOD else ["-Q", str(rate)]
        command = ["dnsperf", "-s", bed.SERVER_ADDRESS, "-d", questions, "-l", str(seconds), "-c", "1", "-T", "1",
                   "-q", "1000", *limit]
        started = lab.spawn("generator", (bed.GENERATOR_CORE,), command, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
        text, _ = started.communicate()
        sent = re.search(r"Queries sent:\s+(\d+)", text)
        if started.returncode != 0 or sent is None:
            raise RuntimeError(f"dnsperf: {text.strip()}")
        return {"sent": int(sent[1]), "replies": int(re.search(r"Queries completed:\s+(\d+)", text)[1]),
                "rcodes": {code: int(n) for code, n in re.findall(r"(NOERROR|NXDOMAIN|SERVFAIL|REFUSED) (\d+)", text)}}


def choose_generator(lab, build, work, questions):
    """kxdpgun when it works on this kernel, tried on the bare echo; else dnsperf. Returns it and why not."""
    echo = servers.Echo(lab, f"{work}/echo", [], build=build)
    echo.start()
    try:
        time.sleep(0.2)
        Kxdpgun().run(lab, questions, 1000, 1)
        return Kxdpgun(), None
    except (RuntimeError, FileNotFoundError) as why:
        return Dnsperf(), str(why)
    finally:
        echo.stop()


def step(lab, generator, server, questions, rate, seconds):
    """One rate against one server: answers a second, and the CPU time that they took on the server's side."""
    napi = lab.napi_threads(lab.server_device)
    pids = server.pids()
    cpu, kernel, count = servers.cpu_ns(pids), servers.cpu_ns(napi), lab.counters()
    run = generator.run(lab, questions, rate, seconds)
    now = lab.counters()
    answers = now["sent"] - count["sent"]
    lost = now["lost"] - count["lost"]
    kernel_ns = servers.cpu_ns(lab.napi_threads(lab.server_device)) - kernel
    if kernel_ns <= 0:
        raise RuntimeError("the server's NAPI thread did no work: its receive work was billed elsewhere")
    return {"rate": rate, "offered": run["sent"] / seconds, "answers": answers / seconds,
            "replies": run["replies"] / seconds, "wrong": _wrong(run["rcodes"]),
            "cpu_ns": (servers.cpu_ns(pids) - cpu) / max(answers, 1), "napi_ns": kernel_ns / max(answers, 1),
            "agrees": counts_agree(answers, run["replies"] + lost, run["sent"] / seconds < rate * (1 - DISAGREE))}


def _wrong(rcodes):
    """Answers of another kind: every name that is asked for exists."""
    return sum(n for code, n in rcodes.items() if code != "NOERROR")


def counts_agree(answers, counted, overrun):
    """Whether the two counts tell the same. A generator that couldn't keep up with its own rate misses replies."""
    return counted <= answers * (1 + DISAGREE) and (overrun or counted >= answers * (1 - DISAGREE))


class Probe:
    """A few questions over an ordinary socket in the generator's namespace."""

    def __init__(self, lab):
        self.lab = lab
        self.udp = lab.socket("generator", socket.SOCK_DGRAM)
        self.udp.bind((bed.GENERATOR_ADDRESS, bed.PROBE_PORT))
        self.udp.connect((bed.SERVER_ADDRESS, bed.PORT))
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.udp.close()

    def ask(self, name, qtype, wait_s):
        """The answer's (rcode, ancount, octets after the question), or None when none came in time."""
        self.id = self.id % 65535 + 1
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        query = struct.pack("!6H", self.id, 0, 1, 0, 0, 0) + question + struct.pack("!2H", qtype, CLASS_IN)
        with contextlib.suppress(ConnectionRefusedError):
            self.udp.send(query)
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            self.udp.settimeout(left)
            try:
                answer = self.udp.recv(65535)
            except ConnectionRefusedError:
                time.sleep(min(left, POLL_S))
                return None
            except TimeoutError:
                return None
            if len(answer) >= 12 and answer[:2] == query[:2]:
                return answer[3] & 15, struct.unpack("!H", answer[6:8])[0], answer[len(query):]
        return None

    def serial(self, apex, wait_s=POLL_S):
        """The SOA's serial, or None while there is none. Names in the SOA are skipped as they stand."""
        got = self.ask(apex, TYPE_SOA, wait_s)
        if got is None or got[0] != 0 or got[1] == 0:
            return None
        rest = got[2]
        at = _skip_name(rest, 0) + 10
        at = _skip_name(rest, _skip_name(rest, at))
        return struct.unpack("!I", rest[at:at + 4])[0]

    def wait_for(self, apex, serial, server, limit_s):
        """Seconds until the server answers with `serial`, None for any."""
        start = time.monotonic()
        while time.monotonic() < start + limit_s:
            got = self.serial(apex)
            if got is not None and serial in (None, got):
                return time.monotonic() - start
            if not server.alive():
                raise RuntimeError(f"{server.name} ended: {server.said()}")
        raise RuntimeError(f"{server.name} didn't answer for {apex} in {limit_s} s: {server.said()}")

    def check_answers(self, apex, names, count=100):
        """Raises unless `count` of the zone's names have the addresses that were written."""
        rng = random.Random(zones.SEED)
        for i in (rng.randrange(names) for _ in range(count)):
            got = self.ask(f"{zones.owner(i)}.{apex}", TYPE_A, 1.0)
            if got is None or got[:2] != (0, 1) or not _has_address(got[2], zones.address(i)):
                raise RuntimeError(f"{zones.owner(i)}.{apex} wasn't answered with {zones.address(i)}")


def _skip_name(octets, at):
    while octets[at] != 0:
        if octets[at] >= 0xC0:
            return at + 2
        at += 1 + octets[at]
    return at + 1


def _has_address(rest, address):
    at = _skip_name(rest, 0)
    return rest[at:at + 2] == b"\0\1" and rest[at + 10:at + 14] == socket.inet_aton(address)


def machine():
    """What the figures were taken on."""
    with open("/proc/cpuinfo") as cpuinfo:
        model = re.search(r"model name\s*:\s*(.+)", cpuinfo.read())
    return {"cpu": model[1] if model else "unknown", "cores": os.cpu_count(), "kernel": os.uname().release,
            "load": os.getloadavg()[0], "when": time.strftime("%Y-%m-%d %H:%M %Z", time.gmtime())}


def _dnsperf_kept(questions, seconds):
    """Twenty connections with a hundred queries on their way over each."""
    return (["dnsperf", "-s", bed.SERVER_ADDRESS, "-d", questions, "-l", str(seconds), "-m", "tcp", "-c", "20",
             "-T", "1", "-q", "2000"], r"Queries completed:\s+(\d+)")


def _kxdpgun_new(questions, seconds):
    """A connection for each query, at more than can be answered."""
    return (["kxdpgun", "-T", "-t", str(seconds), "-Q", "100000", "-F", str(bed.GENERATOR_CORE), "-i", questions,
             bed.SERVER_ADDRESS], r"^total replies:\s+(\d+)")


def tcp_runs(lab, server, questions, seconds):
    """(kept or new, figures) for the two ways to ask over TCP."""
    for kind, tool in (("kept", _dnsperf_kept), ("new", _kxdpgun_new)):
        command, pattern = tool(questions, seconds)
        pids = server.pids()
        cpu = servers.cpu_ns(pids)
        started = lab.spawn("generator", (bed.GENERATOR_CORE,), command, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
        time.sleep(0.05)
        lab.pin_napi()
        text, _ = started.communicate()
        done = re.search(pattern, text, re.M)
        if done is None:
            raise RuntimeError(f"{command[0]}: {text.strip()}")
        answers = int(done[1])
        if re.search(r"SERVFAIL|REFUSED|NXDOMAIN|FORMERR|NOTIMP", text):
            raise RuntimeError(f"{server.name} gave wrong answers over TCP: {text.strip()}")
        yield kind, {"answers": answers / seconds, "cpu_ns": (servers.cpu_ns(pids) - cpu) / max(answers, 1)}
