# SPDX-License-Identifier: BSD-2-Clause
"""Where faults are tried: two PoPs, three core routers with 4.5 ms a link between them, and a client in Chicago.

    client -- edge -- 4.5 ms -- middle -- 4.5 ms -- far -- newyork
               |
             switch -- chicago

Each name is a network namespace. The edge is BIRD, FRR, or GoBGP with BIRD behind it; the others are BIRD. The middle
likes the edge's route better than the far one's, so when Chicago goes, the edge has to ask for another way: 9 ms that
nobody can save. The switch lets a cable go dark at one end only. The configuration is the same at both PoPs.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import dns.edns
import dns.exception
import dns.message
import dns.query

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = pathlib.Path(os.environ.get("HITHER_BUILD", ROOT / "build")) / "server"
ASK = ROOT / "deploy" / "lab" / "ask.py"
PATIENCE_S = int(os.environ.get("LAB_PATIENCE", 40))
DELAY_US = 4500
RATE = 1000  # queries a second to each name

NODES = ["client", "edge", "middle", "far", "switch", "chicago", "newyork"]
POPS = ["chicago", "newyork"]
UNICAST = {"chicago": "10.0.1.2", "newyork": "10.0.2.2"}

# What the client asks for: the zone, the address, the route that leads there.
MAIN = ("example.com", "203.0.113.53", "203.0.113.0/24")
MAIN6 = ("example.com", "2001:db8:53::53", "2001:db8:53::/48")
OWN = ("own.example", "198.51.100.53", "198.51.100.0/24")        # a zone with a prefix of its own
UNLISTED = ("unlisted.example", "192.0.2.53", "192.0.2.0/24")    # likewise, but no line names it
TARGETS = [MAIN, MAIN6, OWN, UNLISTED]

ZONE = """$TTL 300
@ SOA ns hostmaster {serial} 7200 900 1209600 300
@ NS ns
ns A 203.0.113.53
"""


def run(*command, check=True):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    if check and done.returncode != 0:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


def in_namespace(name, make):
    """What `make` returns when it is called inside; a socket stays there."""
    result = []

    def inside():
        with open(f"/run/netns/{name}", "rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        result.append(make())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    return result[0]


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def start_of(pid):
    """In the kernel's ticks; the name, which may hold anything, ends with the last bracket."""
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def compile_helpers(directory):
    for source, out, flags in (("link.c", "link", []), ("clock.c", "clock.so", ["-shared", "-fPIC"])):
        run("cc", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", *flags, "-o", directory / out, HERE / source, "-ldl")


class Answer:
    """A query of the stream: when (wall clock), for what, how long it took, who answered. Lost: no PoP."""

    def __init__(self, line):
        sent, self.target, *answer = line.split()
        self.sent = float(sent)
        self.took_ms, self.pop = (float(answer[0]), answer[1]) if len(answer) == 2 else (None, None)


class Pop:
    """hitherd."""

    def __init__(self, bed, name):
        self.bed, self.name = bed, name
        self.directory = bed.directory / name
        self.process = None
        self.wrapper = []  # words before the program

    @property
    def namespace(self):
        return self.bed.namespace(self.name)

    @property
    def zone_files(self):
        return {"example.com": "example.com.zone", "own.example": "own.example.zone",
                "unlisted.example": "zones.d/unlisted.example.zone"}

    def prepare(self):
        for path in ("state", "zones.d"):
            (self.directory / path).mkdir(parents=True, exist_ok=True)
        for name in self.zone_files:
            self.write_zone(name, ZONE.format(serial=1))
        (self.directory / "fleet.key").write_text("00112233445566778899aabbccddeeff" * 2 + "\n")
        for path in (self.directory / "state", self.directory / "fleet.key"):
            shutil.chown(path, "nobody", "nogroup")
        self.configure()

    def write_zone(self, name, text):
        (self.directory / self.zone_files[name]).write_text(text)

    def configure(self, neighbor=None, **sections):
        """The same at both; YAML reads JSON."""
        settings = {
            "server": {"identity": "%h", "listen": [f"{a}@53" for _, a, _ in TARGETS], "workers": 2, "user": "nobody",
                       "state-dir": "state", "control": "state/control.sock"},
            "zones": [{"name": "example.com", "file": "example.com.zone"},
                      {"name": "own.example", "file": "own.example.zone", "prefix": OWN[2]},
                      {"directory": "zones.d", "prefix": UNLISTED[2]}],
            "announce": {"backend": "bgp", "prefixes": [p for _, _, p in TARGETS], "local-as": 64512,
                         "drain-wait": "500ms", "drain-linger": "1s",
                         "neighbors": [{"address": "gateway", "remote-as": 64500, "hold-time": 3,
                                        **self.bed.neighbor, **(neighbor or {})}]},
            "health": {},
        }
        for section, keys in {**self.bed.settings, **sections}.items():
            settings[section] = {**settings.get(section, {}), **keys}
        (self.directory / "hither.yaml").write_text(json.dumps(settings, indent=1))

    def start(self):
        self.process = self.bed.start(self.name, self.name, "unshare", "--uts", "sh", "-c",
                                      'hostname "$1"; cd "$2"; shift 2; exec "$@"', "sh", self.name, self.directory,
                                      *self.wrapper, PROGRAMS / "hitherd", "-c", self.directory / "hither.yaml")

    def restart(self, *wrapper):
        """Leaves, and begins anew behind these words."""
        self.wrapper = wrapper
        self.signal(signal.SIGTERM, [self.process.pid])
        self.process.wait(timeout=30)
        self.start()
        self.bed.eventually(self.bed.settled, "the routes")
        self.bed.answered_by(self.name)

    @property
    def pids(self):
        return [self.process.pid, *children(self.process.pid)]

    @property
    def server(self):
        """The newest, while a former one leaves; checks of the operator's own are children too."""
        servers = [pid for pid in children(self.process.pid) if command_of(pid) in ("hither-server", "hitherd")]
        return max(servers, key=start_of)

    def signal(self, number, pids=None):
        for pid in self.pids if pids is None else pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def ask(self, command, **arguments):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.directory / "state" / "control.sock"))
            client.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            with client.makefile() as replies:
                return json.loads(replies.readline())

    def reload(self):
        return self.ask("reload")

    def log(self):
        path = self.bed.directory / f"{self.name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def lose_zone(self, name):
        """Its text and its image are broken, and the next server finds neither."""
        self.write_zone(name, "this is no zone\n")
        for path in (self.directory / "state").rglob("*"):
            if path.is_file() and name in path.name:
                path.write_bytes(b"broken")

    def address(self, address, there):
        bits = 128 if ":" in address else 32
        run("ip", "-n", self.namespace, "addr", "add" if there else "del", f"{address}/{bits}", "dev", "lo",
            *(["nodad"] if there and ":" in address else []))


