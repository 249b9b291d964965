# SPDX-License-Identifier: BSD-2-Clause
"""The alert rules and the dashboard: sound by Prometheus' own tool, and about metrics that hitherd has."""
import json
import re
import subprocess

import yaml

from daemon import ROOT
from observed import observed  # noqa: F401

RULES = ROOT / "deploy/prometheus"


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], cwd=RULES, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def names(expression):
    """Of the metrics in it, and the labels that it picks from each."""
    for name, labels in re.findall(r"((?:hither|process)_\w+)(?:\{([^}]*)\})?", expression):
        yield name, re.findall(r"(\w+)=~?\"", labels)


def expressions():
    for rule in yaml.safe_load((RULES / "alerts.yaml").read_text())["groups"][0]["rules"]:
        yield rule["expr"]
    board = json.loads((ROOT / "deploy/grafana/hither.json").read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (annotation["expr"] for annotation in board["annotations"]["list"])


def test_promtool_takes_the_rules():
    promtool("check", "rules", "alerts.yaml")
    promtool("test", "rules", "alerts_test.yaml")


def test_what_they_ask_for_is_there(observed):
    observed.eventually(lambda: any(name.startswith("hither_prefix_state") for name in observed.metrics()), "prefixes")
    there = {}
    for sample in observed.metrics():
        name, _, labels = sample.partition("{")
        there.setdefault(name, set()).update(re.findall(r"(\w+)=\"", labels))
    asked = [ask for expression in expressions() for ask in names(expression)]
    assert len(asked) > 30
    for name, labels in asked:
        assert name in there, f"hitherd has no {name}"
        assert set(labels) - {"instance", "job"} <= there[name], f"{name} has no such label: {labels}"
