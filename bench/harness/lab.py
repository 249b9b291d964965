# SPDX-License-Identifier: BSD-2-Clause
"""The test bed: a server's and a generator's network namespace, joined by a veth pair.

Everything lives in mount and network namespaces that bench/run enters before anything else, so when the process
is gone, however it went, the kernel takes the whole bed away. Addresses exist only inside.

Where the kernel's work is done decides what is measured. Left alone, a packet that is sent into a veth pair is
received on the sender's core, in the sender's time: the server's receive work would be billed to the generator.
So each end gets generic receive offload (which gives a veth its NAPI), threaded NAPI (which gives the NAPI a
thread) and that thread is pinned to its side's core. A veth sends only packets to its peer's NAPI that may be
merged there, and while the sending device offers TSO those of an AF_XDP generator don't count as such: TSO is
off. Every step proves that the server's NAPI thread did the receiving (gauge.step).
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys

SERVER_ADDRESS = "10.53.0.2"
GENERATOR_ADDRESS = "10.53.0.1"
SERVER_MAC = "02:00:00:00:00:02"
GENERATOR_MAC = "02:00:00:00:00:01"
SERVER_CORE = 0
GENERATOR_CORE = 1
PORT = 53

PROBE_PORT = 1053  # below 2000: kxdpgun's XDP program leaves replies to such ports to the kernel
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def enter_private_namespaces():
    """Runs this program again inside namespaces of its own, unless that has been done."""
    if os.environ.get("HITHER_BENCH_INSIDE") == "1":
        return
    environment = dict(os.environ, HITHER_BENCH_INSIDE="1")
    command = ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv]
    os.execvpe(command[0], command, environment)


def _die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def call(*command):
    """Runs a command to its end; what it printed is the error when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


class Lab:
    def __init__(self):
        tag = os.getpid()
        self.server_device = f"hs{tag}"
        self.generator_device = f"hg{tag}"

    def __enter__(self):
        os.makedirs("/run/netns", exist_ok=True)
        call("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        for namespace in ("server", "generator"):
            call("ip", "netns", "add", namespace)
            call("ip", "-n", namespace, "link", "set", "lo", "up")
        self._make_pair()
        self._make_end("server", self.server_device, SERVER_ADDRESS, GENERATOR_ADDRESS, GENERATOR_MAC)
        self._make_end("generator", self.generator_device, GENERATOR_ADDRESS, SERVER_ADDRESS, SERVER_MAC)
        self.pin_napi()
        return self

    def __exit__(self, *_):
        for namespace in ("server", "generator"):
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)
        subprocess.run(["umount", "/run/netns"], stderr=subprocess.DEVNULL)

    def _make_pair(self):
        one_queue = ("numtxqueues", "1", "numrxqueues", "1")
        call("ip", "-n", "server", "link", "add", self.server_device, *one_queue, "address", SERVER_MAC,
             "type", "veth", "peer", "name", self.generator_device, "netns", "generator", *one_queue,
             "address", GENERATOR_MAC)

    def _make_end(self, namespace, device, address, peer, peer_mac):
        call("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", device)
        call("ip", "netns", "exec", namespace, "ethtool", "-K", device, "gro", "on", "tso", "off")
        call("ip", "-n", namespace, "link", "set", device, "up")
        call("ip", "netns", "exec", namespace, "sh", "-c", f"echo 1 > /sys/class/net/{device}/threaded")
        call("ip", "-n", namespace, "neigh", "replace", peer, "lladdr", peer_mac, "dev", device,
             "nud", "permanent")

    def napi_threads(self, device):
        """The kernel threads that receive for `device`. Their names end in the NAPI's number."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as comm:
                if comm.read().startswith(f"napi/{device}-"):
                    found.append(int(pid))
        return found

    def pin_napi(self):
        """Attaching an XDP program may make the NAPI, and so its thread, anew: done before every run."""
        for device, core in ((self.server_device, SERVER_CORE), (self.generator_device, GENERATOR_CORE)):
            for pid in self.napi_threads(device):
                os.sched_setaffinity(pid, {core})

    def counters(self):
        """What left the server (taken by the generator's side, or lost in its ring) and what reached it."""
        text = call("ip", "netns", "exec", "server", "sh", "-c",
                    f"cd /sys/class/net/{self.server_device}/statistics && "
                    "cat rx_packets tx_packets tx_dropped")
        received, sent, lost = map(int, text.split())
        return {"received": received, "sent": sent + lost, "lost": lost}

    def spawn(self, namespace, cores, command, **options):
        """Starts a command in a namespace, on a list of cores, to die when this program does."""
        placed = ["ip", "netns", "exec", namespace, "taskset", "-c", ",".join(map(str, cores)), *command]
        return subprocess.Popen(placed, preexec_fn=_die_with_parent, start_new_session=True, **options)

    def socket(self, namespace, kind):
        """A socket that belongs to the namespace."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            made = socket.socket(socket.AF_INET, kind)
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(home)
            os.close(there)
        return made

    def load_xdp(self, path):
        call("ip", "-n", "server", "link", "set", "dev", self.server_device, "xdpdrv", "obj", path,
             "sec", "xdp")
        self.pin_napi()

    def unload_xdp(self):
        call("ip", "-n", "server", "link", "set", "dev", self.server_device, "xdpdrv", "off")
