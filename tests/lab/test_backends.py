# SPDX-License-Identifier: BSD-2-Clause
"""Announcing through another program on the PoP: the real BIRD, FRR and ExaBGP, a command, and a network device.

The router is a BIRD of its own at the other end of the wire; what counts is the route there.
"""
import os
import pathlib
import pwd
import shutil
import signal
import stat

import pytest

from routers import (POP4, POP6, PREFIX4, PREFIX6, PROGRAMS, ROOT, ROUTER4, ROUTER6, SERVICE4, Bird, Pop, Wire,
                     eventually, run)

BIRD_POP = """
log stderr all;
router id {pop};
protocol device {{ }}
{protocols}
template bgp edge {{
  local as 64512;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
}}
protocol bgp edge4 from edge {{
  neighbor {router} as 64500;
  ipv4 {{ import none; export filter {{ {export} accept; }}; }};
}}
protocol bgp edge6 from edge {{
  neighbor {router6} as 64500;
  ipv6 {{ import none; export filter {{ {export} accept; }}; }};
}}
"""


class Router(Bird):
    """A session for each family: FRR and ExaBGP take the next hop from the session's own address."""

    def __init__(self, wire):
        super().__init__(wire)
        sessions = "".join(f"""
protocol bgp {name} {{
  local {local} as 64500;
  neighbor {remote} as 64512;
  passive;
  error wait time 1, 2;
  {family} {{ import all; export none; import table on; }};
}}
""" for name, local, remote, family in (("pop4", ROUTER4, POP4, "ipv4"), ("pop6", ROUTER6, POP6, "ipv6")))
        (wire.directory / "bird.conf").write_text(
            f"log stderr all;\nrouter id {ROUTER4};\nprotocol device {{ }}\n{sessions}")


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    try:
        wire.up()
        yield wire
    finally:
        wire.down()


@pytest.fixture
def router(wire):
    return Router(wire).start()


class PopBird:
    """The BIRD on the PoP's own host."""

    def __init__(self, wire, protocols, export=""):
        self.wire, self.control = wire, wire.directory / "pop-bird.ctl"
        self.file = wire.directory / "pop-bird.conf"
        self.write(protocols, export)

    def write(self, protocols, export=""):
        self.file.write_text(BIRD_POP.format(pop=POP4, router=ROUTER4, router6=ROUTER6, protocols=protocols, export=export))

    def start(self):
        self.process = self.wire.start(self.wire.pop, "pop-bird", "bird", "-f", "-c", self.file, "-s", self.control)
        eventually(lambda: "up and running" in self.ask("show", "status"), "the PoP's BIRD", self.wire.logs)
        return self

    def ask(self, *words):
        return run("birdc", "-s", self.control, *words, check=False)


def wait(wire, condition, what):
    return eventually(condition, what, wire.logs)


def wait_announced(wire, router, prefixes=(PREFIX4, PREFIX6)):
    for prefix in prefixes:
        wait(wire, lambda prefix=prefix: router.next_hop(prefix), f"{prefix} at the router")


def wait_withdrawn(wire, router, prefixes=(PREFIX4, PREFIX6)):
    for prefix in prefixes:
        wait(wire, lambda prefix=prefix: not router.next_hop(prefix), f"{prefix} to go from the router")


def ipv4_works(wire, works):
    """Lets the PoP's host reach its own IPv4 service address, or not; the address itself stays where it is."""
    def rule(*words):
        run("ip", "-n", wire.pop, "rule", *words, check=False)
    rule("add", "pref", 10, "lookup", "local")
    rule("del", "pref", 0, "lookup", "local")
    rule("del" if works else "add", "pref", 5, "to", SERVICE4, "prohibit")


def made(pop):
    """What the backend has seen: prefix -> (wanted state, verified)"""
    return {r["prefix"]: (r["wanted"], r["verified"]) for r in pop.ask("status")["announce"]["routes"]}


def pop_with(wire, backend, **keys):
    """A PoP with that backend; none of the keys of our own BGP."""
    announce = {"backend": backend, "local-as": None, "neighbors": None, "verify-interval": "200ms", **keys}
    return Pop(wire, announce=announce)


def kill(process):
    """hitherd alone dies, as by SIGKILL: its processes, and nothing else in the namespace."""
    process.send_signal(signal.SIGKILL)
    process.wait()


