# SPDX-License-Identifier: BSD-2-Clause
"""The routers of the bed. Each core router is an AS of its own: 64501 to 64503, from Chicago's edge to New York's."""
import pathlib
import re
import shutil
import time

from bed import MAIN, MAIN6, TARGETS, run

PREFIXES4 = [p for _, _, p in TARGETS if ":" not in p]
PREFIXES6 = [p for _, _, p in TARGETS if ":" in p]

BIRD = """
define ME = {me};
router id 10.255.0.{number};
log "{log}" all;
timeformat log "%s.%6f";
timeformat protocol iso long ms;
protocol device {{ scan time 1; }}
protocol direct {{ ipv4; ipv6; }}
protocol kernel {{ ipv4 {{ export where source != RTS_DEVICE; }}; }}
protocol kernel {{ ipv6 {{ export where source != RTS_DEVICE; }}; }}
protocol bfd {{ interface "*" {{ interval 50 ms; multiplier 3; }}; }}
function unless_leaving() {{ if (65535, 0) ~ bgp_community then bgp_local_pref = 0; accept; }}
filter from_router {{ unless_leaving(); }}
filter from_pop4 {{ if net ~ [ {prefixes4} ] then unless_leaving(); reject; }}
filter from_pop6 {{ if net ~ [ {prefixes6} ] then unless_leaving(); reject; }}
template bgp core {{
    local as ME; connect delay time 1; connect retry time 1; error wait time 1, 2; hold time 90;
    ipv4 {{ import filter from_router; export where source != RTS_DEVICE || net ~ [ 10.0.0.0/8+ ]; next hop self; }};
    ipv6 {{ import filter from_router; export where source != RTS_DEVICE || net ~ [ fd00::/8+ ]; next hop self; }};
}}
template bgp pop {{
    local as 64500; passive; error wait time 1, 2; hold time 3; debug {{ routes, states }};
    ipv4 {{ import filter from_pop4; export none; }};
    ipv6 {{ import filter from_pop6; export none; }};
}}
"""


def bird_text(bed, node, number, protocols):
    return BIRD.format(me=64500 + number, number=number, log=bed.directory / f"{node}.log",
                       prefixes4=", ".join(PREFIXES4), prefixes6=", ".join(PREFIXES6)) + protocols


def core_session(name, number, last, asn, extra=""):
    """A session for each family: each has next hops of its own."""
    return (f"protocol bgp {name}4 from core {{ {extra.format(f'10.0.{number}.{3 - last}')} "
            f"neighbor 10.0.{number}.{last} as {asn}; ipv6 {{ import none; export none; }}; }}\n"
            f"protocol bgp {name}6 from core {{ {extra.format(f'fd00:0:0:{number}::{3 - last}')} "
            f"neighbor fd00:0:0:{number}::{last} as {asn}; ipv4 {{ import none; export none; }}; }}\n")


def pop_session(name, address, bfd, extra=""):
    return (f"protocol bgp {name} from pop {{ neighbor {address} as 64512; {'bfd on;' if bfd else ''} {extra} }}\n")


def birdc(bed, node, *words):
    return run("birdc", "-s", bed.directory / f"{node}.ctl", *words, check=False)


def start_bird(bed, node, number, protocols):
    path = bed.directory / f"{node}.conf"
    path.write_text(bird_text(bed, node, number, protocols))
    return bed.start(node, f"{node}-bird", "bird", "-f", "-c", path, "-s", bed.directory / f"{node}.ctl")


def start_core(bed):
    start_bird(bed, "middle", 2, core_session("edge", 4, 1, 64501) + core_session("far", 5, 2, 64503))
    start_bird(bed, "far", 3, core_session("middle", 5, 1, 64502) + pop_session("newyork", "10.0.2.2", bed.bfd))


def core_knows(bed):
    """The middle has both ways for every prefix, and likes the edge's better; the far one the way to the client."""
    for _, _, prefix in bed.edge.targets:
        shown = birdc(bed, "middle", "show", "route", "for", prefix)
        family = 6 if ":" in prefix else 4
        best = re.search(rf"\[edge{family} [^\]]*\] \*", shown)
        if best is None or f"[far{family} " not in shown:
            return False
    return "unicast" in birdc(bed, "far", "show", "route", "for", "10.0.3.2")


