# SPDX-License-Identifier: BSD-2-Clause
"""Three PoPs that tell each other how they are: one that is ill alone goes, all that are ill together stay."""
import json
import os
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from routers import PROGRAMS, PATIENCE_S, PREFIX4, SERVICE4, ZONE, eventually, run

POPS = {"chicago": "10.9.7.11", "newyork": "10.9.7.12", "dallas": "10.9.7.13"}
ROUTER = "10.9.7.1"
KEY = "00112233445566778899aabbccddeeff" * 2


def configuration(fleet):
    """The same file at every PoP."""
    return {
        "server": {"identity": "%h", "listen": [f"{SERVICE4}@53"], "workers": 1, "state-dir": "state",
                   "control": "control.sock"},
        "zones": [{"name": "example.com", "file": "example.com.zone"}],
        "announce": {"backend": "bgp", "prefixes": [PREFIX4], "local-as": 64512, "drain-wait": "100ms",
                     "neighbors": [{"address": ROUTER, "remote-as": 64500, "hold-time": 9}]},
        "health": {"interval": "100ms", "timeout": "300ms", "fall": 2, "rise": 2, "hold-down": "100ms",
                   "hold-down-max": "200ms"},
        "fleet": {"key-file": "fleet.key", "interval": "100ms", **fleet},
    }


class Pop:
    def __init__(self, fleet, name):
        self.fleet, self.name, self.address = fleet, name, POPS[name]
        self.namespace = f"{fleet.name}-{name}"
        self.directory = fleet.directory / name
        (self.directory / "state").mkdir(parents=True)
        (self.directory / "example.com.zone").write_text(ZONE)
        (self.directory / "fleet.key").write_text(KEY + "\n")
        self.process = None

    def configure(self, settings):
        (self.directory / "hither.yaml").write_text(json.dumps(settings, indent=1))

    def start(self):
        command = f"hostname {self.name}; exec {PROGRAMS}/hitherd -c {self.directory}/hither.yaml"
        self.process = self.fleet.start(self.namespace, self.name, "unshare", "--uts", "sh", "-c", command)
        eventually((self.directory / "control.sock").exists, "the control socket", self.fleet.logs)

    def ask(self, command, **arguments):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.directory / "control.sock"))
            client.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with client.makefile() as replies:
                return json.loads(replies.readline())

    def serve(self, there):
        """Without the service address nothing that this PoP is asked gets an answer."""
        run("ip", "-n", self.namespace, "addr", "add" if there else "del", f"{SERVICE4}/32", "dev", "lo")

    def reach(self, there):
        run("ip", "-n", self.namespace, "link", "set", "wire", "up" if there else "down")

    def state(self):
        return self.ask("status")["announce"]["prefixes"][0]["state"]

    def decision(self):
        return self.ask("why")["fleet"]["guard"][0]["decision"]

    def hears(self):
        return {p["identity"]: (p["state"], p["zones"]) for p in self.ask("status")["fleet"]["pops"]}