# --- one backend after the other: (what runs on the PoP beside hitherd, hitherd's keys) -----------------------------

STATIC = """
protocol static hither4 {{ disabled; ipv4; route 203.0.113.0/24 {via}; }}
protocol static hither6 {{ disabled; ipv6; route 2001:db8:53::/48 {via}; }}
"""
LESSER = STATIC.replace("hither", "lesser").replace("ipv4;", "ipv4 {{ preference 10; }};").replace(
    "ipv6;", "ipv6 {{ preference 10; }};")


def with_tun(wire):
    PopBird(wire, 'protocol direct { ipv4; ipv6; interface "hither*"; }').start()
    return pop_with(wire, "tun")


def with_bird(wire, via="blackhole", **keys):
    bird = PopBird(wire, STATIC.format(via=via)).start()
    pop = pop_with(wire, "bird", **{"bird-socket": str(bird.control), "bird-protocols": ["hither4", "hither6"], **keys})
    pop.bird = bird
    return pop


class PopFrr:
    """FRR on the PoP's own host: bgpd, and zebra and staticd where routes lead over a device."""

    def __init__(self, wire, device=None):
        self.wire, self.directory, self.device = wire, wire.directory / "pop-frr", device
        self.directory.mkdir()
        check = "" if device else "no bgp network import-check"
        (self.directory / "bgpd.conf").write_text(f"""
log stdout
router bgp 64512
 bgp router-id {POP4}
 {check}
 no bgp ebgp-requires-policy
 timers bgp 3 9
 neighbor {ROUTER4} remote-as 64500
 neighbor {ROUTER4} timers connect 1
 neighbor {ROUTER6} remote-as 64500
 neighbor {ROUTER6} timers connect 1
 address-family ipv4 unicast
  no neighbor {ROUTER6} activate
 exit-address-family
 address-family ipv6 unicast
  neighbor {ROUTER6} activate
 exit-address-family
route-map lesser permit 10
 set metric 777
""")
        (self.directory / "staticd.conf").write_text(
            f"ip route {PREFIX4} {device}\nipv6 route {PREFIX6} {device}\n" if device else "")
        (self.directory / "zebra.conf").write_text("log stdout\n")
        shutil.chown(self.directory, "frr", "frr")
        for directory in (self.directory, *self.directory.parents):
            if directory == pathlib.Path("/tmp"):
                break
            directory.chmod(directory.stat().st_mode | 0o011)
        self.daemons = ["zebra", "staticd", "bgpd"] if device else ["bgpd"]
        self.shell = ["vtysh", "--vty_socket", self.directory, "-d", "bgpd", "-c"]
        self.process = None

    def start(self):
        for daemon in self.daemons:
            no_zebra = ["-Z"] if daemon == "bgpd" and not self.device else []
            port = ["-P", "0"]
            self.process = self.wire.start(
                self.wire.pop, f"pop-{daemon}", f"/usr/lib/frr/{daemon}", "-f", self.directory / f"{daemon}.conf",
                "-i", self.directory / f"{daemon}.pid", *port, *no_zebra, "--vty_socket", self.directory, "-z",
                self.directory / "zserv")
            shell = ["vtysh", "--vty_socket", self.directory, "-d", daemon, "-c", "show version"]
            eventually(lambda: "FRR" in run(*shell, check=False), daemon, self.wire.logs)
        return self


def with_frr(wire, device=None, **keys):
    frr = PopFrr(wire, device).start()
    vtysh = [shutil.which("vtysh"), "--vty_socket", str(frr.directory), "-d", "bgpd"]
    pop = pop_with(wire, "frr", **{"local-as": 64512, "vtysh": vtysh, "frr-lesser-route-map": "lesser", **keys})
    pop.frr = frr
    return pop


EXABGP = """
process hither {{
  run {hook} {directory}/ex.in {directory}/ex.out {four} {six};
  encoder text;
}}
template {{
  neighbor edge {{
    router-id {pop};
    local-as 64512;
    peer-as 64500;
    hold-time 9;
    api {{ processes [ hither ]; }}
  }}
}}
neighbor {router} {{ inherit edge; local-address {pop}; family {{ ipv4 unicast; }} }}
neighbor {router6} {{ inherit edge; local-address {pop6}; family {{ ipv6 unicast; }} }}
"""


