# SPDX-License-Identifier: BSD-2-Clause
"""The servers side by side: how each is configured, started, told to reload and stopped.

All of them serve the same zone files, with one UDP thread, minimal answers, and no rate limiting, logging of
queries, control channel or notifies. Each is started afresh for its turn in a directory of its own.
"""

import os
import shutil
import signal
import subprocess

from . import lab as bed

STOP_S = 20


def _threads_of(pids):
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                yield pid, thread
        except OSError:
            continue  # it ended meanwhile


def cpu_ns(pids):
    """CPU time that all threads of the processes have had."""
    total = 0
    for pid, thread in _threads_of(pids):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                total += int(stat.read().split()[0])
        except OSError:
            continue
    return total


def family(pid):
    """The process and all that descend from it."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
        except OSError:
            continue
    found, next_ones = [], [pid]
    while next_ones:
        one = next_ones.pop()
        found.append(one)
        next_ones += children.get(one, [])
    return found


def memory_octets(pids):
    """Resident memory, where pages that several processes share count once (PSS)."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except OSError:
            continue
    return total * 1024


class Server:
    """One that is started by a command. `zones` are (apex, path) pairs; `directory` holds them when many."""

    name = ""
    program = None  # where Debian puts it

    def __init__(self, lab, work, zones, directory=None, cores=(bed.SERVER_CORE,), build=None):
        self.lab = lab
        self.work = work
        self.zones = zones
        self.directory = directory
        self.cores = cores
        self.build = build
        self.process = None

    def configure(self):
        """Writes what the server needs into self.work."""

    def command(self):
        raise NotImplementedError

    def start(self, keep=False):
        """`keep` leaves what an earlier run of it stored."""
        if not keep:
            shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work, exist_ok=True)
        self.configure()
        with open(f"{self.work}/log", "w") as log:
            self.process = self.lab.spawn("server", self.cores, self.command(), stdout=log,
                                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.work)

    def stop(self):
        if self.process is None:
            return
        everyone = family(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            for pid in everyone:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        self.process = None

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def pids(self):
        return family(self.process.pid) if self.process is not None else []

    def alive(self):
        return self.process is None or self.process.poll() is None

    def said(self):
        with open(f"{self.work}/log", errors="replace") as log:
            return log.read()[-2000:]

    def _write(self, name, text):
        with open(f"{self.work}/{name}", "w") as out:
            out.write(text)

    @classmethod
    def version(cls, build):
        """What it is, for the report."""
        return cls.__doc__.split(":")[0].lower()


def _package_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return done.stdout.strip()


class Echo(Server):
    """The limit for a server on sockets: bench/limit/echo.c."""

    name = "echo"

    def command(self):
        return [f"{self.build}/bench/echo", bed.SERVER_ADDRESS, str(bed.PORT)]


class Reflector(Server):
    """The limit in the driver: bench/limit/xdp_reflect.c. No process: its work is the NAPI thread's."""

    name = "xdp-reflect"

    def start(self, keep=False):
        self.lab.load_xdp(f"{self.build}/bench/xdp_reflect.o")

    def stop(self):
        self.lab.unload_xdp()


class Hither(Server):
    name = "hither"

    def configure(self):
        os.makedirs(f"{self.work}/state", exist_ok=True)
        if self.directory is not None:
            zones = f"  - directory: {self.directory}\n"
        else:
            zones = "".join(f"  - name: {apex}\n    file: {path}\n" for apex, path in self.zones)
        self._write("hither.yaml", f"""server:
  identity: bench
  listen: ["{bed.SERVER_ADDRESS}@{bed.PORT}"]
  workers: 1
  state-dir: {self.work}/state
  control: {self.work}/control.sock
limits: {{udp-octets: 0, tcp-connections: 0, tcp-accepts: 0}}  # all clients are of one prefix
zones:
{zones}announce:
  backend: none
""")

    def command(self):
        return [f"{self.build}/server/hitherd", "-c", f"{self.work}/hither.yaml"]

    @classmethod
    def version(cls, build):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        done = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True)
        return f"hither {done.stdout.strip()}"


