# SPDX-License-Identifier: BSD-2-Clause
"""Checks of the operator's own: what their class lets them do to the route, and what they get of ours."""
import pytest

from daemon import Daemon
from halves import run
from router import router  # noqa: F401

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
"""
PREFIX = "203.0.113.0/24"


@pytest.fixture
def start(tmp_path, router):
    started = []

    def with_class(name):
        daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
        started.append(daemon)
        script = f"ls -l /proc/$$/fd > {daemon.directory}/fds.new; mv {daemon.directory}/fds.new {daemon.directory}/fds; " \
                 f"test ! -e {daemon.directory}/trouble"
        daemon.configuration.write_text(daemon.configuration.read_text().replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: [{PREFIX}]
  local-as: 64512
  neighbors:
    - address: 127.0.0.1
      port: {router.port}
      remote-as: 64500
  drain-wait: 100ms
health:
  hold-down: 100ms
  hold-down-max: 200ms
  interval: 100ms
  exec:
    - name: mine
      command: [/bin/sh, -c, "{script}"]
      interval: 1s
      timeout: 1s
      class: {name}
"""))
        status, said = run(daemon, "-c", daemon.configuration, "--check")
        assert status == 0, said
        daemon.start()
        router.wait(lambda: router.routes() == {PREFIX}, "the announcement")
        return daemon

    yield with_class
    for daemon in started:
        daemon.stop()


def test_local_trouble_withdraws(start, router):
    daemon = start("local")
    (daemon.directory / "trouble").touch()
    router.wait(lambda: router.routes() == set(), "the withdrawal")
    assert "check mine (LOCAL): exit status 1" in daemon.log()
    (daemon.directory / "trouble").unlink()
    router.wait(lambda: router.routes() == {PREFIX}, "the announcement")


def test_shared_trouble_degrades(start, router):
    daemon = start("shared")
    (daemon.directory / "trouble").touch()
    daemon.wait_log(f"route {PREFIX}: degraded")
    assert ("withdrawn", PREFIX) not in router.events


def test_advisory_trouble_is_told(start, router):
    daemon = start("advisory")
    (daemon.directory / "trouble").touch()
    daemon.wait_log(r"check mine \(ADVISORY\): exit status 1")
    assert f"route {PREFIX}: degraded" not in daemon.log()
    assert router.routes() == {PREFIX}


def test_a_check_gets_no_descriptor_of_ours(start, router):
    """A copy of a session's socket in a child would keep the route when we are dead."""
    daemon = start("advisory")
    fds = daemon.directory / "fds"
    daemon.eventually(fds.exists, "the list of descriptors")
    listed = fds.read_text()
    assert "/dev/null" in listed
    assert not any(kind in listed for kind in ["socket:", "memfd:", "anon_inode:", "pipe:"]), listed
