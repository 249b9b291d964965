# SPDX-License-Identifier: BSD-2-Clause
"""TCP as RFC 7766 and RFC 9210 want it, and clients as nobody wants them."""
import multiprocessing
import os
import pathlib
import socket
import struct
import threading

import dns.message
import dns.query
import pytest

from daemon import Daemon, run_hitherd  # noqa: F401
from halves import server_pid

BIG = "\n".join(f'big TXT "{i:03} {"x" * 200}"' for i in range(60))
ZONE = f"""$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
{BIG}
"""


@pytest.fixture
def hitherd(run_hitherd):
    return run_hitherd(zones={"example.org": ZONE})


@pytest.fixture
def connect(hitherd):
    """connect() -> a new connection; all are closed when the test ends."""
    opened = []

    def new():
        opened.append(socket.create_connection(("127.0.0.1", hitherd.port), timeout=30))
        return opened[-1]

    yield new
    for connection in opened:
        connection.close()


def framed(number, name="ns1.example.org", rdtype="A"):
    query = dns.message.make_query(name, rdtype)
    query.id = number
    wire = query.to_wire()
    return struct.pack("!H", len(wire)) + wire


def receive(connection, octets):
    got = b""
    while len(got) < octets:
        more = connection.recv(octets - len(got))
        assert more, f"closed after {len(got)} of {octets} octets"
        got += more
    return got


def answer(connection):
    wire = receive(connection, struct.unpack("!H", receive(connection, 2))[0])
    return dns.message.from_wire(wire)


def is_closed(connection):
    """Waits for it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_several_queries_one_after_the_other(connect):
    connection = connect()
    for number in range(10):
        connection.sendall(framed(number))
        assert answer(connection).id == number


def test_pipelining(connect):
    connection = connect()
    connection.sendall(b"".join(framed(number) for number in range(1000)))
    assert {answer(connection).id for _ in range(1000)} == set(range(1000))


def test_octet_by_octet(connect):
    connection = connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in framed(7) + framed(8):
        connection.sendall(bytes([octet]))
    assert [answer(connection).id, answer(connection).id] == [7, 8]


def test_cut_anywhere(connect):
    """Two messages in two pieces, for every place to cut."""
    both = framed(1) + framed(2)
    for at in range(len(both) + 1):
        connection = connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(both[:at])
        if at >= len(framed(1)):
            assert answer(connection).id == 1
        connection.sendall(both[at:])
        if at < len(framed(1)):
            assert answer(connection).id == 1
        assert answer(connection).id == 2
        connection.close()


def test_answer_that_udp_cannot_carry(hitherd, connect):
    query = dns.message.make_query("big.example.org", "TXT")
    truncated = dns.query.udp(query, "127.0.0.1", port=hitherd.port, timeout=20)
    assert truncated.flags & dns.flags.TC
    connection = connect()
    connection.sendall(framed(9, "big.example.org", "TXT"))
    assert len(answer(connection).answer[0]) == 60


def test_half_closed_client_gets_its_answers(connect):
    connection = connect()
    connection.sendall(b"".join(framed(number) for number in range(300)))
    connection.shutdown(socket.SHUT_WR)
    assert {answer(connection).id for _ in range(300)} == set(range(300))
    assert is_closed(connection)


def test_half_closed_in_the_middle_of_a_message(connect):
    connection = connect()
    connection.sendall(framed(1) + framed(2)[:-3])
    connection.shutdown(socket.SHUT_WR)
    assert answer(connection).id == 1
    assert is_closed(connection)


@pytest.mark.parametrize("octets", range(12))
def test_length_shorter_than_a_header(connect, octets):
    connection = connect()
    connection.sendall(framed(1) + struct.pack("!H", octets) + bytes(octets))
    assert answer(connection).id == 1
    assert is_closed(connection)


def test_length_that_promises_too_much(connect):
    """What never comes isn't waited for."""
    connection = connect()
    connection.sendall(struct.pack("!H", 65535) + framed(1)[2:])
    assert is_closed(connection)


def test_longest_message(connect):
    """Of 65,535 octets: read to its end, answered in whatever way, and in step for the next one."""
    connection = connect()
    query = framed(1)[2:]
    connection.sendall(struct.pack("!H", 65535) + query + bytes(65535 - len(query)) + framed(2))
    answers = [answer_id(connection)]
    if answers == [1]:
        answers.append(answer_id(connection))
    assert answers[-1] == 2


def answer_id(connection):
    wire = receive(connection, struct.unpack("!H", receive(connection, 2))[0])
    return struct.unpack("!H", wire[:2])[0]