class PopExabgp:
    """ExaBGP on the PoP's own host, with our hook."""

    def __init__(self, wire):
        self.wire, self.directory = wire, wire.directory
        for pipe in ("ex.in", "ex.out"):
            os.mkfifo(self.directory / pipe)
        (self.directory / "exabgp.conf").write_text(EXABGP.format(
            hook=ROOT / "deploy" / "exabgp-pipe", directory=self.directory, four=PREFIX4, six=PREFIX6,
            router=ROUTER4, router6=ROUTER6, pop=POP4, pop6=POP6))

    def start(self):
        settings = {"exabgp.daemon.user": "root", "exabgp.daemon.drop": "false", "exabgp.api.cli": "false"}
        self.process = self.wire.start(self.wire.pop, "exabgp", "env", *(f"{k}={v}" for k, v in settings.items()),
                                       "exabgp", self.directory / "exabgp.conf")
        return self


def with_exabgp(wire):
    exabgp = PopExabgp(wire).start()
    pop = pop_with(wire, "exabgp", **{"exabgp-pipe-in": str(wire.directory / "ex.in"),
                                      "exabgp-pipe-out": str(wire.directory / "ex.out")})
    pop.exabgp = exabgp
    return pop


COMMAND = """#!/bin/sh
echo "$1 $2 PREFIX=$PREFIX STATE=$STATE FAMILY=$FAMILY MED=$MED $3 $4" >>{directory}/calls
case $STATE in withdrawn) able=disable ;; *) able=enable ;; esac
birdc -s {control} $able hither$FAMILY
"""
VERIFY = """#!/bin/sh
case $STATE in withdrawn) state=down ;; *) state=up ;; esac
birdc -s {control} show protocols hither$FAMILY | grep -q " $state "
"""


def script(wire, name, text):
    path = wire.directory / name
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def with_exec(wire):
    bird = PopBird(wire, STATIC.format(via="blackhole")).start()
    names = {"directory": wire.directory, "control": bird.control}
    pop = pop_with(wire, "exec", med="50",
                   command=[script(wire, "announce", COMMAND.format(**names)), "first", "second word"],
                   **{"verify-command": [script(wire, "verify", VERIFY.format(**names))]})
    pop.bird = bird
    return pop


BACKENDS = {"tun": with_tun, "bird": with_bird, "frr": with_frr, "exabgp": with_exabgp, "exec": with_exec}


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS.keys())
def pop(request, wire, router):
    return request.param(wire)


# --- what holds for all of them --------------------------------------------------------------------------------------

def test_the_route_follows_the_verdict_of_its_family(wire, router, pop):
    pop.start()
    wait_announced(wire, router)
    wait(wire, lambda: made(pop) == {PREFIX4: ("up", True), PREFIX6: ("up", True)}, "the backend to have seen it")
    ipv4_works(wire, False)
    wait_withdrawn(wire, router, [PREFIX4])
    assert router.next_hop(PREFIX6)
    ipv4_works(wire, True)
    wait_announced(wire, router)


def test_nothing_is_announced_before_the_first_good_verdict(wire, router, pop):
    wire.service(SERVICE4, False)
    pop.start()
    wait_announced(wire, router, [PREFIX6])
    wait(wire, lambda: pop.ask("why")["rounds"] > 5, "some rounds")
    assert router.next_hop(PREFIX4) is None
    wait(wire, lambda: made(pop)[PREFIX4] in [("init", True), ("withdrawn", True)], "the backend to have seen it")


def test_a_drain_withdraws_and_resume_brings_back(wire, router, pop):
    pop.start()
    wait_announced(wire, router)
    assert pop.ask("drain")["ok"]
    wait_withdrawn(wire, router)
    assert pop.ask("resume")["ok"]
    wait_announced(wire, router)


