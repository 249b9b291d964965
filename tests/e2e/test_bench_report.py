# SPDX-License-Identifier: BSD-2-Clause
"""What bench/run makes of its samples: zones, medians of ratios within rounds, and pictures that are XML."""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

from harness import gauge, plot, report, servers, zones  # noqa: E402

FACTS = {"when": "now", "cores": 2, "cpu": "a processor", "kernel": "6.0", "load": 0.0, "rounds": 3, "seconds": 1,
         "names": 1000, "hot_names": 10, "fixed_rate": 100, "quick": False, "generator": "kxdpgun",
         "generator_why": None, "versions": {"echo": "the limit", "hither": "hither 1"}}


def step(server, number, rate, answers, cpu_ns):
    return {"topic": "hot", "round": number, "server": server, "rate": rate, "offered": rate, "answers": answers,
            "replies": answers, "wrong": 0, "cpu_ns": cpu_ns, "napi_ns": 0, "agrees": True}


@pytest.fixture
def samples():
    """In the second round the machine is half as fast, for both."""
    made = []
    for number, pace in enumerate((1, 2, 1)):
        made += [step("echo", number, 100, 100, 1000 * pace), step("echo", number, 1000, 800 // pace, 900 * pace),
                 step("hither", number, 100, 100, 1100 * pace), step("hither", number, 1000, 600 // pace, 990 * pace)]
    return made


def test_ratio_is_taken_within_its_round(samples, tmp_path):
    report.write(str(tmp_path / "R.md"), FACTS, samples)
    line = next(line for line in (tmp_path / "R.md").read_text().splitlines() if line.startswith("| hither"))
    assert "600 (300–600)" in line
    assert "0.75 (0.75–0.75)" in line
    assert "1.10 (1.10–1.10)" in line


def test_doubts_are_on_the_page(samples, tmp_path):
    samples[0]["agrees"] = False
    samples[3]["wrong"] = 7
    report.write(str(tmp_path / "R.md"), FACTS, samples)
    page = (tmp_path / "R.md").read_text()
    assert "In 1 steps the two counts of answers" in page
    assert "In 1 steps some answers had another rcode" in page


def test_data_survives_being_kept(samples, tmp_path):
    page = str(tmp_path / "R.md")
    report.save(page, FACTS, samples)
    assert report.load(page) == (FACTS, samples)


def test_picture_shows_every_series(samples, tmp_path):
    report.write(str(tmp_path / "R.md"), FACTS, samples)
    root = ElementTree.parse(tmp_path / "hot.svg").getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"echo", "hither"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


@pytest.mark.parametrize("top, last", [(0, 1), (1, 1), (7, 8), (100, 100), (101, 125), (299_000, 300_000)])
def test_axis_ends_at_or_above_the_most(top, last):
    assert plot.nice_ticks(top)[0] == 0
    assert plot.nice_ticks(top)[-1] == pytest.approx(last)


def test_counts_must_agree_unless_the_generator_was_overrun():
    assert gauge.counts_agree(1000, 1000, overrun=False)
    assert not gauge.counts_agree(1000, 900, overrun=False)
    assert gauge.counts_agree(1000, 900, overrun=True)
    assert not gauge.counts_agree(1000, 1100, overrun=True)


def test_owners_are_all_different():
    assert len({zones.owner(i) for i in range(100_000)}) == 100_000


def test_serial_is_rewritten_where_it_stands(tmp_path):
    path = tmp_path / "zone"
    zones.write_zone(path, "bench.example", 3)
    before = path.read_text()
    zones.set_serial(path, 4_294_967_295)
    after = path.read_text()
    assert len(before) == len(after)
    assert after.splitlines()[2].split()[4] == "4294967295"
    assert before.splitlines()[3:] == after.splitlines()[3:]


def test_questions_are_names_of_the_zone_once_each(tmp_path):
    path = tmp_path / "questions"
    zones.write_questions(path, "bench.example", 50, 50)
    assert sorted(path.read_text().splitlines()) == sorted(f"{zones.owner(i)}.bench.example A" for i in range(50))


def test_unknown_server_is_refused():
    with pytest.raises(ValueError, match="unbound"):
        servers.names_of("echo,unbound")
