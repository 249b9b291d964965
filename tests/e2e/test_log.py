# SPDX-License-Identifier: BSD-2-Clause
"""The log: its forms, the journal's protocol, and the queries that rules pick."""
import json
import re
import socket

import dns.message
import dns.query
import pytest

from daemon import Daemon

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""


@pytest.fixture
def pop(tmp_path):
    started = []

    def run(log):
        daemon = Daemon(tmp_path / "pop", {"example.org": ZONE, "example.net": ZONE})
        daemon.configuration.write_text(f"{daemon.configuration.read_text()}health: {{interval: 60s}}\n{log}")
        started.append(daemon)
        daemon.start()
        return daemon

    yield run
    for daemon in started:
        daemon.stop()


def ask(daemon, name, rtype="A", how=dns.query.udp, address="127.0.0.1"):
    return how(dns.message.make_query(name, rtype), address, port=daemon.port, timeout=20)


def lines(daemon):
    """Of the log as JSON: each line has to be some."""
    return [json.loads(line) for line in daemon.log_path.read_text().splitlines()]


def test_json_and_queries_by_rule(pop):
    daemon = pop("""\
log:
  format: json
  queries:
    - {zone: example.net, sample: 10}
    - {rcode: REFUSED, client: 127.0.0.0/8}
""")
    for _ in range(30):
        ask(daemon, "www.example.net")
    for _ in range(4):
        ask(daemon, "www.example.org")
        ask(daemon, "elsewhere.test", "MX", dns.query.tcp)
    ask(daemon, "elsewhere.test", address="::1")

    def logged(**wanted):
        return [line for line in lines(daemon) if line["message"] == "query" and wanted.items() <= line.items()]

    daemon.eventually(lambda: len(logged(rcode="REFUSED")) >= 4 and len(logged(name="www.example.net.")) >= 2, "the queries")
    daemon.stop()
    # Each of two workers counts for itself.
    assert 2 <= len(logged(name="www.example.net.")) <= 4 and logged(name="www.example.org.") == []
    refused = logged(rcode="REFUSED")
    assert len(refused) == 4
    assert {(line["name"], line["type"], line["transport"], line["level"]) for line in refused} == \
        {("elsewhere.test.", "MX", "tcp", "info")}
    assert all(re.fullmatch(r"127\.0\.0\.1@\d+", line["client"]) and int(line["octets"]) > 12 for line in refused)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines(daemon))


def test_level_and_logfmt_after_a_reload(pop):
    daemon = pop("log: {level: debug}\n")
    text = daemon.configuration.read_text()
    daemon.configuration.write_text(text.replace("{level: debug}", "{level: warning, format: logfmt}"))
    daemon.reload()
    daemon.write_zone("example.org", "@ SOA broken\n")
    before = len(daemon.log())
    daemon.reload()
    daemon.wait_log(r'(?m)^time=\S+Z level=error part=server msg=".*example\.org\.zone:1: error: ')
    assert not re.search(r"level=info", daemon.log()[before:])


def test_the_journal_gets_fields(pop, tmp_path):
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        journal.settimeout(30)
        daemon = pop(f"log:\n  target: {path}\n  queries: [{{zone: example.org}}]\n")
        ask(daemon, "www.example.org")
        while True:
            fields = dict(line.split("=", 1) for line in journal.recv(8192).decode().splitlines())
            if fields["MESSAGE"] == "query" and fields["HITHER_NAME"] == "www.example.org.":
                break
        assert fields["SYSLOG_IDENTIFIER"] == "hitherd" and fields["PRIORITY"] == "6"
        assert fields["HITHER_PART"] == "server" and fields["HITHER_RCODE"] == "NOERROR"
        daemon.stop()
