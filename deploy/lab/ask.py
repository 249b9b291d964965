#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks a steady stream of queries and writes down who answered each: ask.py RATE SECONDS FILE [NAME@]ADDRESS...

Every query is sent once, at its time, whether the ones before it were answered or not, from a few sockets per
address as different clients would. FILE gets a line for each: when it was due (seconds, wall clock), the
address as it was given, the milliseconds from sending to the answer, the answering PoP (its NSID). The last two are missing when
no good answer came within two seconds. SIGTERM ends the stream early; at most 2,000 queries a second are sent.
"""
import os
import select
import signal
import socket
import struct
import sys
import time

PATIENCE_S = 2.0
SOCKETS_PER_ADDRESS = 4
MOST_PER_SECOND = 2000
NAME = "example.com"
OPT_WITH_NSID = b"\x00" + struct.pack("!HHIHHH", 41, 1232, 0, 4, 3, 0)


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\x00" + struct.pack("!HH", 6, 1)  # SOA, IN


def skip_name(message, at):
    while message[at] != 0:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def answering_pop(message):
    """The NSID of a good answer; None when it isn't one."""
    _, flags, _, answers, authority, additional = struct.unpack_from("!6H", message)
    if flags & 0x840F != 0x8400 or answers == 0:  # a response, authoritative, NOERROR
        return None
    at = skip_name(message, 12) + 4
    for _ in range(answers + authority + additional):
        at = skip_name(message, at)
        kind, _, _, octets = struct.unpack_from("!HHIH", message, at)
        at += 10
        end = at + octets
        while kind == 41 and at < end:
            option, length = struct.unpack_from("!HH", message, at)
            if option == 3:
                return message[at + 4:at + 4 + length].decode("ascii", "replace")
            at += 4 + length
        at = end
    return None


class Stream:
    def __init__(self, rate, seconds, addresses):
        self.sockets = []
        for number in range(SOCKETS_PER_ADDRESS):
            for target in addresses:
                name, _, address = target.rpartition("@")
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                s = socket.socket(family, socket.SOCK_DGRAM)
                s.setblocking(False)
                s.connect((address, 53))
                self.sockets.append((s, target, question(name or NAME)))
        self.rate, self.count = rate, int(rate * seconds)
        self.waiting = {}  # (descriptor, message id) -> index in sent
        self.sent = []     # [due, sent (both monotonic), address, milliseconds or None, PoP or None]

    def send(self, number, due):
        s, target, asked = self.sockets[number % len(self.sockets)]
        number_id = number & 0xFFFF
        self.waiting[s.fileno(), number_id] = len(self.sent)
        self.sent.append([due, time.monotonic(), target, None, None])
        try:
            s.send(struct.pack("!6H", number_id, 0, 1, 0, 0, 1) + asked + OPT_WITH_NSID)
        except OSError:
            pass  # no route, or an ICMP error from before: then it is lost, and counted so

    def receive(self, s):
        try:
            message = s.recv(65535)
        except OSError:
            return
        now = time.monotonic()
        index = self.waiting.pop((s.fileno(), struct.unpack_from("!H", message)[0]), None)
        if index is not None and now - self.sent[index][1] <= PATIENCE_S:
            pop = answering_pop(message)
            if pop is not None:
                self.sent[index][3:] = [(now - self.sent[index][1]) * 1000, pop]

    def run(self):
        poll = select.poll()
        by_descriptor = {}
        for s, _, _ in self.sockets:
            poll.register(s, select.POLLIN)
            by_descriptor[s.fileno()] = s
        began, number = time.monotonic(), 0
        while True:
            now = time.monotonic()
            while number < self.count and began + number / self.rate <= now:
                self.send(number, began + number / self.rate)
                number += 1
            if number == self.count and (not self.waiting or now > self.sent[-1][1] + PATIENCE_S):
                return
            wake = began + number / self.rate if number < self.count else now + 0.1
            for descriptor, _ in poll.poll(max(0, (wake - now) * 1000)):
                self.receive(by_descriptor[descriptor])

    def stop(self, *_):
        self.count = len(self.sent)


def main():
    rate, seconds, path, *addresses = sys.argv[1:]
    stream = Stream(min(float(rate), MOST_PER_SECOND), float(seconds), addresses)
    signal.signal(signal.SIGTERM, stream.stop)
    open(path + ".part", "w").close()  # who waits for it knows that we are there
    to_wall_clock = time.time() - time.monotonic()
    stream.run()
    with open(path + ".part", "w") as out:
        for due, _, target, milliseconds, pop in stream.sent:
            took = "" if milliseconds is None else f"{milliseconds:.3f}"
            out.write(f"{due + to_wall_clock:.6f} {target} {took} {pop or ''}".rstrip() + "\n")
    os.rename(path + ".part", path)


main()
