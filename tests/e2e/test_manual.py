# SPDX-License-Identifier: BSD-2-Clause
"""Manual pages and completions say what the programs and the configuration's schema say, and others' tools take them."""
import json
import os
import re
import subprocess
import sys

import pytest

from daemon import BUILD, ROOT

HITHER = BUILD / "server/hither"
# What a shell would offer behind these words, and some of what it mustn't.
OFFERED = [("hither dr", {"drain"}, {"zones"}), ("hither help co", {"compile"}, {"drain"}), ("hither drain --fo", {"--for", "--force"}, {"--reason"}),
           ("hither status --", {"--json", "--config"}, {"--force", "--output"}), ("hither --config x re", {"reload", "resume"}, {"--reason"})]


def made(what, source=HITHER):
    run = subprocess.run([sys.executable, ROOT / "deploy/man/make.py", what, source], capture_output=True, text=True, timeout=60,
                         check=True)
    return run.stdout


def table():
    return json.loads(subprocess.run([HITHER, "help", "--json"], capture_output=True, timeout=60, check=True).stdout)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """{name: (path, text as a reader sees it)}"""
    directory = tmp_path_factory.mktemp("man")
    texts = {"hither.1": made("hither.1"), "hither.yaml.5": made("hither.yaml.5", ROOT / "README.md"),
             "hitherd.8": (ROOT / "deploy/man/hitherd.8").read_text()}
    found = {}
    for name, text in texts.items():
        path = directory / name
        path.write_text(text)
        shown = subprocess.run(["man", "-l", path], capture_output=True, text=True, timeout=60, check=True,
                               env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C"}).stdout
        found[name] = (path, shown)
    return found


def test_man_warns_of_nothing(pages):
    for name, (path, _) in pages.items():
        run = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], capture_output=True, text=True,
                             timeout=60, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert (run.returncode, run.stderr) == (0, ""), name


def test_the_command_has_all_commands_and_options(pages):
    said, text = table(), pages["hither.1"][1]
    assert len(said["commands"]) >= 10
    for command in said["commands"]:
        assert re.search(rf"(?m)^ +{command['name']}\b", text), command["name"]
    for option in said["options"]:
        assert f"--{option['name']}" in text, option["name"]
    shown = subprocess.run([HITHER, "help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert all(command["does"] in shown for command in said["commands"])


def test_the_daemon_has_all_options(pages):
    shown = subprocess.run([BUILD / "server/hitherd", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    wanted = set(re.findall(r"--[a-z-]+", shown))
    assert {"--config", "--check"} <= wanted
    assert wanted == set(re.findall(r"--[a-z][a-z-]*", pages["hitherd.8"][1]))


def test_the_configuration_has_all_keys(pages):
    schema = (ROOT / "server/config/schema.c").read_text()
    keys = set(re.findall(r'FIELD_[A-Z_]+\("([a-z0-9-]+)"', schema))
    assert len(keys) > 60
    named = set(re.findall(r"(?m)^ +((?:[a-z0-9-]+\.)*[a-z0-9-]+)(?:: .*)?$", pages["hither.yaml.5"][1]))
    sections = {heading.lower() for heading in re.findall(r"(?m)^([A-Z]+)$", pages["hither.yaml.5"][1])}
    assert keys - {path.rsplit(".", 1)[-1] for path in named} - sections == set()
    # Nothing that isn't a key is shown as one.
    assert {path.rsplit(".", 1)[-1] for path in named if "." in path} - keys == set()


def offered_by_bash(line, directory):
    script = f"""source {directory}/bash; COMP_WORDS=({line}); [[ '{line}' != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _hither; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return set(subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout.split())


def offered_by_fish(line, directory):
    script = f"source {directory}/fish; complete -C '{line}'"
    run = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=60, check=True,
                         env={**os.environ, "HOME": str(directory)})
    return {row.split("\t")[0] for row in run.stdout.splitlines()}


def test_shells_complete(tmp_path):
    for shell in ["bash", "zsh", "fish"]:
        (tmp_path / shell).write_text(made(shell))
        run = subprocess.run([shell, "-n", tmp_path / shell], capture_output=True, text=True, timeout=60, check=False)
        assert (run.returncode, run.stderr) == (0, ""), shell
    for ask in [offered_by_bash, offered_by_fish]:
        for line, wanted, unwanted in OFFERED:
            got = ask(line, tmp_path)
            assert wanted <= got and not unwanted & got, (ask.__name__, line, got)
        assert {command["name"] for command in table()["commands"]} <= ask("hither ", tmp_path)


def test_zsh_offers_each_command(tmp_path):
    (tmp_path / "_hither").write_text(made("zsh"))
    # compadd is where everything ends that zsh offers.
    script = f"""fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -D -u
        source <(sed 's/^_hither "\\$@"$//' {tmp_path}/_hither)
        _arguments() {{ print -l -- "$@" }}; _describe() {{ }}
        words=(hither drain ''); CURRENT=3; _hither; words=(hither ''); CURRENT=2; _hither; typeset -f _hither"""
    run = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    said = table()
    assert all(f"{command['name']}:" in run.stdout for command in said["commands"])
    assert all(f"--{option['name']}[" in run.stdout for option in said["options"])
