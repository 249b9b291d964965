# SPDX-License-Identifier: BSD-2-Clause
"""A router and a PoP on one wire: two network namespaces, a real BGP speaker in one, hitherd in the other."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("HITHER_BUILD", ROOT / "build")) / "server"
PATIENCE_S = int(os.environ.get("LAB_PATIENCE", 40))

ROUTER4, ROUTER6, POP4, POP6 = "10.9.0.1", "2001:db8:9::1", "10.9.0.2", "2001:db8:9::2"
PREFIX4, PREFIX6 = "203.0.113.0/24", "2001:db8:53::/48"
SERVICE4, SERVICE6 = "203.0.113.53", "2001:db8:53::53"
GRACEFUL_SHUTDOWN = (65535, 0)
ZONE = """$TTL 300
@ SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 300
@ NS ns.example.com.
ns A 203.0.113.53
"""


def run(*command, check=True):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0 or not check, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def eventually(condition, what, also=lambda: ""):
    """Waits as long as it takes, within reason: nothing here depends on how fast the machine is."""
    until = time.monotonic() + PATIENCE_S
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < until, f"waited {PATIENCE_S} s in vain for {what}\n{also()}"
        time.sleep(0.05)


class Wire:
    """The two namespaces and the link between them."""

    def __init__(self, directory):
        self.directory = directory
        self.router, self.pop = (f"hither-bgp{os.getpid()}-{side}" for side in ("router", "pop"))
        self.processes = []

    def up(self):
        for namespace in (self.router, self.pop):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "link", "add", "wire", "netns", self.router, "type", "veth", "peer", "name", "wire", "netns",
            self.pop)
        for namespace, four, six in ((self.router, ROUTER4, ROUTER6), (self.pop, POP4, POP6)):
            run("ip", "-n", namespace, "link", "set", "wire", "up")
            run("ip", "-n", namespace, "addr", "add", f"{four}/24", "dev", "wire")
            run("ip", "-n", namespace, "addr", "add", f"{six}/64", "dev", "wire", "nodad")
        self.service(SERVICE4, True)
        self.service(SERVICE6, True)

    def service(self, address, there):
        """Puts a service address on the PoP's host, or takes it away: then it can't be served there."""
        bits = 128 if ":" in address else 32
        run("ip", "-n", self.pop, "addr", "add" if there else "del", f"{address}/{bits}", "dev", "lo", check=False)

    def start(self, namespace, name, *command):
        log = open(self.directory / f"{name}.log", "ab")
        process = subprocess.Popen(["ip", "netns", "exec", namespace, *map(str, command)], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, cwd=self.directory)
        log.close()
        process.name = name
        self.processes.append(process)
        return process

    def whole_log(self, name):
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def log(self, name):
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace")[-6000:] if path.exists() else ""

    def logs(self):
        return "\n".join(f"== {p.name}\n{self.log(p.name)}" for p in self.processes)

    def listen(self, address, port):
        """A socket that listens in the router's namespace, to be used from here."""
        result = []

        def make():
            with open(f"/run/netns/{self.router}", "rb") as namespace:
                assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) == 0
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            result.append(socket.create_server((address, port), family=family))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return result[0]

    def down(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for namespace in (self.router, self.pop):
            for pid in run("ip", "netns", "pids", namespace, check=False).split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            run("ip", "netns", "del", namespace, check=False)


class Pop:
    """hitherd with a configuration made for the test."""

    def __init__(self, wire, neighbors=None, announce=None, health=None):
        self.wire, self.directory, self.process = wire, wire.directory, None
        (self.directory / "example.com.zone").write_text(ZONE)
        (self.directory / "state").mkdir(exist_ok=True)
        self.configure(neighbors, announce, health)

    def configure(self, neighbors=None, announce=None, health=None):
        configuration = {
            "server": {"identity": "pop", "listen": [f"{SERVICE4}@53", f"{SERVICE6}@53"], "workers": 1,
                       "state-dir": "state", "control": "control.sock"},
            "zones": [{"name": "example.com", "file": "example.com.zone"}],
            "announce": {"backend": "bgp", "prefixes": [PREFIX4, PREFIX6], "local-as": 64512, "drain-wait": "500ms",
                         "neighbors": neighbors or [{"address": ROUTER4, "remote-as": 64500, "hold-time": 9}],
                         **(announce or {})},
            "health": {"interval": "100ms", "timeout": "1s", "fall": 3, "rise": 3, "hold-down": "100ms",
                       "hold-down-max": "200ms", **(health or {})},
        }
        announce_section = configuration["announce"]
        configuration["announce"] = {key: value for key, value in announce_section.items() if value is not None}
        # YAML reads JSON, as long as what needs no quotes has none.
        (self.directory / "hither.yaml").write_text(json.dumps(configuration, indent=1))

    def start(self):
        self.process = self.wire.start(self.wire.pop, "hitherd", PROGRAMS / "hitherd", "-c",
                                       self.directory / "hither.yaml")
        eventually((self.directory / "control.sock").exists, "the control socket", self.wire.logs)
        return self

    def ask(self, command, **arguments):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.directory / "control.sock"))
            client.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with client.makefile() as replies:
                return json.loads(replies.readline())

    def upgrade(self):
        """The program replaced in place, by itself; returns when checks of the new one are good."""
        before = self.wire.whole_log("hitherd").count("becoming")

        def heir():
            try:
                return (self.wire.whole_log("hitherd").count("becoming") > before and self.ask("status")["server"]["serving"] and
                        self.ask("why")["rounds"] > 10)
            except OSError: # between the two nobody is there to be asked
                return False

        reply = self.ask("upgrade")
        assert reply["ok"], reply
        eventually(heir, "the heir", self.wire.logs)

    def neighbor(self, i=0):
        return self.ask("status")["announce"]["neighbors"][i]

    def state(self, prefix):
        return {p["prefix"]: p["state"] for p in self.ask("status")["announce"]["prefixes"]}[prefix]


