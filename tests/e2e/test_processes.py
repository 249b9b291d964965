# SPDX-License-Identifier: BSD-2-Clause
"""Start and stop, and the fate that the two processes share."""
import os
import pathlib
import signal
import socket

import dns.message
import dns.query
import pytest

import hang
from daemon import Daemon, run_hitherd  # noqa: F401
from halves import children, identity, is_alive, run, server_pid

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""
BROKEN_ZONE = ZONE + "bad A 192.0.2.999\n"


@pytest.fixture
def hitherd(run_hitherd):
    return run_hitherd(zones={"example.org": ZONE})


@pytest.fixture
def unstarted(tmp_path):
    """A daemon with its configuration written and nothing running."""
    return Daemon(tmp_path / "unstarted", {"example.org": ZONE})


def ask_www(daemon, where="127.0.0.1"):
    answer = dns.query.udp(dns.message.make_query("www.example.org", "A"), where, port=daemon.port, timeout=20)
    assert answer.answer, f"{answer}\n{daemon.log()}"
    return answer.answer[0][0].address


def rewrite(daemon, old, new):
    text = daemon.configuration.read_text()
    assert old in text
    daemon.configuration.write_text(text.replace(old, new))


# --- the command line ---


def test_version_and_help(unstarted):
    status, said = run(unstarted, "--version")
    assert status == 0 and said.startswith("hitherd ")
    status, said = run(unstarted, "--help")
    assert status == 0 and "--check" in said


@pytest.mark.parametrize("arguments", [["--nonsense"], ["-c"], ["surplus"]])
def test_wrong_usage_is_told(unstarted, arguments):
    status, said = run(unstarted, *arguments)
    assert status == 2 and "usage:" in said


def test_check_finds_all_sound(unstarted):
    status, said = run(unstarted, "-c", unstarted.configuration, "--check")
    assert status == 0, said
    assert "sound" in said


def test_check_names_file_and_line_of_a_zone(unstarted):
    unstarted.write_zone("example.org", BROKEN_ZONE)
    status, said = run(unstarted, "-c", unstarted.configuration, "--check")
    assert status == 1
    assert "example.org.zone:6: error:" in said


def test_check_names_file_and_line_of_the_configuration(unstarted):
    rewrite(unstarted, "backend: none", "backend: carrier-pigeon")
    status, said = run(unstarted, "-c", unstarted.configuration, "--check")
    assert status == 1
    line = 1 + unstarted.configuration.read_text().split("\n").index("  backend: carrier-pigeon")
    assert f"hither.yaml:{line}: error:" in said


# --- what is refused at start ---


def test_no_configuration(unstarted):
    status, said = run(unstarted, "-c", "/nonexistent/hither.yaml")
    assert status == 1 and "/nonexistent/hither.yaml" in said


def test_wrong_configuration(unstarted):
    rewrite(unstarted, "workers: 2", "workers: lots")
    status, said = run(unstarted, "-c", unstarted.configuration)
    assert status == 1 and "hither.yaml:4: error:" in said


def test_wrong_zone(unstarted):
    unstarted.write_zone("example.org", BROKEN_ZONE)
    status, said = run(unstarted, "-c", unstarted.configuration)
    assert status == 1 and "example.org.zone:6: error:" in said


def test_port_of_another_program(unstarted):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", unstarted.port))
        status, said = run(unstarted, "-c", unstarted.configuration)
    assert status == 1
    assert f"127.0.0.1@{unstarted.port}" in said and "in use" in said and "server.listen" in said


def test_port_of_another_hitherd(hitherd, tmp_path):
    """Both would share the port by SO_REUSEPORT, and each get half of the queries."""
    second = Daemon(tmp_path / "second", {"example.org": ZONE})
    rewrite(second, str(second.port), str(hitherd.port))
    status, said = run(second, "-c", second.configuration)
    assert status == 1 and f"127.0.0.1@{hitherd.port}" in said
    assert ask_www(hitherd) == "192.0.2.80"


def test_unknown_user(unstarted):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    rewrite(unstarted, "server:\n", "server:\n  user: nobody-of-that-name\n")
    status, said = run(unstarted, "-c", unstarted.configuration)
    assert status == 1 and "there is no user nobody-of-that-name" in said


# --- two processes ---