def test_an_upgrade_in_place_leaves_the_route_as_it_is(wire, router, pop):
    def seen():
        """The routes with the time of their last change."""
        return [line for line in router.ask("show", "route").splitlines() if "/" in line]

    pop.start()
    wait_announced(wire, router)
    wait(wire, lambda: made(pop) == {PREFIX4: ("up", True), PREFIX6: ("up", True)}, "the backend to have seen it")
    before = seen()
    calls = wire.directory / "calls"
    called = calls.read_text() if calls.exists() else ""
    pop.upgrade()
    wait(wire, lambda: made(pop) == {PREFIX4: ("up", True), PREFIX6: ("up", True)}, "the heir to have seen it")
    assert seen() == before
    assert all(route["changes"] == 0 for route in pop.ask("status")["announce"]["routes"])
    assert not calls.exists() or calls.read_text() == called
    # What it took over it holds: it can be changed, and goes with the heir.
    assert pop.ask("drain")["ok"]
    wait_withdrawn(wire, router)
    assert pop.ask("resume")["ok"]
    wait_announced(wire, router)
    if pop.ask("status")["announce"]["backend"] in ("tun", "exabgp"):
        kill(pop.process)
        wait_withdrawn(wire, router)


@pytest.mark.parametrize("signals", [1, 2])
def test_sigterm_withdraws_before_hitherd_is_gone(wire, router, pop, signals):
    pop.start()
    wait_announced(wire, router)
    for _ in range(signals): # a second one leaves now, and takes the route along all the same
        pop.process.terminate()
        wait(wire, lambda: "draining" in wire.log("hitherd"), "the first signal to be obeyed")
    assert pop.process.wait(30) == 0, wire.logs()
    wait_withdrawn(wire, router)


def test_a_prefix_that_is_taken_out_of_the_configuration_goes_alone(wire, router, pop):
    pop.start()
    wait_announced(wire, router)
    configuration = (wire.directory / "hither.yaml").read_text()
    without = configuration.replace(f'"{PREFIX4}",', "").replace('"hither4",', "")
    (wire.directory / "hither.yaml").write_text(without)
    assert pop.ask("reload")["ok"], wire.logs()
    wait_withdrawn(wire, router, [PREFIX4])
    assert router.next_hop(PREFIX6)
    wait(wire, lambda: list(made(pop)) == [PREFIX6], "the prefix to be forgotten")
    (wire.directory / "hither.yaml").write_text(configuration)
    assert pop.ask("reload")["ok"], wire.logs()
    wait_announced(wire, router)


def test_none_withdraws(wire, router, pop):
    pop.start()
    wait_announced(wire, router)
    pop.configure(announce={"backend": "none", "neighbors": []})
    assert pop.ask("reload")["ok"], wire.logs()
    wait_withdrawn(wire, router)


# --- death -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("make", [with_tun, with_exabgp,
                                  lambda wire: with_bird(wire, 'via "hither7"', **{"tun-device": "hither7"}),
                                  lambda wire: with_frr(wire, "hither7", **{"tun-device": "hither7"})],
                         ids=["tun", "exabgp", "bird over tun-device", "frr over tun-device"])
def test_the_route_dies_with_hitherd_where_it_hangs_on_something_of_ours(wire, router, make):
    pop = make(wire).start()
    wait_announced(wire, router)
    kill(pop.process)
    wait_withdrawn(wire, router)


@pytest.mark.parametrize("make", [with_bird, with_frr, with_exec], ids=["bird", "frr", "exec"])
def test_a_route_that_outlived_hitherd_goes_when_the_next_one_has_no_good_verdict(wire, router, make):
    pop = make(wire).start()
    wait_announced(wire, router)
    kill(pop.process)
    assert router.next_hop(PREFIX4) # as README warns
    wire.service(SERVICE4, False)
    (wire.directory / "control.sock").unlink(missing_ok=True)
    pop.start()
    wait_withdrawn(wire, router, [PREFIX4])


# --- mending ---------------------------------------------------------------------------------------------------------

def test_bird_that_was_configured_anew_is_mended(wire, router):
    pop = with_bird(wire).start()
    wait_announced(wire, router)
    wire.service(SERVICE4, False)
    wait_withdrawn(wire, router, [PREFIX4])
    # The route changes and so the protocol starts again, this time enabled: as when somebody edits the file.
    pop.bird.write(STATIC.format(via="unreachable").replace("disabled;", ""))
    assert "Reconfigured" in pop.bird.ask("configure")
    wait(wire, lambda: "isn't withdrawn, mending" in wire.log("hitherd"), "hitherd to see it")
    wait_withdrawn(wire, router, [PREFIX4])
    assert router.next_hop(PREFIX6)


