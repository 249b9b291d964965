#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts what a tool's report says: prints `PASSED FAILED SKIPPED` and writes the failures' names to a file.

    tally.py unit BUILD FAILURES           Check's TAP files and meson's log of the programs' exit statuses
    tally.py pytest NAME REPORT FAILURES   pytest's JUnit XML
"""
import json
import pathlib
import sys
import xml.etree.ElementTree


def tally_unit(build):
    """A program that died, or that ran no test, is a failure even when what it reported before was good."""
    passed, failures = 0, []
    log = pathlib.Path(build, "meson-logs/testlog.json")
    for line in log.read_text().splitlines():
        run = json.loads(line)
        name = run["name"].split(" / ")[-1]
        tap = pathlib.Path(build, "tests/unit", name + ".tap")
        text = tap.read_text() if tap.exists() else ""
        good = sum(t.startswith("ok ") for t in text.splitlines())
        bad = [t for t in text.splitlines() if t.startswith("not ok ")]
        passed += good
        failures += [f"unit: {name}: {t}" for t in bad]
        if run["result"] != "OK" and not bad:
            failures.append(f"unit: {name}: {run['result']} (exit status {run['returncode']})")
        elif good + len(bad) == 0:
            failures.append(f"unit: {name}: reported no test")
    if not passed and not failures:
        failures.append("unit: no test was run")
    return passed, failures, 0


def tally_pytest(name, report):
    """No report means that pytest itself failed."""
    if not pathlib.Path(report).exists():
        return 0, [f"{name}: pytest left no report"], 0
    passed, skipped, failures = 0, 0, []
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(f"{name}: {case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    if not passed and not skipped and not failures:
        failures.append(f"{name}: no test was run")
    return passed, failures, skipped


def main():
    kind, *arguments, failures_file = sys.argv[1:]
    passed, failures, skipped = (tally_unit if kind == "unit" else tally_pytest)(*arguments)
    pathlib.Path(failures_file).write_text("".join(f + "\n" for f in failures))
    print(passed, len(failures), skipped)


main()