class HitherFirst(Hither):
    """Hither before the kernel's receive work on its core: what a flood is then dropped by is the device."""

    name = "hither-first"

    def command(self):
        return ["nice", "-n", "-10", *super().command()]


class Nsd(Server):
    name = "nsd"
    program = "/usr/sbin/nsd"

    def configure(self):
        zones = "".join(f"zone:\n  name: {apex}\n  zonefile: {path}\n" for apex, path in self.zones)
        self._write("nsd.conf", f"""server:
  server-count: 1
  ip-address: {bed.SERVER_ADDRESS}@{bed.PORT}
  username: ""
  zonesdir: {self.work}
  database: ""
  pidfile: {self.work}/nsd.pid
  xfrdfile: {self.work}/xfrd.state
  zonelistfile: {self.work}/zone.list
  cookie-secret-file: ""
  rrl-ratelimit: 0
  minimal-responses: yes
  statistics: 0
remote-control:
  control-enable: no
{zones}""")

    def command(self):
        return [self.program, "-d", "-c", f"{self.work}/nsd.conf"]

    @classmethod
    def version(cls, build):
        return f"NSD {_package_version('nsd')}"


class Knot(Server):
    name = "knot"
    program = "/usr/sbin/knotd"
    extra = ""

    def configure(self):
        zones = "".join(f"  - domain: {apex}\n    file: {path}\n" for apex, path in self.zones)
        self._write("knot.conf", f"""server:
  rundir: {self.work}
  listen: {bed.SERVER_ADDRESS}@{bed.PORT}
  udp-workers: 1
  tcp-workers: 1
database:
  storage: {self.work}
log:
  - target: stderr
    any: error
{self.extra.format(device=self.lab.server_device)}
template:
  - id: default
    storage: {self.work}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
{zones}""")

    def command(self):
        return [self.program, "-c", f"{self.work}/knot.conf"]

    @classmethod
    def version(cls, build):
        return f"Knot DNS {_package_version('knot')}"


class KnotXdp(Knot):
    """Knot answering beside the kernel's stack: AF_XDP, which is copy mode on a veth."""

    name = "knot-xdp"
    extra = "xdp:\n  listen: {device}@53\n"

    @classmethod
    def version(cls, build):
        return f"{super().version(build)}, AF_XDP"


class Bind(Server):
    name = "bind"
    program = "/usr/sbin/named"

    def configure(self):
        zones = "".join(f'zone "{apex}" {{ type primary; file "{path}"; }};\n' for apex, path in self.zones)
        self._write("named.conf", f"""options {{
  directory "{self.work}";
  listen-on port {bed.PORT} {{ {bed.SERVER_ADDRESS}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  lock-file none;
  recursion no;
  dnssec-validation no;
  minimal-responses yes;
  notify no;
  empty-zones-enable no;
  check-integrity no;
}};
controls {{ }};
{zones}""")

    def command(self):
        workers = ["-n", "1", "-U", "1"] if len(self.cores) == 1 else []
        return [self.program, "-g", *workers, "-c", f"{self.work}/named.conf"]

    @classmethod
    def version(cls, build):
        return f"BIND {_package_version('bind9')}"


KINDS = {kind.name: kind for kind in (Echo, Hither, Nsd, Knot, Bind, KnotXdp, Reflector, HitherFirst)}
DEFAULT = tuple(name for name in KINDS if name != "hither-first")
SOCKETS = ("echo", "hither", "nsd", "knot", "bind")  # those that need no XDP
LIMITS = ("echo", "xdp-reflect")
TWINS = ("knot-xdp", "hither-first")  # another one's way to answer: loads, keeps and reloads zones as that one does


def names_of(text):
    """Server names out of "a,b,c"; says which there are when one is wrong."""
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    for name in chosen:
        if name not in KINDS:
            raise ValueError(f"no server is called {name!r}; there are {', '.join(KINDS)}")
    return chosen