def test_bird_that_restarts_is_told_again(wire, router):
    pop = with_bird(wire).start()
    wait_announced(wire, router)
    pop.bird.process.terminate()
    pop.bird.process.wait()
    wait_withdrawn(wire, router)
    pop.bird.start()
    wait_announced(wire, router)


def test_a_lesser_protocol_of_bird_takes_over_before_the_withdrawal(wire, router):
    pop = with_bird(wire, **{"bird-lesser-protocols": ["lesser4", "lesser6"], "drain-wait": "3s"})
    pop.bird.write(STATIC.format(via="blackhole") + LESSER.format(via="blackhole"),
                   'if proto ~ "lesser*" then bgp_med = 777;')
    pop.bird.ask("configure")
    pop.start()
    wait_announced(wire, router)
    assert pop.ask("drain")["ok"]
    wait(wire, lambda: router.routes().get(PREFIX4, {}).get("med") == "777", "the lesser route")
    wait_withdrawn(wire, router)
    assert pop.ask("resume")["ok"]
    wait(wire, lambda: PREFIX4 in router.routes() and "med" not in router.routes()[PREFIX4], "the usual route")


def test_frr_that_restarts_is_told_again(wire, router):
    pop = with_frr(wire).start()
    wait_announced(wire, router)
    pop.frr.process.terminate()
    pop.frr.process.wait()
    wait(wire, lambda: not any(verified for _, verified in made(pop).values()), "hitherd to see it")
    pop.frr.start()
    wait(wire, lambda: all(verified for _, verified in made(pop).values()), "hitherd to tell it again")
    assert "sourced" in run(*pop.frr.shell, f"show bgp ipv4 unicast {PREFIX4} json")
    wait_announced(wire, router)


def test_frr_is_mended_and_drains_with_the_lesser_route_map(wire, router):
    pop = with_frr(wire, **{"drain-wait": "3s"}).start()
    wait_announced(wire, router)
    run(*pop.frr.shell, "configure terminal", "-c", "router bgp 64512", "-c", "address-family ipv4 unicast", "-c",
        f"no network {PREFIX4}")
    wait(wire, lambda: "isn't announced, mending" in wire.log("hitherd"), "hitherd to see it")
    wait_announced(wire, router)
    assert pop.ask("drain")["ok"]
    wait(wire, lambda: router.routes().get(PREFIX4, {}).get("med") == "777", "the lesser route")
    wait_withdrawn(wire, router)


def test_exabgp_that_restarts_is_told_again_and_drains_gracefully(wire, router):
    pop = with_exabgp(wire)
    pop.configure(announce={"backend": "exabgp", "local-as": None, "neighbors": None, "drain-wait": "4s", "med": 5,
                            "communities": ["64512:7"], "exabgp-pipe-in": str(wire.directory / "ex.in"),
                            "exabgp-pipe-out": str(wire.directory / "ex.out")})
    pop.start()
    wait_announced(wire, router)
    assert router.routes()[PREFIX4]["med"] == "5"
    assert router.communities(PREFIX4) == [(64512, 7)]
    for pid in run("ip", "netns", "pids", wire.pop).split():
        if b"exabgp.conf" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)
    wait_withdrawn(wire, router)
    pop.exabgp.start()
    wait_announced(wire, router)
    assert pop.ask("drain")["ok"]
    wait(wire, lambda: (65535, 0) in router.communities(PREFIX4), "GRACEFUL_SHUTDOWN")
    wait_withdrawn(wire, router)


def test_a_tun_device_that_somebody_removes_comes_back(wire, router):
    pop = with_tun(wire).start()
    wait_announced(wire, router)
    run("ip", "-n", wire.pop, "link", "del", "hither0")
    wait(wire, lambda: "mending" in wire.log("hitherd"), "hitherd to see it")
    wait_announced(wire, router)
    assert pop.state(PREFIX4) == "up"


