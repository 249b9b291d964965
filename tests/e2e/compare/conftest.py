# SPDX-License-Identifier: BSD-2-Clause
"""Servers for the comparison: started once for each group of zones, when its first test needs them."""
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import group as groups
import peers
import signing
import sources

COMPARED = ("nsd", "knot", "bind")
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|runtime error)")


class Started:
    """A group and the servers that it needs, so that they end together."""

    def __init__(self, directory, zones, signed, skip=()):
        self.running = []
        try:
            for kind in ("hither",) + COMPARED:
                self.running.append(peers.Peer(kind, directory / "servers", zones))
        except Exception:
            self.stop()
            raise
        self.group = groups.Group(self.running[0].server, self.running[1:], zones, signed, skip)

    def stop(self):
        """hither has to end cleanly, with nothing to report from the sanitizers."""
        statuses = [peer.stop() for peer in self.running]
        if self.running:
            log = self.running[0].log()
            assert statuses[0] == 0 and not SANITIZER.search(log), "exit status %s\n%s" % (statuses[0], log)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    started = Started(tmp_path_factory.mktemp("plain"), sources.plain(), signed=False, skip=(b"host",))
    yield started.group
    started.stop()


@pytest.fixture(scope="session")
def signed_zones(tmp_path_factory):
    return signing.sign_all(tmp_path_factory.mktemp("signing"))


@pytest.fixture(scope="session")
def signed(tmp_path_factory, signed_zones):
    started = Started(tmp_path_factory.mktemp("signed"), signed_zones[0], signed=True)
    yield started.group
    started.stop()


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    directory = tmp_path_factory.mktemp("root")
    started = Started(directory, sources.root(directory), signed=True)
    yield started.group
    started.stop()
