# SPDX-License-Identifier: BSD-2-Clause
"""What a client sees while PoPs come and go: real routers, real routes, the configuration the same at both PoPs."""
import os
import re
import signal
import subprocess


def lost(answers):
    return [a for a in answers if a.pop is None]


def test_each_client_is_answered_by_its_near_pop(lab):
    for pop in lab.pops:
        assert lab.who(f"{pop}-client") == [pop, pop]


def test_the_pops_have_one_configuration(lab):
    first, second = ((lab.run_directory / pop / "hither.yaml").read_bytes() for pop in lab.pops)
    assert first == second


def test_drain_and_resume_lose_no_query(lab):
    stream = lab.stream("chicago-client")
    lab.shell("control chicago drain")
    lab.wait_answered_by("chicago-client", "newyork")
    lab.shell("control chicago resume")
    lab.wait_answered_by("chicago-client", "chicago")
    answers = stream.finish()
    assert {a.pop for a in answers} == {"chicago", "newyork"}
    assert not lost(answers)
    assert lab.who("newyork-client") == ["newyork", "newyork"]


def test_sigterm_is_a_drain_that_loses_no_query(lab):
    stream = lab.stream("chicago-client")
    pid = lab.pid("chicago")
    os.kill(pid, signal.SIGTERM)
    lab.eventually(lambda: not lab.running("chicago"), "hitherd to leave")
    lab.wait_answered_by("chicago-client", "newyork")
    lab.shell("start_pop chicago")
    lab.wait_answered_by("chicago-client", "chicago")
    answers = stream.finish()
    assert {a.pop for a in answers} == {"chicago", "newyork"}
    assert not lost(answers)


def test_a_killed_pop_is_replaced_and_comes_back(lab):
    stream = lab.stream("chicago-client")
    lab.shell("kill_pop chicago")
    lab.wait_answered_by("chicago-client", "newyork")
    assert lab.shell("ip netns pids $LAB-chicago") == "", "a process outlived the announcer"
    lab.shell("start_pop chicago")
    lab.wait_answered_by("chicago-client", "chicago")
    answers = stream.finish()
    assert {"chicago", "newyork"} <= {a.pop for a in answers}
    # What was lost was lost around the kill, not all through: the stream ends well.
    assert answers[-1].pop == "chicago"


def test_a_killed_announcer_takes_its_server_along(lab):
    announcer = lab.pid("chicago")
    os.kill(announcer, signal.SIGKILL)
    lab.eventually(lambda: lab.shell("ip netns pids $LAB-chicago") == "", "the server to leave")
    lab.wait_answered_by("chicago-client", "newyork")


def test_a_killed_server_is_replaced_by_its_announcer(lab):
    announcer = lab.pid("chicago")
    server = int(lab.shell(f"ps -o pid= --ppid {announcer}"))
    os.kill(server, signal.SIGKILL)
    lab.eventually(lambda: not alive(server), "the server to be gone")
    lab.wait_answered_by("chicago-client", "chicago")
    assert lab.pid("chicago") == announcer


def test_a_server_that_hangs_is_not_left_with_the_route(lab):
    announcer = lab.pid("chicago")
    server = int(lab.shell(f"ps -o pid= --ppid {announcer}"))
    os.kill(server, signal.SIGSTOP)
    try:
        lab.eventually(lambda: set(lab.who("chicago-client")) <= {"chicago", "newyork"}
                       and not still_stopped(server), "answers in spite of the hung server")
    finally:
        if still_stopped(server):
            os.kill(server, signal.SIGCONT)


def state_of(pid):
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()


def still_stopped(pid):
    return state_of(pid) == "T"


def alive(pid):
    return state_of(pid) not in ("", "Z")


def test_a_zone_that_cannot_be_served_withdraws_and_returns(lab):
    """A PoP that starts with a broken zone is never announced; its client is answered by the other."""
    zone = lab.run_directory / "chicago" / "example.com.zone"
    good = zone.read_text()
    lab.shell("kill_pop chicago")
    for cached in (lab.run_directory / "chicago" / "state").iterdir():
        if cached.is_file():
            cached.unlink()
    zone.write_text(good + "broken A not-an-address\n")
    lab.wait_answered_by("chicago-client", "newyork")
    lab.shell("start_pop chicago")
    lab.eventually(lambda: not lab.running("chicago"), "hitherd to refuse the zone")
    assert re.search(r"example\.com\.zone:\d+: error: .*not-an-address", lab.logs())
    assert lab.who("chicago-client") == ["newyork", "newyork"]
    zone.write_text(good)
    lab.shell("start_pop chicago")
    lab.wait_answered_by("chicago-client", "chicago")


def test_reload_under_traffic_loses_no_query(lab):
    stream = lab.stream("chicago-client")
    zone = lab.run_directory / "chicago" / "example.com.zone"
    text = zone.read_text()
    try:
        for serial in range(2026080102, 2026080122):
            zone.write_text(text.replace("2026080101", str(serial)))
            os.kill(lab.pid("chicago"), signal.SIGHUP)
            lab.eventually(lambda: str(serial) in lab.shell(
                "ns chicago-client dig @203.0.113.53 example.com SOA +short"), f"serial {serial}")
    finally:
        zone.write_text(text)
        os.kill(lab.pid("chicago"), signal.SIGHUP)
    answers = stream.finish()
    assert {a.pop for a in answers} == {"chicago"}


def test_down_leaves_nothing(lab):
    """A lab beside this one, brought up and taken down: no namespace, no process, no file of it is left."""
    other = type(lab)(f"{lab.name}x")
    other.script("up")
    namespaces = [n for n in os.listdir("/run/netns") if n.startswith(f"{other.name}-")]
    pids = [p for n in namespaces for p in
            subprocess.run(["ip", "netns", "pids", n], capture_output=True, text=True).stdout.split()]
    assert namespaces and pids
    other.script("down")
    assert not [n for n in os.listdir("/run/netns") if n.startswith(f"{other.name}-")]
    assert not [p for p in pids if alive(p)]
    assert not other.run_directory.exists()
    other.script("down")  # and again, when nothing is there