class Bed:
    def __init__(self, name, router="bird", bfd=False, announced=POPS, **settings):
        self.name = f"hf{os.getpid()}-{name}"
        self.settings, self.announced, self.bfd = settings, announced, bfd
        self.neighbor = {"bfd": True, "bfd-interval": "50ms", "bfd-multiplier": 3} if bfd else {}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hither-faults."))
        self.directory.chmod(0o755)
        self.processes, self.opened = [], []
        self.pops = {pop: Pop(self, pop) for pop in POPS}
        self.chicago, self.newyork = self.pops.values()
        from routers_of_bed import EDGES  # which need the names above
        self.edge = EDGES[router](self)
        self.stream_process = None

    def namespace(self, node):
        return f"{self.name}-{node}"

    # --- up and down -------------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        compile_helpers(self.directory)
        for node in NODES:
            run("ip", "netns", "add", self.namespace(node))
            run("ip", "-n", self.namespace(node), "link", "set", "lo", "up")
            run("ip", "netns", "exec", self.namespace(node), "sysctl", "-q", "-w", "net.ipv4.ip_forward=1",
                "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.default.accept_dad=0")
        self.cables()
        from routers_of_bed import start_core
        start_core(self)
        self.edge.start()
        for pop in self.pops.values():
            for _, address, _ in TARGETS:
                pop.address(address, True)
            pop.prepare()
            pop.start()
        self.asking = {family: in_namespace(self.namespace("client"), lambda f=family: socket.socket(f, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK))
                       for family in (socket.AF_INET, socket.AF_INET6)}
        self.opened += self.asking.values()
        # Every route known everywhere: the edge and the far one to their own PoP, the middle to both.
        self.eventually(self.settled, "the routes")
        if self.bfd:
            self.eventually(self.bfd_is_quick, "BFD at Chicago")
        self.eventually(lambda: {self.who(t) for t in self.edge.targets} == {"chicago"}, "Chicago to answer")

    def settled(self):
        from routers_of_bed import core_knows
        return core_knows(self)

    def bfd_is_quick(self):
        bfd = self.chicago.ask("status")["announce"]["neighbors"][0].get("bfd", {})
        return bfd.get("remote_state") == "Up" and bfd.get("detection_ms") == 150

    def cables(self):
        self.veth("edge", "chicago", "switch", "edge")
        self.veth("chicago", "edge", "switch", "chicago")
        self.veth("far", "newyork", "newyork", "far")
        self.veth("edge", "client", "client", "edge")
        switch = self.namespace("switch")
        run("ip", "-n", switch, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", switch, "link", "set", "bridge", "up")
        for port in ("edge", "chicago"):
            run("ip", "-n", switch, "link", "set", port, "master", "bridge", "up")
        self.long_link("edge", "middle")
        self.long_link("middle", "far")
        for number, (node, other) in enumerate([("edge", "chicago"), ("far", "newyork"), ("edge", "client"),
                                                ("edge", "middle"), ("middle", "far")], 1):
            self.end(number, 1, node, other)
            self.end(number, 2, other, {"chicago": "edge", "newyork": "far", "client": "edge"}.get(other, node))
        for number, host in ((1, "chicago"), (2, "newyork"), (3, "client")):
            run("ip", "-n", self.namespace(host), "route", "add", "default", "via", f"10.0.{number}.1")
            run("ip", "-n", self.namespace(host), "route", "add", "default", "via", f"fd00:0:0:{number}::1")

    def veth(self, node, interface, other, other_interface):
        run("ip", "link", "add", interface, "netns", self.namespace(node), "type", "veth", "peer", "name",
            other_interface, "netns", self.namespace(other))

    def long_link(self, node, other):
        process = subprocess.Popen([self.directory / "link", f"/run/netns/{self.namespace(node)}",
                                    f"/run/netns/{self.namespace(other)}", other, node, str(DELAY_US)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        if process.stdout.readline() != "up\n":
            raise RuntimeError("no long link")

    def end(self, number, last, node, interface):
        run("ip", "-n", self.namespace(node), "addr", "add", f"10.0.{number}.{last}/24", "dev", interface)
        run("ip", "-n", self.namespace(node), "addr", "add", f"fd00:0:0:{number}::{last}/64", "dev", interface, "nodad")
        run("ip", "-n", self.namespace(node), "link", "set", interface, "up")

    def down(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for node in NODES:
            for pid in run("ip", "netns", "pids", self.namespace(node), check=False).split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for process in self.processes:
            process.wait()
        for opened in self.opened:
            opened.close()
        for node in NODES:
            run("ip", "netns", "del", self.namespace(node), check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, node, name, *command):
        with open(self.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen(["ip", "netns", "exec", self.namespace(node), *map(str, command)],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory)
        self.processes.append(process)
        return process

    # --- looking -----------------------------------------------------------------------------------------------

    def who(self, target, timeout_s=0.2):
        """The PoP that answers the client now, by its NSID; None for no good answer."""
        name, address, _ = target
        asking = self.asking[socket.AF_INET6 if ":" in address else socket.AF_INET]
        with contextlib.suppress(BlockingIOError):
            while True:
                asking.recv(65535)  # too late
        query = dns.message.make_query(name, "SOA", use_edns=0, options=[dns.edns.GenericOption(3, b"")])
        try:
            answer = dns.query.udp(query, address, timeout=timeout_s, sock=asking, ignore_unexpected=True)
        except (dns.exception.DNSException, OSError):
            return None
        if answer.rcode() != 0 or not answer.answer:
            return None
        return next((o.data.decode() for o in answer.options if o.otype == 3), None)

    def eventually(self, condition, what, patience_s=PATIENCE_S, pause_s=0.02):
        until = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(f"waited {patience_s} s in vain for {what}\n{self.logs()}")
            time.sleep(pause_s)

    def answered_by(self, pop, target=MAIN):
        self.eventually(lambda: self.who(target) == pop, f"{pop} to answer for {target[0]}")

    def logs(self):
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-4000:]}"
                         for log in sorted(self.directory.glob("*.log")))

    # --- the client --------------------------------------------------------------------------------------------

    def stream(self, targets):
        """Begins to ask for each of them, RATE times a second."""
        self.stream_file = self.directory / "stream"
        words = [f"{name}@{address}" for name, address, _ in targets]
        self.stream_process = self.start("client", "client", "/usr/bin/python3", ASK, RATE * len(targets), 300,
                                         self.stream_file, *words)
        try:
            os.setpriority(os.PRIO_PROCESS, self.stream_process.pid, -15)  # its lateness isn't what is measured
        except PermissionError:
            pass
        self.eventually(self.stream_file.with_suffix(".part").exists, "the client")
        time.sleep(0.3)

    def stop_stream(self):
        self.stream_process.terminate()
        self.stream_process.wait()
        return [Answer(line) for line in self.stream_file.read_text().splitlines()]
