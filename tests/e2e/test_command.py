# SPDX-License-Identifier: BSD-2-Clause
"""The `hither` command: what it prints, what it exits with; against files, and against a socket that plays hitherd."""
import json
import os
import pathlib
import pty
import socket
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HITHER = pathlib.Path(os.environ.get("HITHER_BUILD", ROOT / "build-asan")) / "server" / "hither"

ZONE = """$ORIGIN {name}.
$TTL 3600
@ SOA ns.example.net. hostmaster.example.net. 7 3600 900 604800 300
@ NS ns.example.net.
www A 192.0.2.1
"""


def hither(*arguments, **options):
    return subprocess.run([HITHER, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, **options)


@pytest.fixture
def configuration(tmp_path):
    """A good one, with one zone."""
    path = tmp_path / "hither.yaml"
    path.write_text("server:\n  listen: [127.0.0.1@5353]\n  control: control.sock\n"
                    "zones:\n  - {name: example.com, file: example.com.zone}\n")
    (tmp_path / "example.com.zone").write_text(ZONE.format(name="example.com"))
    return path


class Player:
    """Answers each connection to a control socket with the next of its replies; keeps the requests."""

    def __init__(self, path, replies):
        self.requests, self.replies = [], list(replies)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()

    def play(self):
        for reply in self.replies:
            client, _ = self.socket.accept()
            with client, client.makefile("rw") as stream:
                self.requests.append(json.loads(stream.readline()))
                stream.write(reply if isinstance(reply, str) else json.dumps(reply) + "\n")


@pytest.fixture
def play(configuration):
    players = []

    def start(*replies):
        players.append(Player(configuration.parent / "control.sock", replies))
        return players[-1]

    yield start
    for player in players:
        player.socket.close()


STATUS = {"ok": True, "identity": "chi-1", "version": "0.1.0", "uptime_s": 60,
          "route": {"state": "up", "since_s": 30, "why": "all checks are good"},
          "server": {"serving": True, "workers": 2, "queries": 1234, "zones": {"served": 1, "failed": 0}}}


# --- the command line ---


def test_help_lists_every_command():
    run = hither("--help")
    assert run.returncode == 0
    for command in ["status", "why", "drain", "resume", "reload", "zones", "check", "compile"]:
        assert f"\n  {command}" in run.stdout
        about = hither("help", command)
        assert about.returncode == 0 and about.stdout.startswith(f"hither {command}")
        assert hither(command, "--help").stdout == about.stdout


def test_version():
    run = hither("--version")
    assert run.returncode == 0 and run.stdout.startswith("hither ")


@pytest.mark.parametrize("arguments", [
    [], ["dance"], ["status", "too", "much"], ["compile"], ["compile", "one"], ["check", "a", "b"], ["--colour"],
    ["help", "dance"], ["status", "--reason", "x"], ["reload", "-o", "x"], ["compile", "a..b", "file"],
])
def test_wrong_command_lines_are_usage_errors(arguments):
    run = hither(*arguments)
    assert run.returncode == 2
    assert run.stdout == "" and run.stderr != ""


# --- check ---


def test_check_of_a_good_configuration(configuration):
    run = hither("check", configuration)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"{configuration}: good; 1 zone, 2 names, 3 records\n"
    assert hither("-c", configuration, "check").stdout == run.stdout


def test_check_shows_all_findings_of_a_configuration(configuration):
    configuration.write_text("server:\n  lisen: []\n  listen: [127.0.0.1@x]\n  workers: -1\n")
    run = hither("check", configuration)
    assert run.returncode == 1
    for line, part in [(2, "did you mean 'listen'?"), (3, "is not a port"), (4, "write 0 to 64")]:
        assert any(row.startswith(f"{configuration}:{line}: error: ") and part in row for row in run.stdout.splitlines())
    assert run.stdout.endswith(f"{configuration}: 3 errors, 1 warning\n")
    assert "\033" not in run.stdout


def test_check_shows_findings_of_zones(configuration):
    zone = configuration.parent / "example.com.zone"
    zone.write_text(zone.read_text() + "mail A 192.0.2.300\n")
    run = hither("check", configuration)
    assert run.returncode == 1
    assert f"{zone}:6: error: " in run.stdout


def test_check_of_a_configuration_that_is_not_there(tmp_path):
    run = hither("check", tmp_path / "none.yaml")
    assert run.returncode == 1
    assert "No such file" in run.stdout


def test_check_as_json(configuration):
    run = hither("check", "--json", configuration)
    report = json.loads(run.stdout)
    assert run.returncode == 0 and report["ok"] and report["findings"] == [] and report["zones"] == 1
    configuration.write_text("health: {fall: 0}\nserver: {listen: [127.0.0.1]}\n")
    run = hither("check", "--json", configuration)
    report = json.loads(run.stdout)
    assert run.returncode == 1 and not report["ok"]
    assert [(f["level"], f["line"]) for f in report["findings"]] == [("warning", 0), ("error", 1)]


def test_check_of_one_zone_file(configuration):
    zone = configuration.parent / "example.com.zone"
    run = hither("check", zone)
    assert run.returncode == 0 and run.stdout.startswith(f"{zone}: good; 1 zone")
    zone.write_text("@ A 192.0.2.1\n")
    run = hither("check", zone)
    assert run.returncode == 1 and f"{zone}" in run.stdout and "error" in run.stdout


# --- compile ---


def test_compile_gives_the_same_bytes_each_time(configuration, tmp_path):
    zone = configuration.parent / "example.com.zone"
    first = hither("compile", "example.com", zone, "-o", tmp_path / "a.image")
    assert (first.returncode, first.stderr) == (0, "")
    assert "serial 7, " in first.stdout
    second = hither("compile", "example.com", zone, cwd=tmp_path)
    assert second.returncode == 0
    assert (tmp_path / "a.image").read_bytes() == (tmp_path / "example.com.image").read_bytes()


def test_compile_as_json(configuration, tmp_path):
    zone = configuration.parent / "example.com.zone"
    run = hither("compile", "--json", "example.com", zone, "-o", tmp_path / "a.image")
    report = json.loads(run.stdout)
    assert run.returncode == 0 and report["ok"] and report["serial"] == 7 and report["zone"] == "example.com."
    assert report["octets"] == (tmp_path / "a.image").stat().st_size


def test_compile_of_a_broken_zone_writes_nothing(configuration, tmp_path):
    zone = configuration.parent / "example.com.zone"
    zone.write_text(zone.read_text() + "x BOGUS y\n")
    run = hither("compile", "example.com", zone, "-o", tmp_path / "a.image")
    assert run.returncode == 1 and f"{zone}:6: error: " in run.stderr
    assert not (tmp_path / "a.image").exists()


def test_compile_to_a_place_that_is_not_there(configuration, tmp_path):
    run = hither("compile", "example.com", configuration.parent / "example.com.zone", "-o", tmp_path / "no" / "a")
    assert run.returncode == 1 and "can't be written: No such file or directory" in run.stderr


def test_compile_shows_progress_on_a_terminal(tmp_path):
    """After a tenth of a second; this zone takes several times that on the fastest machine."""
    zone = tmp_path / "large.zone"
    with open(zone, "w", encoding="ascii") as out:
        out.write(ZONE.format(name="large"))
        out.writelines(f"h{i} A 192.0.2.{i % 256}\n" for i in range(800000))
    ours, theirs = pty.openpty()
    with subprocess.Popen([HITHER, "compile", "large", zone, "-o", tmp_path / "a.image"], stderr=theirs,
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as run:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            pass  # The other end of a terminal is gone.
        os.close(ours)
        assert run.wait(60) == 0
    assert b"records" in shown and b"\r" in shown


# --- asking ---


def test_nobody_to_ask(configuration):
    run = hither("-c", configuration, "status")
    assert run.returncode == 3 and run.stdout == ""
    assert f"can't reach hitherd at {configuration.parent / 'control.sock'}: No such file or directory" in run.stderr
    assert "is hitherd running?" in run.stderr


def test_stale_socket(configuration):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(configuration.parent / "control.sock"))
    run = hither("-c", configuration, "status")
    assert run.returncode == 3 and "Connection refused" in run.stderr


def test_configuration_that_does_not_tell_the_socket(configuration):
    configuration.write_text("server: [\n")
    run = hither("-c", configuration, "status")
    assert run.returncode == 3
    assert f"{configuration}:" in run.stderr and "--socket PATH" in run.stderr


def test_a_wrong_value_elsewhere_does_not_matter(configuration, play):
    configuration.write_text(configuration.read_text() + "health: {fall: 0}\n")
    play(STATUS)
    assert hither("-c", configuration, "status").returncode == 0


def test_status(configuration, play):
    player = play(STATUS, STATUS)
    run = hither("-c", configuration, "status")
    assert (run.returncode, run.stderr) == (0, "")
    assert "chi-1  hither 0.1.0, up 1 min\nannounced for 30 s: all checks are good\n" in run.stdout
    run = hither("status", "--json", "--socket", configuration.parent / "control.sock")
    assert run.returncode == 0 and json.loads(run.stdout) == STATUS
    assert player.requests == [{"command": "status"}] * 2


@pytest.mark.parametrize("arguments, request_sent", [
    (["why"], {"command": "why"}), (["zones"], {"command": "zones"}), (["resume"], {"command": "resume"}),
    (["drain", "--reason", "new disk"], {"command": "drain", "reason": "new disk"}),
    (["reload"], {"command": "reload"}), (["reload", "example.com"], {"command": "reload", "zone": "example.com"}),
])
def test_requests(configuration, play, arguments, request_sent):
    player = play({"ok": True, "message": "done it"})
    assert hither("-c", configuration, *arguments).returncode == 0
    assert player.requests == [request_sent]


def test_a_refusal(configuration, play):
    refusal = {"ok": False, "error": "one zone is refused", "findings":
               [{"file": "a.zone", "line": 7, "level": "error", "text": "that is no address"}]}
    play(refusal, refusal)
    run = hither("-c", configuration, "reload")
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr == "a.zone:7: error: that is no address\nhither: one zone is refused\n"
    run = hither("-c", configuration, "reload", "--json")
    assert run.returncode == 1 and json.loads(run.stdout) == refusal


@pytest.mark.parametrize("reply, part", [("nonsense\n", "isn't hitherd"), ("[]\n", "isn't hitherd"), ("", "reset"),
                                         ('{"ok": tr', "reset")])
def test_answers_that_are_none(configuration, play, reply, part):
    play(reply)
    run = hither("-c", configuration, "status")
    assert run.returncode == 3 and part in run.stderr


def test_a_large_reply(configuration, play):
    zones = [{"name": f"zone-{i}.example.", "state": "served", "serial": i, "names": 3, "loaded_unix_s": 1}
             for i in range(50000)]
    play({"ok": True, "zones": zones})
    run = hither("-c", configuration, "zones")
    assert run.returncode == 0 and len(run.stdout.splitlines()) == 50001
