# SPDX-License-Identifier: BSD-2-Clause
"""Asks several servers the same questions, many at once, and keeps the bytes of their answers."""
import selectors
import socket
import struct
import time

from message import query

# In flight at each server. Small enough for a default socket buffer at the far side: loopback then loses nothing.
WINDOW = 64
PATIENCE_S = 3.0
TRIES = 4
# Pipelined on one TCP connection before reading.
PIPELINE = 32


class NoAnswer(Exception):
    pass


class Server:
    """One server under comparison: where it listens, and its sockets."""

    def __init__(self, name, address, port):
        self.name, self.address, self.port = name, address, port
        self._udp = None

    def udp(self):
        if self._udp is None:
            self._udp = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self._udp.connect((self.address, self.port))
            self._udp.setblocking(False)
        return self._udp

    def close(self):
        if self._udp is not None:
            self._udp.close()
            self._udp = None

    def __repr__(self):
        return "%s (%s@%d)" % (self.name, self.address, self.port)


def ask_udp(servers, messages):
    """For each server the list of answers to `messages` (bytes with any id; ids are set here), in their order."""
    answers = {server.name: [None] * len(messages) for server in servers}
    for first in range(0, len(messages), WINDOW):
        batch = messages[first:first + WINDOW]
        _ask_batch(servers, batch, first, answers)
    return answers


def _ask_batch(servers, batch, first, answers):
    base = (first * 7 + 1) & 0xFFFF
    wires = [struct.pack("!H", (base + i) & 0xFFFF) + m[2:] for i, m in enumerate(batch)]
    missing = {server: set(range(len(batch))) for server in servers}
    for _ in range(TRIES):
        for server, wanted in missing.items():
            sock = server.udp()
            for i in sorted(wanted):
                sock.send(wires[i])
        _collect(missing, base, first, wires, answers)
        missing = {server: wanted for server, wanted in missing.items() if wanted}
        if not missing:
            return
    server, wanted = next(iter(missing.items()))
    raise NoAnswer("%r didn't answer %s" % (server, wires[min(wanted)].hex()))


def _collect(missing, base, first, wires, answers):
    deadline = time.monotonic() + PATIENCE_S
    with selectors.DefaultSelector() as selector:
        for server in missing:
            selector.register(server.udp(), selectors.EVENT_READ, server)
        waiting = len(missing)
        while waiting and time.monotonic() < deadline:
            for key, _ in selector.select(0.2):
                server = key.data
                wanted, slots = missing[server], answers[server.name]
                while True:
                    try:
                        answer = key.fileobj.recv(65535)
                    except BlockingIOError:
                        break
                    if len(answer) < 12:
                        continue
                    i = (answer[0] << 8 | answer[1]) - base & 0xFFFF
                    if i in wanted and _same_question(answer, wires[i]):
                        slots[first + i] = answer
                        wanted.discard(i)
                if not wanted:
                    selector.unregister(key.fileobj)
                    waiting -= 1


def _same_question(answer, wire):
    """A late answer to an earlier batch must not be taken for this one's. Case is not looked at here: a server that
    doesn't echo it is to be reported, not waited for."""
    if answer[4:6] == b"\0\0":
        return True
    end = wire.index(b"\0", 12) + 1
    for_sure = min(len(answer), end)
    return answer[12:for_sure].lower() == wire[12:for_sure].lower()


def ask_tcp(servers, messages):
    answers = {}
    for server in servers:
        answers[server.name] = _ask_stream(server, messages)
    return answers


def _ask_stream(server, messages):
    """Pipelines over one connection after another (a server may limit the queries of a connection)."""
    answers = [None] * len(messages)
    waiting = list(range(len(messages)))
    refused = 0
    while waiting:
        before = len(waiting)
        with socket.create_connection((server.address, server.port), timeout=10) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                _pipeline(sock, messages, waiting, answers)
            except (EOFError, ConnectionError, TimeoutError):
                pass
        waiting = [i for i in waiting if answers[i] is None]
        refused = refused + 1 if len(waiting) == before else 0
        if refused == 3:
            raise NoAnswer("%r didn't answer over TCP: %s" % (server, messages[waiting[0]].hex()))
    return answers


def _pipeline(sock, messages, waiting, answers):
    stream = sock.makefile("rb", buffering=1 << 16)
    for first in range(0, len(waiting), PIPELINE):
        chunk = waiting[first:first + PIPELINE]
        out = b"".join(struct.pack("!HH", len(messages[i]), i & 0xFFFF) + messages[i][2:] for i in chunk)
        sock.sendall(out)
        by_id = {i & 0xFFFF: i for i in chunk}
        for _ in chunk:
            head = stream.read(2)
            if len(head) < 2:
                raise EOFError
            answer = stream.read(struct.unpack("!H", head)[0])
            i = by_id.get(struct.unpack_from("!H", answer)[0])
            if i is None:
                raise EOFError
            answers[i] = answer


def ask(server, message, transport="udp"):
    """One question to one server: the answer's bytes. The id of `message` is kept."""
    if transport == "tcp":
        with socket.create_connection((server.address, server.port), timeout=10) as sock:
            sock.sendall(struct.pack("!H", len(message)) + message)
            stream = sock.makefile("rb")
            return stream.read(struct.unpack("!H", stream.read(2))[0])
    for _ in range(TRIES):
        with socket.socket(socket.AF_INET6 if ":" in server.address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect((server.address, server.port))
            try:
                sock.send(message)
                return sock.recv(65535)
            except (TimeoutError, ConnectionRefusedError):
                continue
    raise NoAnswer("%r didn't answer %s" % (server, message.hex()))


def wait_until_up(server, process, qname, patience_s=60.0, flags=0):
    """Until `server` answers the SOA of `qname`. Raises when its process ends before."""
    probe = query(4711, qname, 6, flags=flags)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise RuntimeError("%r left with %d" % (server, process.returncode))
        with socket.socket(socket.AF_INET6 if ":" in server.address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.connect((server.address, server.port))
            try:
                sock.send(probe)
                answer = sock.recv(65535)
                if answer[3] & 15 == 0 and answer[6:8] != b"\0\0":
                    return
            except (TimeoutError, ConnectionRefusedError):
                pass
        time.sleep(0.05)
    raise RuntimeError("%r isn't answering" % server)
