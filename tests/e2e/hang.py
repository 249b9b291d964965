# SPDX-License-Identifier: BSD-2-Clause
"""Troubles made from outside, with ptrace(2): one thread stopped where we like, or sent round in circles, while all others
go on."""
import ctypes
import os
import pathlib
import platform
import signal

SETREGS, GETREGS, DETACH, SYSCALL, SEIZE, INTERRUPT = 13, 12, 17, 24, 0x4206, 0x4207
WALL = 0x40000000
ORIG_RAX, RIP = 15, 16
SENDMMSG = 307
JUMP_TO_ITSELF = b"\xeb\xfe"

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, thread, address=None, data=None):
    if libc.ptrace(request, thread, address, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")


def threads(pid):
    """{name: number}"""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found[(task / "comm").read_text().strip()] = int(task.name)
    return found


def can_set_registers():
    return platform.machine() == "x86_64"


def executable_maps(pid):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights = line.split()[:2]
        if "x" in rights and not line.endswith("[vsyscall]"):
            yield [int(end, 16) for end in span.split("-")]


def find_jump_to_itself(pid):
    """An address in the program at which these octets happen to stand."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in executable_maps(pid):
            memory.seek(start)
            try:
                found = memory.read(end - start).find(JUMP_TO_ITSELF)
            except OSError:
                continue
            if found >= 0:
                return start + found
    raise LookupError("no instruction that jumps to itself")


class StoppedThread:
    """with StoppedThread(pid, "worker-0"): it stands still, and the rest of its process doesn't."""

    def __init__(self, pid, name):
        self.pid, self.thread = pid, threads(pid)[name]

    def __enter__(self):
        ptrace(SEIZE, self.thread)
        ptrace(INTERRUPT, self.thread)
        os.waitpid(self.thread, WALL)
        return self

    def __exit__(self, *_):
        """By now it has been killed, and we, its tracer, are the first to be told."""
        _, status = os.waitpid(self.thread, WALL)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status


def send_in_circles(pid, name):
    """The thread runs for ever, at full speed, without getting anywhere."""
    registers = (ctypes.c_ulong * 27)()
    address = find_jump_to_itself(pid)
    thread = threads(pid)[name]
    ptrace(SEIZE, thread)
    ptrace(INTERRUPT, thread)
    os.waitpid(thread, WALL)
    ptrace(GETREGS, thread, None, ctypes.addressof(registers))
    registers[RIP] = address
    registers[ORIG_RAX] = 2**64 - 1  # no system call to go on with
    ptrace(SETREGS, thread, None, ctypes.addressof(registers))
    ptrace(DETACH, thread)


class StoppedBeforeAnswer(StoppedThread):
    """with StoppedBeforeAnswer(pid, "worker-0", ask): `ask()` has sent it something, and it has an answer but hasn't sent it."""

    def __init__(self, pid, name, ask):
        super().__init__(pid, name)
        self.ask = ask

    def __enter__(self):
        super().__enter__()
        self.ask()
        registers = (ctypes.c_ulong * 27)()
        while registers[ORIG_RAX] != SENDMMSG:
            ptrace(SYSCALL, self.thread)
            os.waitpid(self.thread, WALL)
            ptrace(GETREGS, self.thread, None, ctypes.addressof(registers))
        return self

    def __exit__(self, *_):
        """Some thread got the signal, and this one goes with it."""
        _, status = os.waitpid(self.thread, WALL)
        assert os.WIFSIGNALED(status), status
