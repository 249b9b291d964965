# SPDX-License-Identifier: BSD-2-Clause
"""The two processes of a running hitherd, and how to tell one server from the next."""
import json
import pathlib
import subprocess

import dns.edns
import dns.flags
import dns.message
import dns.query


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def server_pid(daemon):
    """Of the server that runs now; None between two."""
    found = children(daemon.process.pid)
    assert len(found) <= 1, found
    return found[0] if found else None


def is_alive(pid):
    """A zombie isn't."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def identity(daemon, where="127.0.0.1"):
    """What the NSID says, or None when nobody answers within a second."""
    query = dns.message.make_query("id.server", "TXT", "CH", use_edns=0, options=[dns.edns.GenericOption(3, b"")])
    try:
        answer = dns.query.udp(query, where, port=daemon.port, timeout=1)
    except (dns.exception.Timeout, OSError):
        return None
    return next(option.data.decode() for option in answer.options if option.otype == 3)


def run(daemon, *arguments):
    """The program for a moment, with the daemon's build: (exit status, what it said)."""
    done = subprocess.run([daemon.programs / "hitherd", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=daemon.patience_s, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def ask_hither(daemon, *arguments):
    """What the command says of the running daemon, as JSON."""
    done = subprocess.run([daemon.programs / "hither", "-c", daemon.configuration, *arguments, "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=daemon.patience_s, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{daemon.log()}"
    return json.loads(done.stdout)