class Bird:
    """BIRD; `bgp` goes into its protocol, `local` and `remote` are the session's ends."""
    name = "bird"

    def __init__(self, wire, bgp="", families=("ipv4", "ipv6"), local=ROUTER4, remote=POP4, remote_as=64512,
                 extended_next_hop=False):
        self.wire, self.control = wire, wire.directory / "bird.ctl"
        extra = "extended next hop on;" if extended_next_hop else ""
        channels = "\n".join(f"  {f} {{ import all; export none; import table on; {extra} }};" for f in families)
        (wire.directory / "bird.conf").write_text(f"""
log stderr all;
router id {ROUTER4};
protocol device {{ }}
protocol bgp pop {{
  local {local} as 64500;
  neighbor {remote} as {remote_as};
  passive;
  error wait time 1, 2;
{channels}
  {bgp}
}}
""")

    def start(self):
        self.process = self.wire.start(self.wire.router, self.name, "bird", "-f", "-c", "bird.conf", "-s",
                                       self.control)
        eventually(lambda: "up and running" in self.ask("show", "status"), "BIRD", self.wire.logs)
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, *words):
        return run("birdc", "-s", self.control, *words, check=False)

    def routes(self):
        """prefix -> {attribute: text}"""
        routes, prefix = {}, None
        for line in self.ask("show", "route", "all").splitlines():
            if line and not line[0].isspace() and "/" in line.split()[0]:
                prefix = line.split()[0]
                routes[prefix] = {}
            elif ":" in line and prefix is not None:
                key, _, value = line.strip().partition(": ")
                routes[prefix][key.removeprefix("BGP.")] = value
        return routes

    def next_hop(self, prefix):
        return self.routes().get(prefix, {}).get("next_hop")

    def communities(self, prefix):
        text = self.routes().get(prefix, {}).get("community", "")
        return [tuple(int(n) for n in pair.strip("()").split(",")) for pair in text.split()]


class Frr:
    """FRR's bgpd, alone."""
    name = "frr"

    def __init__(self, wire):
        self.wire, self.run_directory = wire, wire.directory / "frr"
        self.shell = ["vtysh", "--vty_socket", self.run_directory, "-d", "bgpd", "-c"]
        self.run_directory.mkdir(exist_ok=True)
        (self.run_directory / "bgpd.conf").write_text(f"""
log stdout
router bgp 64500
 bgp router-id {ROUTER4}
 no bgp ebgp-requires-policy
 neighbor {POP4} remote-as 64512
 neighbor {POP4} passive
 address-family ipv6 unicast
  neighbor {POP4} activate
 exit-address-family
""")
        shutil.chown(self.run_directory, "frr", "frr")
        for directory in (self.run_directory, *self.run_directory.parents):
            if directory == pathlib.Path("/tmp"):
                break
            directory.chmod(directory.stat().st_mode | 0o011) # bgpd runs as frr and has to get there

    def start(self):
        self.process = self.wire.start(self.wire.router, self.name, "/usr/lib/frr/bgpd", "-f",
                                       self.run_directory / "bgpd.conf", "-i", self.run_directory / "pid", "-P", "0",
                                       "-Z", "--vty_socket", self.run_directory)
        eventually(lambda: run(*self.shell, "show version", check=False), "bgpd", self.wire.logs)
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def path(self, prefix):
        family = "ipv6" if ":" in prefix else "ipv4"
        shown = run(*self.shell, f"show bgp {family} unicast {prefix} json")
        paths = json.loads(shown or "{}").get("paths", [])
        return paths[0] if paths else None

    def next_hop(self, prefix):
        path = self.path(prefix)
        return path["nexthops"][0]["ip"] if path else None

    def communities(self, prefix):
        path = self.path(prefix) or {}
        words = path.get("community", {}).get("string", "").split()
        known = {"graceful-shutdown": GRACEFUL_SHUTDOWN}
        return [known.get(word) or tuple(int(n) for n in word.split(":")) for word in words]


class GoBgp:
    """GoBGP."""
    name = "gobgp"

    def __init__(self, wire):
        self.wire = wire
        families = "".join(f"""
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{family}-unicast"
""" for family in ("ipv4", "ipv6"))
        (wire.directory / "gobgp.toml").write_text(f"""
[global.config]
  as = 64500
  router-id = "{ROUTER4}"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{POP4}"
    peer-as = 64512
  [neighbors.transport.config]
    passive-mode = true
{families}
""")

    def start(self):
        self.process = self.wire.start(self.wire.router, self.name, "gobgpd", "-f", "gobgp.toml", "-t", "toml",
                                       "--api-hosts", "127.0.0.1:50051", "--pprof-disable")
        eventually(lambda: self.ask("neighbor"), "gobgpd", self.wire.logs)
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, *words):
        shown = run("ip", "netns", "exec", self.wire.router, "gobgp", "-j", *words, check=False)
        try:
            return json.loads(shown)
        except ValueError:
            return None

    def attributes(self, prefix):
        table = self.ask("global", "rib", "-a", "ipv6" if ":" in prefix else "ipv4") or {}
        return {a["type"]: a for a in table[prefix][0]["attrs"]} if prefix in table else {}

    def next_hop(self, prefix):
        attributes = self.attributes(prefix)
        return (attributes.get(14) or attributes.get(3) or {}).get("nexthop")

    def communities(self, prefix):
        return [(c >> 16, c & 0xffff) for c in self.attributes(prefix).get(8, {}).get("communities", [])]
