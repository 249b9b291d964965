# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package under the real systemd, as an operator meets it: installed, reloaded, upgraded, hung, purged."""
import json
import re
import shutil
import subprocess
import textwrap
import time

import pytest

from machine import Machine, eventually
from routers import ROOT

ZONE = """$TTL 300
@ SOA ns1 hostmaster {serial} 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
# Asks 500 times a second until it is ended by its standard input, and says how many were sent and answered.
CLIENT = """
    import socket, select, struct, sys, time
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", 53))
    sent, answered, due = 0, set(), time.monotonic()
    print("asking", flush=True)
    def hear(until):
        while select.select([s], [], [], max(0, until - time.monotonic()))[0]:
            try:
                answered.add(struct.unpack("!H", s.recv(512)[:2])[0])
            except ConnectionError:
                pass
    while not select.select([sys.stdin], [], [], 0)[0]:
        try:
            s.send(struct.pack("!6H", sent, 0, 1, 0, 0, 0) + b"\\3ns1\\7example\\3org\\0\\0\\1\\0\\1")
        except ConnectionError:
            pass
        sent, due = sent + 1, due + 0.002
        hear(due)
    hear(time.monotonic() + 2)
    print(sent, len(answered))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    directory = tmp_path_factory.mktemp("deb")
    built = subprocess.run([ROOT / "deploy/package", directory], capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stdout + built.stderr
    return directory


@pytest.fixture(scope="module")
def machine(package, tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        for deb in package.glob("hither_*.deb"):
            shutil.copy(deb, machine.shared / "hither.deb")
        (machine.shared / "client.py").write_text(textwrap.dedent(CLIENT))
        machine.boot()
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="module")
def installed(machine):
    machine.run("dpkg", "--install", "/shared/hither.deb")
    write_zone(machine, "example.org", ZONE.format(serial=1))
    machine.run("systemctl", "reload", "hither")
    return machine


def write_zone(machine, name, text):
    (machine.shared / "zone").write_text(text)
    machine.run("cp", "/shared/zone", f"/etc/hither/zones.d/{name}.zone")


def ask(machine, *question):
    return machine.run("dig", "+short", "+norec", "@127.0.0.1", *question, check=False).stdout.strip()


def serial(machine):
    return ask(machine, "example.org", "SOA").split()[2]


def main_pid(machine):
    return machine.run("systemctl", "show", "--property=MainPID", "--value", "hither").stdout.strip()


def journal(machine):
    return machine.run("journalctl", "--no-pager", "--unit=hither").stdout


def test_lintian_has_nothing_to_say(package):
    found = subprocess.run(["lintian", "--allow-root", "--fail-on=warning", *package.glob("*.changes")],
                           capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_it_starts_when_installed_and_answers(installed):
    assert installed.run("systemctl", "is-active", "hither").stdout.strip() == "active"
    assert installed.run("systemctl", "is-enabled", "hither").stdout.strip() == "enabled"
    assert ask(installed, "id.server", "TXT", "CH") != ""
    assert ask(installed, "ns1.example.org", "A") == "192.0.2.53"
    assert "every probe is answered well" in installed.run("hither", "status").stdout


def test_it_runs_without_privileges_it_does_not_need(installed):
    pids = installed.run("pgrep", "--full", "^/usr/sbin/hitherd").stdout.split()
    assert len(pids) == 2
    for pid in pids:
        status = installed.run("cat", f"/proc/{pid}/status").stdout
        user = installed.run("id", "-u", "hither").stdout.strip()
        assert set(re.search(r"Uid:\s+(.*)", status)[1].split()) == {user}
        assert re.search(r"NoNewPrivs:\s+1", status)
        assert re.search(r"Seccomp:\s+2", status)


def test_a_reload_waits_for_its_end(installed):
    write_zone(installed, "example.org", ZONE.format(serial=2))
    installed.run("systemctl", "reload", "hither")
    assert serial(installed) == "2"


def test_a_reload_that_is_refused_fails_and_says_why(installed):
    write_zone(installed, "example.org", ZONE.format(serial=3) + "this is no record\n")
    assert installed.run("systemctl", "reload", "hither", check=False).returncode != 0
    assert "example.org.zone:5" in journal(installed)
    assert serial(installed) == "2"
    write_zone(installed, "example.org", ZONE.format(serial=3))
    installed.run("systemctl", "reload", "hither")
    assert serial(installed) == "3"


def newer(machine):
    """The same package with a greater version."""
    machine.run("dpkg-deb", "--raw-extract", "/shared/hither.deb", "/tmp/newer")
    machine.run("sed", "-i", r"s/^Version: .*/&+1/", "/tmp/newer/DEBIAN/control")
    machine.run("dpkg-deb", "--build", "/tmp/newer", "/tmp/newer.deb")
    return "/tmp/newer.deb"


def test_an_upgrade_loses_no_query(installed):
    before, package = main_pid(installed), newer(installed)
    client = installed.start("python3", "/shared/client.py")
    assert client.stdout.readline() == "asking\n"
    said = installed.run("dpkg", "--install", package).stdout
    time.sleep(1)
    counted, _ = client.communicate("end\n", timeout=60)
    sent, answered = map(int, counted.split())
    assert main_pid(installed) == before, said
    assert "(deleted)" not in installed.run("readlink", f"/proc/{before}/exe").stdout
    assert sent == answered and sent > 100
    assert installed.run("systemctl", "is-active", "hither").stdout.strip() == "active"


def test_systemd_replaces_it_when_both_of_its_processes_hang(installed):
    before = main_pid(installed)
    installed.run("pkill", "--signal", "STOP", "--full", "^/usr/sbin/hitherd")
    eventually(lambda: main_pid(installed) not in (before, "0") and
               ask(installed, "+tries=1", "+time=1", "ns1.example.org", "A") == "192.0.2.53", 60)
    assert "watchdog" in journal(installed).lower()


def play(machine):
    """What ansible-playbook counted when deploy/ansible was played on this machine."""
    played = machine.run("env", "LANG=C.UTF-8", "ansible-playbook", "--connection=local", "--inventory=localhost,",
                         "--extra-vars=@/shared/variables.json", "/shared/ansible/site.yml")
    recap = re.search(r"ok=\d+ .*", played.stdout)[0]
    return played.stdout, {key: int(number) for key, number in re.findall(r"(\w+)=(\d+)", recap)}


def test_the_ansible_role_makes_it_so_and_then_changes_nothing(installed):
    shared = installed.shared
    shutil.copytree(ROOT / "deploy/ansible", shared / "ansible")
    shutil.copytree(ROOT / "zones/zones.d", shared / "played.d")
    (shared / "played.yaml").write_text("""
server:
  identity: played
  listen: [203.0.113.53@53, 127.0.0.1@53]
  state-dir: /var/lib/hither
  control: /run/hither/control.sock
zones:
  - directory: zones.d
announce:
  backend: none
""")
    (shared / "variables.json").write_text(json.dumps({
        "hither_package": "/tmp/newer.deb", "hither_configuration": "/shared/played.yaml", "hither_zones": "/shared/played.d",
        "hither_addresses": ["203.0.113.53/32"]}))
    said, counted = play(installed)
    assert counted["failed"] == 0 and counted["changed"] > 0, said
    assert installed.run("dig", "+short", "@203.0.113.53", "id.server", "TXT", "CH").stdout.strip() == '"played"'
    assert ask(installed, "example.org", "SOA") == "", "a zone that the role doesn't know is still there"
    said, counted = play(installed)
    assert counted["failed"] == counted["changed"] == 0, said
    write_zone(installed, "example.org", ZONE.format(serial=3))
    installed.run("systemctl", "reload", "hither")


def test_it_stops_at_once_and_cleanly(installed):
    installed.run("systemctl", "stop", "hither")
    result = installed.run("systemctl", "show", "--property=Result", "--value", "hither").stdout.strip()
    assert result == "success"
    installed.run("systemctl", "start", "hither")
    assert serial(installed) == "3"


def test_a_purge_leaves_nothing_but_the_operators_zones(installed):
    installed.run("dpkg", "--purge", "hither")
    assert installed.run("pgrep", "--full", "^/usr/sbin/hitherd", check=False).stdout == ""
    left = installed.run("find", "/etc/hither", "/var/lib/hither", "/run/hither", check=False).stdout.split("\n")
    assert [path for path in left if path.startswith("/") and not path.startswith("/etc/hither")] == []
    assert "/etc/hither/zones.d/example.org.zone" in left
    assert "/etc/hither/hither.yaml" not in left