def test_dripping_message_is_given_up(connect):
    """A peer that sends an octet now and then doesn't hold its place by that."""
    connection = connect()
    connection.settimeout(0.5)
    message = struct.pack("!H", 60000)
    with pytest.raises((BrokenPipeError, ConnectionResetError, EOFError)):
        for octet in message + bytes(1000):
            connection.sendall(bytes([octet]))
            try:
                if connection.recv(1) == b"":
                    raise EOFError
            except TimeoutError:
                pass


def test_idle_connection_is_closed(connect):
    connection = connect()
    connection.sendall(framed(1))
    assert answer(connection).id == 1
    assert is_closed(connection)


def test_response_on_tcp_is_not_answered(connect):
    connection = connect()
    response = bytearray(framed(1))
    response[4] |= 0x80
    connection.sendall(bytes(response) + framed(2))
    assert answer(connection).id == 2


def test_slow_reader(hitherd, connect):
    """Queries by the thousand, and no answer taken: the server stops reading, keeps little, and serves others; then
    every answer comes."""
    count = 3000
    connection = connect()
    queries = b"".join(framed(number, "big.example.org", "TXT") for number in range(count))
    writer = threading.Thread(target=connection.sendall, args=[queries])
    writer.start()
    for _ in range(20):
        query = dns.message.make_query("ns1.example.org", "A")
        assert dns.query.udp(query, "127.0.0.1", port=hitherd.port, timeout=20).answer
        assert dns.query.tcp(query, "127.0.0.1", port=hitherd.port, timeout=20).answer
    assert [answer_id(connection) for _ in range(count)] == list(range(count))
    writer.join()


def test_reader_that_never_reads_is_given_up(connect):
    connection = connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    queries = b"".join(framed(number, "big.example.org", "TXT") for number in range(1000))
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        connection.settimeout(60)
        while True:
            connection.sendall(queries)


IDLE = 20_000


def hold_idle(port, count, source, opened, leave):
    """A process of its own, for descriptors of its own: each connection asks once, and is then idle."""
    idle = [socket.create_connection(("127.0.0.1", port), 30, (source, 0)) for _ in range(count)]
    for number, connection in enumerate(idle):
        connection.sendall(framed(number))
    opened.release()
    leave.wait(120)


def open_sockets(pid):
    return sum(1 for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()
               if os.path.islink(entry) and os.readlink(entry).startswith("socket:"))


def test_many_idle_connections(run_hitherd):
    """20,000 of them, which may be more than the server has descriptors for, don't hurt answers."""
    hitherd = run_hitherd(zones={"example.org": ZONE}, release=True)
    server = server_pid(hitherd)
    opened, leave = multiprocessing.Semaphore(0), multiprocessing.Event()
    # A source address has not ports enough for all.
    clients = [multiprocessing.Process(target=hold_idle, args=(hitherd.port, IDLE // 4, f"127.0.1.{1 + n}", opened, leave))
               for n in range(4)]
    try:
        for client in clients:
            client.start()
        for _ in clients:
            assert opened.acquire(timeout=90)
        held = open_sockets(server)
        for _ in range(100):
            query = dns.message.make_query("ns1.example.org", "A")
            assert dns.query.udp(query, "127.0.0.1", port=hitherd.port, timeout=20).answer
            assert dns.query.tcp(query, "127.0.0.1", port=hitherd.port, timeout=20).answer
    finally:
        leave.set()
        for client in clients:
            client.join(30)
    assert server_pid(hitherd) == server
    assert held > IDLE // 2  # on a slow machine the first ones have been idle for too long by then


def resident_octets(pid):
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


def test_idle_connection_holds_no_buffer(run_hitherd):
    """Measured without the sanitizers' own memory: 4,000 that have each asked once."""
    hitherd = run_hitherd(zones={"example.org": ZONE}, release=True)
    before = resident_octets(server_pid(hitherd))
    idle = []
    try:
        for number in range(4000):
            idle.append(socket.create_connection(("127.0.0.1", hitherd.port), timeout=30))
            idle[-1].sendall(framed(number))
            assert answer(idle[-1]).id == number
        grown = resident_octets(server_pid(hitherd)) - before
    finally:
        for connection in idle:
            connection.close()
    assert grown < 4000 * 2048 + 1024 * 1024  # and the worker's own buffers, touched for the first time


def test_clients_that_come_and_go(hitherd):
    """Connect, say something, vanish: in every order, from several threads."""
    before = server_pid(hitherd)

    def come_and_go(seed):
        for turn in range(200):
            with socket.create_connection(("127.0.0.1", hitherd.port), timeout=30) as connection:
                if (turn + seed) % 4 == 1:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if (turn + seed) % 4 != 0:
                    connection.sendall(framed(turn)[:turn % 40 + 1])

    threads = [threading.Thread(target=come_and_go, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    query = dns.message.make_query("ns1.example.org", "A")
    assert dns.query.tcp(query, "127.0.0.1", port=hitherd.port, timeout=20).answer
    assert server_pid(hitherd) == before