class Fleet:
    def __init__(self, directory):
        self.directory, self.name = directory, f"hither-f{os.getpid()}"
        self.router, self.processes = f"{self.name}-router", []
        self.pops = {name: Pop(self, name) for name in POPS}

    def up(self, fleet):
        run("ip", "netns", "add", self.router)
        run("ip", "-n", self.router, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", self.router, "link", "set", "bridge", "up")
        run("ip", "-n", self.router, "addr", "add", f"{ROUTER}/24", "dev", "bridge")
        for pop in self.pops.values():
            run("ip", "netns", "add", pop.namespace)
            run("ip", "link", "add", "wire", "netns", pop.namespace, "type", "veth", "peer", "name", pop.name, "netns",
                self.router)
            run("ip", "-n", self.router, "link", "set", pop.name, "master", "bridge", "up")
            run("ip", "-n", pop.namespace, "link", "set", "lo", "up")
            run("ip", "-n", pop.namespace, "link", "set", "wire", "up")
            run("ip", "-n", pop.namespace, "addr", "add", f"{pop.address}/24", "dev", "wire")
            run("ip", "-n", pop.namespace, "route", "add", "default", "via", ROUTER)
            pop.serve(True)
            pop.configure(configuration(fleet))
        self.start_bird()
        for pop in self.pops.values():
            pop.start()
        for pop in self.pops.values():
            self.wait(lambda p=pop: p.state() == "up" and len(p.hears()) == 2
                      and set(p.hears().values()) == {("up", "same")}, f"{pop.name} to be up and hear the others up")
        self.wait(lambda: self.announcers() == set(POPS), "three routes")
        return self

    def start_bird(self):
        protocols = "".join(f"""
protocol bgp {name} {{
  local {ROUTER} as 64500; neighbor {address} as 64512; passive; error wait time 1, 2;
  ipv4 {{ import all; export none; }};
}}""" for name, address in POPS.items())
        (self.directory / "bird.conf").write_text(f"log stderr all;\nrouter id {ROUTER};\nprotocol device {{ }}\n"
                                                  + protocols + "\n")
        self.start(self.router, "bird", "bird", "-f", "-c", self.directory / "bird.conf", "-s",
                   self.directory / "bird.ctl")

    def announcers(self):
        """The PoPs whose route stands at the router."""
        shown = run("birdc", "-s", self.directory / "bird.ctl", "show", "route", check=False)
        return {name for name in POPS if f"[{name} " in shown}

    def start(self, namespace, name, *command):
        with open(self.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen(["ip", "netns", "exec", namespace, *map(str, command)],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory)
        self.processes.append(process)
        return process

    def logs(self):
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}"
                         for log in sorted(self.directory.glob("*.log")))

    def wait(self, condition, what):
        return eventually(condition, what, self.logs)

    def down(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for namespace in (self.router, *(pop.namespace for pop in self.pops.values())):
            for pid in run("ip", "netns", "pids", namespace, check=False).split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            run("ip", "netns", "del", namespace, check=False)


@pytest.fixture(params=["peers", "multicast"])
def fleet(tmp_path, request):
    settings = {"peers": list(POPS.values())} if request.param == "peers" else {"multicast": "239.192.53.53@7353"}
    fleet = Fleet(tmp_path)
    try:
        yield fleet.up(settings)
    finally:
        fleet.down()


def test_who_is_ill_alone_goes_and_comes_back(fleet):
    dallas = fleet.pops["dallas"]
    dallas.serve(False)
    fleet.wait(lambda: fleet.announcers() == {"chicago", "newyork"}, "dallas to go")
    assert dallas.decision() == "out"
    fleet.wait(lambda: fleet.pops["chicago"].hears()["dallas"][0] == "out", "chicago to hear of it")
    dallas.serve(True)
    fleet.wait(lambda: fleet.announcers() == set(POPS), "dallas to come back")


def test_of_two_drains_at_the_same_moment_one_succeeds(fleet):
    for two in (("chicago", "newyork"), ("newyork", "dallas")):
        with ThreadPoolExecutor() as operators:
            replies = dict(zip(two, operators.map(lambda name: fleet.pops[name].ask("drain"), two)))
        gone = [name for name, reply in replies.items() if reply["ok"]]
        assert len(gone) == 1, replies
        (refused,) = set(two) - set(gone)
        assert gone[0] in replies[refused]["error"] and "--force" in replies[refused]["error"], replies
        fleet.wait(lambda: fleet.announcers() == set(POPS) - set(gone), f"{gone} to go, alone")
        assert fleet.pops[refused].state() == "up"
        assert fleet.pops[gone[0]].ask("resume")["ok"]
        fleet.wait(lambda: fleet.announcers() == set(POPS), "three routes again")
        for pop in fleet.pops.values():
            fleet.wait(lambda p=pop: {state for state, _ in p.hears().values()} == {"up"}, "all to know of it")


def test_a_common_cause_leaves_two(fleet):
    for pop in fleet.pops.values():
        pop.serve(False)
    # One may go for a moment, while the others still seem well; it comes back when nobody is.
    announcers = [fleet.announcers()]

    def all_stay():
        announcers.append(fleet.announcers())
        return all(p.state() == "degraded" and p.decision() == "stays" and
                   p.ask("why")["route"]["why"].startswith("it stays because 0 other PoPs are known to be well")
                   for p in fleet.pops.values())

    fleet.wait(all_stay, "all to be ill and stay")
    fleet.wait(lambda: fleet.announcers() == set(POPS), "three routes")
    assert min(map(len, announcers)) >= 2
    for pop in fleet.pops.values():
        pop.serve(True)
    fleet.wait(lambda: all(p.state() == "up" for p in fleet.pops.values()), "all to be well again")


def test_who_is_cut_off_stays_and_a_drain_is_asked_about(fleet):
    chicago, newyork, dallas = fleet.pops.values()
    reply = chicago.ask("drain", reason="new disks")
    assert reply["ok"], reply
    fleet.wait(lambda: newyork.hears()["chicago"][0] == "leaves", "newyork to hear of the drain")
    reply = newyork.ask("drain")
    assert not reply["ok"] and "--force" in reply["error"], reply
    assert newyork.ask("drain", force=True)["ok"]
    fleet.wait(lambda: fleet.announcers() == {"dallas"}, "both to go")
    dallas.serve(False)
    fleet.wait(lambda: dallas.decision() == "stays", "dallas to stay, the last one")
    assert dallas.state() == "degraded" and fleet.announcers() == {"dallas"}
    for pop in (chicago, newyork):
        pop.ask("resume")
    fleet.wait(lambda: fleet.announcers() == {"chicago", "newyork"}, "dallas to go when the others are back")
    for pop in (chicago, newyork):
        pop.reach(False)
    fleet.wait(lambda: dallas.state() == "degraded" and dallas.decision() == "stays", "dallas to be the last again")
    assert {state for state, _ in dallas.hears().values()} == {"lost"}