class Bird:
    name, targets = "bird", TARGETS
    has_bfd = True

    def __init__(self, bed):
        self.bed, self.extra = bed, ""

    def start(self):
        self.process = start_bird(self.bed, "edge", 1, core_session("middle", 4, 2, 64502) +
                                  pop_session("chicago", "10.0.1.2", self.bed.bfd, self.extra))
        self.processes = [self.process]

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def reset(self):
        birdc(self.bed, "edge", "restart", "chicago")

    def configure(self, extra):
        """Other words in the session with Chicago."""
        self.extra = extra
        path = self.bed.directory / "edge.conf"
        path.write_text(bird_text(self.bed, "edge", 1, core_session("middle", 4, 2, 64502) +
                                  pop_session("chicago", "10.0.1.2", self.bed.bfd, extra)))
        birdc(self.bed, "edge", "configure")

    def knows(self, prefix):
        return "[chicago " in birdc(self.bed, "edge", "show", "route", prefix)

    def mark(self):
        """From here on changes() counts."""
        self.marked = (self.bed.directory / "edge.log").stat().st_size

    def changes(self, prefix):
        """What became of Chicago's route: added, replaced, removed, in this order."""
        text = (self.bed.directory / "edge.log").read_bytes()[self.marked:].decode(errors="replace")
        return re.findall(rf"chicago\.ipv[46] > (added|updated|replaced|removed)(?: \[\w+\])? {re.escape(prefix)} ", text)


class Frr:
    """FRR's zebra, bgpd and bfdd."""
    name, targets, has_bfd = "frr", TARGETS, True
    graceful_restart = "bgp graceful-restart-disable"

    def __init__(self, bed):
        self.bed, self.directory = bed, bed.directory / "frr"

    def configuration(self):
        bfd = " neighbor 10.0.1.2 bfd\n neighbor 10.0.1.2 bfd profile pop\n" if self.bed.bfd else ""
        lists = "".join(f"{'ipv6' if ':' in p else 'ip'} prefix-list pops{'6' if ':' in p else '4'} permit {p}\n"
                        for _, _, p in TARGETS)
        family = """ address-family {family} unicast
  redistribute connected route-map links{n}
  neighbor 10.0.1.2 activate
  neighbor 10.0.1.2 soft-reconfiguration inbound
  neighbor 10.0.1.2 route-map pop{n} in
  neighbor 10.0.1.2 route-map none out
  {middle}
 exit-address-family
"""
        families = (family.format(family="ipv4", n=4, middle="no neighbor fd00:0:0:4::2 activate") +
                    family.format(family="ipv6", n=6, middle="neighbor fd00:0:0:4::2 activate\n  no neighbor 10.0.4.2 activate"))
        maps = "".join(f"""route-map pop{n} permit 10
 match {word} address prefix-list pops{n}
 match community leaving
 set local-preference 0
route-map pop{n} permit 20
 match {word} address prefix-list pops{n}
""" for n, word in ((4, "ip"), (6, "ipv6")))
        return f"""log stdout
debug bgp updates in
{lists}ip prefix-list links4 permit 10.0.0.0/8 le 32
ipv6 prefix-list links6 permit fd00::/8 le 128
bgp community-list standard leaving permit 65535:0
{maps}route-map none deny 10
route-map links4 permit 10
 match ip address prefix-list links4
route-map links6 permit 10
 match ipv6 address prefix-list links6
router bgp 64501
 bgp router-id 10.255.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 {self.graceful_restart}
 neighbor 10.0.1.2 remote-as 64512
 neighbor 10.0.1.2 local-as 64500 no-prepend replace-as
 neighbor 10.0.1.2 passive
 neighbor 10.0.1.2 timers 1 3
{bfd} neighbor 10.0.4.2 remote-as 64502
 neighbor 10.0.4.2 timers 30 90
 neighbor 10.0.4.2 timers connect 1
 neighbor 10.0.4.2 advertisement-interval 0
 neighbor fd00:0:0:4::2 remote-as 64502
 neighbor fd00:0:0:4::2 timers 30 90
 neighbor fd00:0:0:4::2 timers connect 1
 neighbor fd00:0:0:4::2 advertisement-interval 0
{families}"""

    def start(self):
        self.directory.mkdir(exist_ok=True)
        texts = {"zebra": "log stdout\n", "bgpd": self.configuration(), "bfdd": (
            "log stdout\nbfd\n profile pop\n  detect-multiplier 3\n  receive-interval 50\n  transmit-interval 50\n")}
        for daemon, text in texts.items():
            (self.directory / f"{daemon}.conf").write_text(text)
        shutil.chown(self.directory, "frr", "frr")
        (self.directory / "zserv.api").unlink(missing_ok=True)
        self.processes = [self.daemon("zebra")]
        self.bed.eventually((self.directory / "zserv.api").exists, "zebra")
        self.processes += [self.daemon("bfdd", "--bfdctl", self.directory / "bfdd.sock"), self.daemon("bgpd", "-P", "0")]

    def daemon(self, name, *words):
        return self.bed.start("edge", name, f"/usr/lib/frr/{name}", "-f", self.directory / f"{name}.conf", "-i",
                              self.directory / f"{name}.pid", "-z", self.directory / "zserv.api", "--vty_socket",
                              self.directory, *words)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()

    def vtysh(self, command):
        return run("vtysh", "--vty_socket", self.directory, "-d", "bgpd", "-c", command, check=False)

    def reset(self):
        self.vtysh("clear bgp 10.0.1.2")

    def knows(self, prefix):
        family = "ipv6" if ":" in prefix else "ipv4"
        return "10.0.1.2" in self.vtysh(f"show bgp {family} unicast {prefix}")

    def mark(self):
        self.marked = (self.bed.directory / "bgpd.log").stat().st_size

    def changes(self, prefix):
        text = (self.bed.directory / "bgpd.log").read_bytes()[self.marked:].decode(errors="replace")
        found = re.findall(rf"10\.0\.1\.2(?:\(\S+\))? rcvd (?:UPDATE about )?{re.escape(prefix)} .*?(withdrawn)?$", text, re.M)
        return ["removed" if gone else "added" for gone in found]


