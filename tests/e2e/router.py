# SPDX-License-Identifier: BSD-2-Clause
"""A router on loopback that takes what it is told and writes it down: just enough BGP to watch a speaker (RFC 4271)."""
import ipaddress
import socket
import struct
import threading
import time

import pytest

OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE_REFRESH = 1, 2, 3, 4, 5
GRACEFUL_SHUTDOWN = 0xFFFF0000
MARKER = b"\xff" * 16


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def prefixes(octets, version):
    """Of an NLRI field."""
    found = []
    while octets:
        size = (octets[0] + 7) // 8
        padded = octets[1:1 + size].ljust(4 if version == 4 else 16, b"\0")
        found.append(f"{ipaddress.ip_address(padded)}/{octets[0]}")
        octets = octets[1 + size:]
    return found


def attributes(octets):
    while octets:
        flags, kind = octets[0], octets[1]
        size, start = (struct.unpack("!H", octets[2:4])[0], 4) if flags & 0x10 else (octets[2], 3)
        yield kind, octets[start:start + size]
        octets = octets[start + size:]


class Router(threading.Thread):
    """`events` are (what, prefix or detail), in order: "up", "announced", "marked" (with GRACEFUL_SHUTDOWN), "withdrawn",
    "ceased", "closed"."""

    def __init__(self, asn=64500):
        super().__init__(daemon=True)
        self.asn = asn
        self.events = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.session = None
        self.start()

    def run(self):
        while True:
            try:
                self.session, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.talk(self.session)
            except (OSError, EOFError):
                pass
            self.events.append(("closed", None))
            self.session.close()

    def receive(self, session):
        header = self.exactly(session, 19)
        size, kind = struct.unpack("!HB", header[16:])
        return kind, self.exactly(session, size - 19)

    @staticmethod
    def exactly(session, octets):
        got = b""
        while len(got) < octets:
            more = session.recv(octets - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def talk(self, session):
        kind, body = self.receive(session)
        assert kind == OPEN, kind
        # The capabilities are given back as they came, but for the number of our AS.
        capabilities = body[10:].replace(b"\x41\x04" + struct.pack("!I", 64512), b"\x41\x04" + struct.pack("!I", self.asn))
        session.sendall(message(OPEN, struct.pack("!BHH4sB", 4, self.asn, 90, socket.inet_aton("192.0.2.1"),
                                                  len(capabilities)) + capabilities))
        session.sendall(message(KEEPALIVE))
        while True:
            kind, body = self.receive(session)
            if kind == KEEPALIVE:
                session.sendall(message(KEEPALIVE))
                if ("up", None) not in self.events[self.last("closed"):]:
                    self.events.append(("up", None))
            elif kind == UPDATE:
                self.update(body)
            elif kind == NOTIFICATION:
                self.events.append(("ceased" if body[0] == 6 else "notified", body[0] << 8 | body[1]))

    def update(self, body):
        size = struct.unpack("!H", body[:2])[0]
        withdrawn, rest = body[2:2 + size], body[2 + size:]
        size = struct.unpack("!H", rest[:2])[0]
        announced = prefixes(rest[2 + size:], 4)
        gone = prefixes(withdrawn, 4)
        marked = False
        for kind, value in attributes(rest[2:2 + size]):
            if kind == 8:
                marked = GRACEFUL_SHUTDOWN in struct.unpack(f"!{len(value) // 4}I", value)
            elif kind == 14 and value[:3] == b"\0\2\1":
                announced += prefixes(value[4 + value[3] + 1:], 6)
            elif kind == 15 and value[:3] == b"\0\2\1":
                gone += prefixes(value[3:], 6)
        self.events += [("withdrawn", prefix) for prefix in gone]
        self.events += [("marked" if marked else "announced", prefix) for prefix in announced]

    def last(self, what):
        """Where it happened last; 0 when it never did."""
        return max((i for i, event in enumerate(self.events) if event[0] == what), default=0)

    def routes(self):
        """What is announced now."""
        held = set()
        for what, prefix in list(self.events):
            if what in ["announced", "marked"]:
                held.add(prefix)
            elif what == "withdrawn":
                held.discard(prefix)
            elif what == "closed":
                held.clear()
        return held

    def wait(self, condition, what, patience_s=60):
        until = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < until, f"waited {patience_s} s in vain for {what}: {self.events}"
            time.sleep(0.005)

    def close(self):
        self.listener.close()
        if self.session is not None:
            self.session.close()


@pytest.fixture
def router():
    router = Router()
    yield router
    router.close()
