# SPDX-License-Identifier: BSD-2-Clause
"""A server that dies, once or again and again, and what is recorded of it."""
import os
import re
import signal
import socket

import dns.message
import dns.query
import pytest

import hang
from daemon import run_hitherd  # noqa: F401
from halves import ask_hither, server_pid

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""


@pytest.fixture
def hitherd(run_hitherd):
    return run_hitherd(zones={"example.org": ZONE})


def why(daemon):
    return ask_hither(daemon, "why")


def records(daemon):
    return sorted((daemon.directory / "state").glob("crash-*.txt"))


# What sanitizers leave alone: of SIGSEGV they tell themselves, and leave with a status.
def kill_server(daemon, number=signal.SIGABRT):
    daemon.eventually(lambda: server_pid(daemon), "a server")
    os.kill(server_pid(daemon), number)


def test_a_death_is_recorded_and_told(hitherd):
    kill_server(hitherd)
    hitherd.wait_log(r"what the server was working on is in .*/state/crash-.*\.txt")
    hitherd.eventually(hitherd.answers, "an answer")
    [record] = records(hitherd)
    text = record.read_text()
    assert "at tested: the server was ended by signal 6 (Aborted)\n" in text
    assert "death 1 in a row\n" in text
    assert record.stat().st_mode & 0o077 == 0  # queries are nobody else's business
    death = why(hitherd)["last_death"]
    assert death["record"] == str(record)
    assert death["in_a_row"] == 1
    assert "signal 6" in death["why"]


def test_nothing_to_tell_without_a_death(hitherd):
    assert why(hitherd)["last_death"] is None
    assert records(hitherd) == []


@pytest.mark.skipif(not hang.can_set_registers(), reason="registers of another processor")
def test_the_queries_under_way_are_recorded(hitherd):
    query = dns.message.make_query("poison.example.org", "TXT").to_wire()
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]

    def ask():
        """From many ports, so that some reach that worker."""
        for client in clients:
            client.sendto(query, ("127.0.0.1", hitherd.port))

    server = server_pid(hitherd)
    with hang.StoppedBeforeAnswer(server, "worker-1", ask):
        os.kill(server, signal.SIGABRT)
    hitherd.wait_log("what the server was working on is in")
    [record] = records(hitherd)
    text = record.read_text()
    asked = re.findall(r"# worker 1, from 127\.0\.0\.1@(\d+) over UDP, (\d+) octets", text)
    assert asked
    assert {int(octets) for _, octets in asked} == {len(query)}
    assert {int(port) for port, _ in asked} <= {client.getsockname()[1] for client in clients}
    octets = bytes.fromhex("".join(line[8:56] for line in text.split("# worker 1")[1].splitlines()[1:] if line))
    assert octets == query
    for client in clients:
        client.close()


def test_again_and_again_with_growing_pauses(hitherd):
    for row in range(1, 5):
        kill_server(hitherd)
        hitherd.eventually(lambda: why(hitherd)["last_death"] is not None and why(hitherd)["last_death"]["in_a_row"] == row,
                           f"death {row}")
        pause_ms = why(hitherd)["last_death"]["pause_ms"]
        assert pause_ms == [0, 100, 200, 400][row - 1]
    hitherd.eventually(hitherd.answers, "an answer")
    hitherd.eventually(lambda: len(records(hitherd)) == 4, "a record of each")
    assert "death 4 in a row" in records(hitherd)[-1].read_text()


def test_a_large_image_outlives_the_server_that_made_it(run_hitherd):
    """Neither the zone's text nor its cached image is there to be read again, and yet all of it is answered."""
    names = "".join(f"host{i} A 192.0.2.{i % 250}\n" for i in range(40000))
    daemon = run_hitherd(zones={"example.org": ZONE + names})

    def forget():
        for file in [daemon.directory / "example.org.zone", *daemon.directory.glob("state/zones/*")]:
            file.unlink(missing_ok=True)

    def answers():
        query = dns.message.make_query("host39999.example.org", "A")
        return dns.query.udp(query, "127.0.0.1", port=daemon.port, timeout=daemon.patience_s).answer

    def kept():
        def names(fd):
            try:
                return os.readlink(fd.path)
            except FileNotFoundError: # closed meanwhile
                return ""

        return [fd for fd in os.scandir(f"/proc/{daemon.process.pid}/fd") if "hither-image" in names(fd)]

    assert answers()
    daemon.eventually(lambda: len(kept()) == 1, "the announcer to keep the image")
    text = (daemon.directory / "example.org.zone").read_text()
    for death in [1, 2]:
        forget()
        kill_server(daemon)
        daemon.eventually(lambda death=death: ask_hither(daemon, "status")["server"]["restarts"] == death and server_pid(daemon),
                          "another server")
        assert answers()
        daemon.eventually(lambda: len(kept()) == 1, "the announcer to keep the image")
    # One that keeps dying is given nothing that may be the reason for it.
    forget()
    (daemon.directory / "example.org.zone").write_text(text)
    kill_server(daemon)
    daemon.wait_log("of these 1 compiled(.|\n)*of these 1 compiled")
    daemon.eventually(answers, "an answer")
    assert daemon.log().count("of these 1 compiled") == 2