def test_two_processes(hitherd):
    server = server_pid(hitherd)
    command = pathlib.Path(f"/proc/{server}/cmdline").read_bytes().split(b"\0")
    assert command[:3] == [str(hitherd.programs / "hitherd").encode(), b"-c", str(hitherd.configuration).encode()]
    assert children(server) == []


def capabilities(pid):
    """The sets that matter to what the process can do, as numbers."""
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().split("\n") if ":\t" in line)
    return {name: int(status[name], 16) for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"]}


def test_server_has_no_privileges(hitherd):
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{server_pid(hitherd)}/status").read_text().split("\n")
                  if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_user_is_dropped_to(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    for directory in [tmp_path, *tmp_path.parents]:
        if not os.stat(directory).st_mode & 0o001:
            directory.chmod(0o755)
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
    (daemon.directory / "state").rmdir()
    rewrite(daemon, "server:\n", "server:\n  user: nobody\n")
    rewrite(daemon, "control.sock", "run/control.sock")
    os.chown(daemon.directory, 0, 0)
    daemon.start()
    try:
        for pid in [daemon.process.pid, server_pid(daemon)]:
            assert capabilities(pid) == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0}
            assert os.stat(f"/proc/{pid}").st_uid == 65534 or "65534" in pathlib.Path(f"/proc/{pid}/status").read_text()
        assert os.stat(daemon.directory / "state").st_uid == 65534
        assert os.stat(daemon.directory / "run").st_uid == 65534
    finally:
        daemon.stop()


def test_server_ignores_what_is_for_the_announcer(hitherd):
    server = server_pid(hitherd)
    for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
        os.kill(server, number)
    assert ask_www(hitherd) == "192.0.2.80"
    assert server_pid(hitherd) == server


def test_killed_server_is_replaced(hitherd):
    for _ in range(3):
        server = server_pid(hitherd)
        os.kill(server, signal.SIGKILL)
        # It is sent while nobody is there, perhaps, and waits in the socket.
        assert ask_www(hitherd) == "192.0.2.80"
        assert ask_www(hitherd, "::1") == "192.0.2.80"
        hitherd.eventually(lambda: server_pid(hitherd) not in [None, server], "another server")


def test_queries_wait_for_the_next_server(hitherd):
    """All that arrive while there is no server are answered by the next one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.connect(("127.0.0.1", hitherd.port))
        os.kill(server_pid(hitherd), signal.SIGSTOP)
        for number in range(100):
            query = dns.message.make_query("www.example.org", "A")
            query.id = number
            client.send(query.to_wire())
        os.kill(server_pid(hitherd), signal.SIGKILL)
        answered = {dns.message.from_wire(client.recv(512)).id for _ in range(100)}
    assert answered == set(range(100))


def test_hung_server_is_replaced(hitherd):
    server = server_pid(hitherd)
    os.kill(server, signal.SIGSTOP)
    hitherd.eventually(lambda: not is_alive(server), "the hung server's end")
    assert ask_www(hitherd) == "192.0.2.80"
    assert "hung" in hitherd.log()


def test_a_worker_that_stands_still_ends_the_server(hitherd):
    server = server_pid(hitherd)
    with hang.StoppedThread(server, "worker-1"):
        hitherd.wait_log("the server hung: a worker's heart stood still")
    hitherd.eventually(lambda: not is_alive(server), "the hung server's end")
    assert ask_www(hitherd) == "192.0.2.80"


@pytest.mark.skipif(not hang.can_set_registers(), reason="registers of another processor")
def test_a_worker_that_runs_in_circles_ends_the_server(hitherd):
    server = server_pid(hitherd)
    hang.send_in_circles(server, "worker-0")
    hitherd.eventually(lambda: not is_alive(server), "the hung server's end")
    hitherd.wait_log("the server hung: a worker's heart stood still")
    assert ask_www(hitherd) == "192.0.2.80"


def test_server_comes_back_although_the_configuration_broke_meanwhile(hitherd):
    hitherd.configuration.write_text("server: [")
    os.kill(server_pid(hitherd), signal.SIGKILL)
    assert ask_www(hitherd) == "192.0.2.80"


def test_server_comes_back_although_the_zone_broke_meanwhile(hitherd):
    hitherd.write_zone("example.org", BROKEN_ZONE)
    os.kill(server_pid(hitherd), signal.SIGKILL)
    assert ask_www(hitherd) == "192.0.2.80"


def test_server_leaves_with_the_announcer(hitherd):
    server = server_pid(hitherd)
    hitherd.process.kill()
    hitherd.process.wait()
    hitherd.eventually(lambda: not is_alive(server), "the end of the server")
    hitherd.process = None


def test_hung_announcer_is_killed(hitherd):
    server = server_pid(hitherd)
    hitherd.process.send_signal(signal.SIGSTOP)
    assert hitherd.process.wait(hitherd.patience_s) == -signal.SIGKILL
    hitherd.eventually(lambda: not is_alive(server), "the end of the server")
    hitherd.process = None


def test_frozen_together_they_live_on(hitherd):
    """As a container is paused: each finds the other's heart unmoved, and must not blame it."""
    server = server_pid(hitherd)
    hitherd.process.send_signal(signal.SIGSTOP)
    os.kill(server, signal.SIGSTOP)
    with socket.socket() as nobody:  # a wait that nothing can end early
        nobody.settimeout(2)
        nobody.bind(("127.0.0.1", 0))
        nobody.listen()
        with pytest.raises(TimeoutError):
            nobody.accept()
    os.kill(server, signal.SIGCONT)
    hitherd.process.send_signal(signal.SIGCONT)
    for _ in range(20):
        assert ask_www(hitherd) == "192.0.2.80"
    assert hitherd.process.poll() is None
    assert server_pid(hitherd) == server


# --- the way out ---


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_leaves_and_leaves_nothing(hitherd, number):
    server = server_pid(hitherd)
    hitherd.process.send_signal(number)
    assert hitherd.process.wait(hitherd.patience_s) == 0
    assert not is_alive(server)
    assert not (hitherd.directory / "control.sock").exists()
    hitherd.start()
    assert ask_www(hitherd) == "192.0.2.80"


def test_leaves_while_its_server_keeps_dying(hitherd):
    killed = []
    for _ in range(4):
        hitherd.eventually(lambda: server_pid(hitherd) not in [None, *killed], "a server")
        killed.append(server_pid(hitherd))
        os.kill(killed[-1], signal.SIGKILL)
    hitherd.process.send_signal(signal.SIGTERM)
    assert hitherd.process.wait(hitherd.patience_s) == 0


# --- reload ---


def test_reload_takes_the_new_configuration(hitherd):
    assert identity(hitherd) == "tested"
    rewrite(hitherd, '"tested"', '"renamed"')
    hitherd.reload()
    hitherd.eventually(lambda: identity(hitherd) == "renamed", "the new identity")
    assert identity(hitherd, "::1") == "renamed"


def test_reload_refuses_a_wrong_configuration(hitherd):
    rewrite(hitherd, '"tested"', '"renamed"\n  colour: green')
    hitherd.reload()
    hitherd.wait_log(r"hither\.yaml:3: error: .*colour")
    hitherd.wait_log("not reloaded")
    assert identity(hitherd) == "tested"
    rewrite(hitherd, "\n  colour: green", "")
    hitherd.reload()
    hitherd.eventually(lambda: identity(hitherd) == "renamed", "the new identity")


def test_reload_names_what_takes_a_restart(hitherd):
    rewrite(hitherd, "workers: 2", "workers: 3")
    hitherd.reload()
    hitherd.wait_log("server.workers has changed, which takes a restart")
    os.kill(server_pid(hitherd), signal.SIGKILL)
    for _ in range(20):  # every socket has its worker still
        assert ask_www(hitherd) == "192.0.2.80"


# --- addresses ---


def test_any_address_answers_from_the_one_that_was_asked(tmp_path):
    daemon = Daemon(tmp_path / "any", {"example.org": ZONE})
    rewrite(daemon, f'[127.0.0.1@{daemon.port}, "::1@{daemon.port}"]', f'[0.0.0.0@{daemon.port}, "::@{daemon.port}"]')
    daemon.start()
    try:
        for where in ["127.0.0.1", "127.0.0.2", "127.1.2.3", "::1"]:
            assert ask_www(daemon, where) == "192.0.2.80"  # dnspython takes it from nobody else
            query = dns.message.make_query("www.example.org", "A")
            assert dns.query.tcp(query, where, port=daemon.port, timeout=20).answer
    finally:
        daemon.stop()