def test_a_tun_device_without_root(wire, router):
    pop = with_tun(wire)
    file = wire.directory / "hither.yaml"
    file.write_text(file.read_text().replace('"workers": 1', '"workers": 1, "user": "nobody"'))
    shutil.chown(wire.directory, "nobody")
    shutil.chown(wire.directory / "state", "nobody")
    for directory in (wire.directory, *wire.directory.parents):
        if directory == pathlib.Path("/tmp"):
            break
        directory.chmod(directory.stat().st_mode | 0o011)
    # A node that everybody may open, as udev makes it; seen by this process and its children alone.
    node = wire.directory / "tun"
    os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(10, 200))
    node.chmod(0o666)
    pop.process = wire.start(wire.pop, "hitherd", "sh", "-c",
                             f"mount --bind {node} /dev/net/tun && exec {PROGRAMS}/hitherd -c {file}")
    wait_announced(wire, router)
    status = pathlib.Path(f"/proc/{pop.process.pid}/status").read_text()
    assert "CapPrm:\t0000000000001000" in status and f"Uid:\t{pwd.getpwnam('nobody').pw_uid}\t" in status
    # What it needs for the device it has after an upgrade too, and still nobody whom it starts.
    pop.upgrade()
    status = pathlib.Path(f"/proc/{pop.process.pid}/status").read_text()
    assert "CapPrm:\t0000000000001000" in status and "CapEff:\t0000000000001000" in status
    assert "CapInh:\t0000000000000000" in status and "CapAmb:\t0000000000000000" in status
    assert pop.ask("drain")["ok"]
    wait_withdrawn(wire, router)
    assert pop.ask("resume")["ok"]
    wait_announced(wire, router)
    kill(pop.process)
    wait_withdrawn(wire, router)


# --- exec ------------------------------------------------------------------------------------------------------------

def calls(wire):
    path = wire.directory / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_exec_is_told_everything(wire, router):
    pop = with_exec(wire).start()
    wait_announced(wire, router)
    assert f"first second word PREFIX={PREFIX4} STATE=announced FAMILY=4 MED=50 {PREFIX4} announced" in calls(wire)
    assert f"first second word PREFIX={PREFIX6} STATE=announced FAMILY=6 MED=50 {PREFIX6} announced" in calls(wire)
    pop.ask("drain")
    wait_withdrawn(wire, router)
    assert f"first second word PREFIX={PREFIX4} STATE=draining FAMILY=4 MED=150 {PREFIX4} draining" in calls(wire)
    assert calls(wire)[-1].split()[4] == "STATE=withdrawn"


def test_exec_that_is_undone_is_mended(wire, router):
    pop = with_exec(wire).start()
    wait_announced(wire, router)
    pop.bird.ask("disable", "hither4")
    wait(wire, lambda: "isn't announced, mending" in wire.log("hitherd"), "hitherd to see it")
    wait_announced(wire, router)


def test_a_command_that_hangs_is_killed_with_all_its_children(wire):
    directory = wire.directory
    hang = script(wire, "hang", f"""#!/bin/sh
sleep 1000 &
echo $! >>{directory}/sleepers
ls -l /proc/$$/fd >>{directory}/descriptors
echo about to hang
wait
""")
    pop = pop_with(wire, "exec", command=[hang], **{"command-timeout": "300ms"}).start()
    wait(wire, lambda: "killed after 300 ms: about to hang" in wire.log("hitherd"), "the command to be given up")
    first = int((directory / "sleepers").read_text().split()[0])
    wait(wire, lambda: not pathlib.Path(f"/proc/{first}").exists(), "its child to be killed")
    assert not any("socket:" in line for line in (directory / "descriptors").read_text().splitlines())
    assert any(route["trouble"] for route in pop.ask("status")["announce"]["routes"])


def test_a_command_without_a_verify_command_is_repeated_until_it_succeeds(wire):
    directory = wire.directory
    text = f"""#!/bin/sh
echo $1 $2 >>{directory}/calls
[ $2 = withdrawn ] || [ $(grep -c "$1 announced" {directory}/calls) -ge 4 ]
"""
    pop = pop_with(wire, "exec", command=[script(wire, "fourth", text)]).start()
    wait(wire, lambda: made(pop) == {PREFIX4: ("up", True), PREFIX6: ("up", True)}, "it to succeed")
    assert calls(wire).count(f"{PREFIX4} announced") == 4
    assert calls(wire)[0].endswith("withdrawn") # whatever was announced before us
