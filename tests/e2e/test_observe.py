# SPDX-License-Identifier: BSD-2-Clause
"""What monitoring reads: the metrics, judged by Prometheus' own tool, and /status, by its schema."""
import json
import subprocess
import time

import dns.message
import dns.query
import jsonschema

from observed import PREFIX, ZONE, observed, schema_path  # noqa: F401


def ask(daemon, name, rtype="A", address="127.0.0.1", how=dns.query.udp, **options):
    return how(dns.message.make_query(name, rtype, **options), address, port=daemon.port, timeout=20)


def test_promtool_finds_nothing_wrong(observed):
    ask(observed, "www.example.org")
    text = observed.get("/metrics")[1]
    run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60,
                         check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_metrics_of_the_route(observed):
    observed.eventually(lambda: observed.metrics().get(f'hither_prefix_state{{prefix="{PREFIX}",state="up"}}') == 1, "up")
    metrics = observed.metrics()
    assert metrics[f'hither_prefix_state{{prefix="{PREFIX}",state="withdrawn"}}'] == 0
    assert metrics['hither_bgp_session_established{neighbor="127.0.0.1"}'] == 1
    assert metrics['hither_bgp_session_established{neighbor="127.0.0.2"}'] == 0
    assert metrics['hither_bgp_messages_total{neighbor="127.0.0.1",direction="out"}'] >= 3
    assert metrics['hither_bgp_announced_prefixes{neighbor="127.0.0.1"}'] >= 1
    since = metrics['hither_bgp_session_change_timestamp_seconds{neighbor="127.0.0.1"}']
    assert metrics["process_start_time_seconds"] - 60 < since <= time.time() + 1
    assert metrics[f'hither_check_good{{address="127.0.0.1@{observed.port}",transport="UDP"}}'] == 1
    assert metrics['hither_other_check_good{check="disk"}'] == 0
    assert metrics["hither_fleet_pops"] >= 1
    assert metrics["hither_announcer_resident_memory_bytes"] > 2 ** 20


def test_metrics_of_zones(observed):
    before = observed.metrics()
    for _ in range(5):
        ask(observed, "www.example.org")
    ask(observed, "no.such.name.nsec.example")
    ask(observed, "elsewhere.test")
    after = observed.metrics()
    more = {zone: after[f'hither_zone_queries_total{{zone="{zone}"}}'] - before[f'hither_zone_queries_total{{zone="{zone}"}}']
            for zone in ["example.org.", "nsec.example.", "others"]}
    # The checks ask each zone now and then too.
    assert more["example.org."] >= 5 and more["nsec.example."] >= 1 and more["others"] == 0
    assert after['hither_zone_signature_end_timestamp_seconds{zone="nsec.example."}'] == 2114380800
    assert 'hither_zone_signature_end_timestamp_seconds{zone="example.org."}' not in after
    digests = [sample for sample in after if sample.startswith('hither_zone_info{zone="example.org.",state="served",digest="')]
    assert len(digests) == 1


def test_counts_of_traffic(observed):
    before = observed.metrics()
    ask(observed, "www.example.org", address="::1")
    ask(observed, "www.example.org", how=dns.query.tcp)
    cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"clientck")
    given = ask(observed, "www.example.org", use_edns=0, options=[cookie]).options[0]
    ask(observed, "www.example.org", use_edns=0, options=[given])
    after = observed.metrics()
    more = {name: after[name] - before[name] for name in after if name in before}
    assert more['hither_queries_total{transport="udp",family="ipv6"}'] >= 1
    assert more['hither_cookies_total{parts="client"}'] == 1 and more['hither_cookies_total{parts="both"}'] == 1
    for family in ["hither_answer_latency_seconds", "hither_answer_size_bytes"]:
        for transport in ["udp", "tcp"]:
            count = after[f'{family}_count{{transport="{transport}"}}']
            assert 0 < count == after[f'{family}_bucket{{transport="{transport}",le="+Inf"}}']
            assert after[f'{family}_sum{{transport="{transport}"}}'] > 0
    assert sum(after[f'hither_worker_queries_total{{worker="{i}"}}'] for i in range(2)) >= 4
    assert all(after[f'hither_worker_cpu_seconds_total{{worker="{i}"}}'] > 0 for i in range(2))
    assert all(after[f'hither_worker_loop_lag_seconds{{worker="{i}"}}'] >= 0 for i in range(2))


def test_reloads_are_counted_and_timed(observed):
    def reload(text):
        observed.write_zone("example.org", text)
        subprocess.run([observed.programs / "hither", "-c", observed.configuration, "reload"], capture_output=True,
                       timeout=60, check=False)
        return observed.metrics()

    before = observed.metrics()
    broken = reload("@ SOA broken\n")
    assert broken['hither_reloads_total{outcome="refused"}'] == before['hither_reloads_total{outcome="refused"}'] + 1
    assert broken["hither_last_reload_good"] == 0
    mended = reload(ZONE.format(serial=2))
    assert mended['hither_reloads_total{outcome="done"}'] == before['hither_reloads_total{outcome="done"}'] + 1
    assert mended["hither_last_reload_good"] == 1 and mended["hither_last_reload_duration_seconds"] > 0
    assert mended['hither_zone_serial{zone="example.org."}'] == 2


def test_status_keeps_its_schema(observed):
    schema = json.loads(schema_path().read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    observed.eventually(lambda: (json.loads(observed.get("/status")[1])["announcer"] or {}).get("health"), "checks")
    status = json.loads(observed.get("/status")[1])
    jsonschema.validate(status, schema)
    assert status["announcer"]["fleet"] and status["announcer"]["announce"]["neighbors"]
    del status["announcer"]["route"]
    try:
        jsonschema.validate(status, schema)
    except jsonschema.ValidationError:
        return
    raise AssertionError("a status without a route keeps the schema, so the schema says nothing")
