# SPDX-License-Identifier: BSD-2-Clause
"""What an operator does with a running hitherd: the command, the metrics, the page."""
import json
import subprocess
import urllib.error
import urllib.request

import dns.message
import dns.query
import pytest

from daemon import Daemon, free_port

ZONE = """$TTL 300
@ SOA ns1 hostmaster {serial} 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""


class Operated(Daemon):
    """With HTTP, prefixes, and probes so rare that they don't count."""

    def __init__(self, directory, zones, interval="100ms"):
        super().__init__(directory, zones)
        self.http = free_port()
        text = self.configuration.read_text()
        text = text.replace("  workers: 2\n", f"  workers: 2\n  http: 127.0.0.1@{self.http}\n")
        self.configuration.write_text(f"{text}  prefixes: [127.0.0.0/8]\n  drain-wait: 0\n"
                                      f"health: {{interval: {interval}, rise: 1}}\n")

    def hither(self, *arguments):
        return subprocess.run([self.programs / "hither", "-c", self.configuration, *arguments], capture_output=True,
                              text=True, timeout=self.patience_s, check=False, stdin=subprocess.DEVNULL)

    def ask_json(self, *arguments):
        run = self.hither(*arguments, "--json")
        assert run.returncode == 0, f"{run.stdout}{run.stderr}{self.log()}"
        return json.loads(run.stdout)

    def get(self, path):
        """(status, text)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, line):
        status, text = self.get("/metrics")
        assert status == 200
        return next((float(row.rsplit(" ", 1)[1]) for row in text.splitlines() if row.rsplit(" ", 1)[0] == line), None)

    def route(self, state):
        self.eventually(lambda: self.ask_json("status")["route"]["state"] == state, f"the route to be {state}")


@pytest.fixture
def operated(tmp_path):
    daemon = Operated(tmp_path / "pop", {"example.org": ZONE.format(serial=1)})
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def quiet(tmp_path):
    daemon = Operated(tmp_path / "pop", {"example.org": ZONE.format(serial=1)}, interval="60s")
    daemon.start()
    yield daemon
    daemon.stop()


def test_status_and_why(operated):
    operated.route("up")
    run = operated.hither("status")
    assert run.returncode == 0 and run.stdout.startswith("tested  hither ") and "\nup for " in run.stdout
    status = operated.ask_json("status")
    assert status["identity"] == "tested" and status["server"]["zones"]["served"] == 1
    why = operated.hither("why")
    assert why.returncode == 0 and "checks of the last round" in why.stdout


def test_zones(operated):
    (zone,) = operated.ask_json("zones")["zones"]
    assert (zone["name"], zone["state"], zone["serial"], zone["names"]) == ("example.org.", "served", 1, 3)
    assert operated.hither("zones").stdout.splitlines()[1].startswith("example.org. served            1 ")


def test_reload_answers_when_it_is_done(operated):
    for serial in range(2, 6):
        operated.write_zone("example.org", ZONE.format(serial=serial))
        run = operated.hither("reload")
        assert (run.returncode, run.stderr) == (0, ""), operated.log()
        assert operated.ask_json("zones")["zones"][0]["serial"] == serial


def test_reload_of_one_zone(operated):
    operated.write_zone("example.org", ZONE.format(serial=9))
    assert operated.hither("reload", "example.org").returncode == 0
    assert operated.ask_json("zones")["zones"][0]["serial"] == 9
    run = operated.hither("reload", "example.net")
    assert run.returncode == 1 and "example.net" in run.stderr


def test_a_broken_zone_is_refused_with_its_line(operated):
    operated.write_zone("example.org", ZONE.format(serial=2) + "x A 192.0.2.999\n")
    run = operated.hither("reload")
    assert run.returncode == 1 and f"{operated.directory / 'example.org.zone'}:6: error: " in run.stderr
    (zone,) = operated.ask_json("zones")["zones"]
    assert (zone["state"], zone["serial"]) == ("stale", 1)
    assert operated.metric('hither_zones{state="stale"}') == 1


def test_a_broken_configuration_is_refused_with_its_line(operated):
    good = operated.configuration.read_text()
    operated.configuration.write_text(good.replace("  workers: 2", "  workers: two"))
    run = operated.hither("reload")
    assert run.returncode == 1 and f"{operated.configuration}:4: error: server.workers is 'two'" in run.stderr
    operated.configuration.write_text(good)
    assert operated.hither("reload").returncode == 0


def test_drain_and_resume(operated):
    operated.route("up")
    assert operated.get("/healthz")[0] == 200
    assert operated.hither("drain", "--reason", "new disk").returncode == 0
    operated.route("withdrawn")
    assert ": drained: new disk\n" in operated.hither("status").stdout
    operated.eventually(lambda: operated.get("/healthz") == (503, "withdrawn: drained: new disk\n"), "the reason")
    assert "withdrawn for " in operated.hither("why").stdout
    answer = dns.query.udp(dns.message.make_query("www.example.org", "A"), "127.0.0.1", port=operated.port, timeout=20)
    assert answer.answer, "drained, but it still answers"
    assert operated.hither("resume").returncode == 0
    operated.route("up")
    operated.eventually(lambda: operated.get("/healthz")[0] == 200, "health")


def test_each_query_counts_once(quiet):
    names = {"udp": 'hither_queries_total{transport="udp",family="ipv4"}', "tcp": 'hither_queries_total{transport="tcp",family="ipv4"}',
             "mx": 'hither_queries_by_type_total{type="MX"}', "in": "hither_received_bytes_total",
             "out": "hither_sent_bytes_total", "answers": "hither_answers_total",
             "zone": 'hither_zone_queries_total{zone="example.org."}'}
    query = dns.message.make_query("www.example.org", "MX")
    quiet.route("up")  # The probes are done for a minute.
    before = {key: quiet.metric(line) or 0 for key, line in names.items()}
    octets_out = 0
    for ask in [dns.query.udp] * 7 + [dns.query.tcp] * 3:
        octets_out += len(ask(query, "127.0.0.1", port=quiet.port, timeout=20).to_wire())
    more = {key: (quiet.metric(line) or 0) - before[key] for key, line in names.items()}
    framing = 3 * 2
    assert more == {"udp": 7, "tcp": 3, "mx": 10, "in": 10 * len(query.to_wire()) + framing, "out": octets_out + framing,
                    "answers": 10, "zone": 10}


def test_status_over_http(operated):
    operated.route("up")
    operated.eventually(lambda: (json.loads(operated.get("/status")[1])["announcer"] or {}).get("route"), "its half")
    status = json.loads(operated.get("/status")[1])
    assert status["identity"] == "tested" and status["announcer_alive"]
    assert [zone["name"] for zone in status["zones"]] == ["example.org."]
    assert operated.metric('hither_zone_serial{zone="example.org."}') == 1
    assert operated.metric('hither_route_state{state="up"}') == 1


def test_the_page(operated):
    status, page = operated.get("/")
    assert status == 200 and page.startswith("<!doctype html>")
    assert operated.get("/other")[0] == 404