class GoBgp:
    """GoBGP, which puts no route into the kernel: BIRD behind it learns them by iBGP and does. IPv4 only."""
    name, targets, has_bfd = "gobgp", [t for t in TARGETS if ":" not in t[1]], False

    def __init__(self, bed):
        self.bed = bed

    def start(self):
        (self.bed.directory / "gobgp.toml").write_text("""
[global.config]
  as = 64501
  router-id = "10.255.0.9"
  local-address-list = ["10.0.1.1", "127.0.0.1"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.0.1.2"
    peer-as = 64512
    local-as = 64500
  [neighbors.timers.config]
    hold-time = 3
    keepalive-interval = 1
  [neighbors.transport.config]
    passive-mode = true
[[neighbors]]
  [neighbors.config]
    neighbor-address = "127.0.0.2"
    peer-as = 64501
  [neighbors.transport.config]
    passive-mode = true
""")
        self.gobgp = self.bed.start("edge", "gobgp", "gobgpd", "-f", self.bed.directory / "gobgp.toml", "-t", "toml",
                                    "--pprof-disable", "--api-hosts", "127.0.0.1:50051")
        self.bed.eventually(lambda: "10.0.1.2" in self.ask("neighbor"), "gobgpd")
        bird = start_bird(self.bed, "edge", 1, core_session("middle", 4, 2, 64502, "strict bind; local {} as ME;") +
                          "protocol bgp chicago { local 127.0.0.2 as ME; neighbor 127.0.0.1 as ME; strict bind; multihop 1; "
                          "connect delay time 1; connect retry time 1; error wait time 1, 2; debug { routes, states }; "
                          "ipv4 { import filter from_pop4; export none; gateway recursive; }; }\n")
        self.processes = [self.gobgp, bird]

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()

    def ask(self, *words):
        return run("ip", "netns", "exec", self.bed.namespace("edge"), "gobgp", *words, check=False)

    def reset(self):
        self.ask("neighbor", "10.0.1.2", "reset")

    knows, mark, changes = Bird.knows, Bird.mark, Bird.changes


EDGES = {"bird": Bird, "frr": Frr, "gobgp": GoBgp}
