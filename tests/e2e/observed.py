# SPDX-License-Identifier: BSD-2-Clause
"""A PoP with everything that can be watched: a neighbour, a fleet that nobody else is in, checks, HTTP."""
import pathlib
import urllib.error
import urllib.request

import pytest

from daemon import ROOT, Daemon, free_port
from router import Router

ZONE = """$TTL 300
@ SOA ns1 hostmaster {serial} 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""
PREFIX = "203.0.113.0/24"


class Observed(Daemon):
    def __init__(self, directory, router, more=""):
        super().__init__(directory, {"example.org": ZONE.format(serial=1),
                                     "nsec.example": ROOT / "tests/zones/signed-nsec.zone"})
        self.http, fleet = free_port(), free_port()
        (directory / "fleet.key").write_text("ab" * 32 + "\n")
        (directory / "fleet.key").chmod(0o600)
        text = self.configuration.read_text()
        text = text.replace("  workers: 2\n", f"  workers: 2\n  http: 127.0.0.1@{self.http}\n{more}")
        self.configuration.write_text(text.replace("  backend: none\n", f"""\
  backend: bgp
  prefixes: [{PREFIX}, "2001:db8:53::/48"]
  local-as: 64512
  neighbors:
    - {{address: 127.0.0.1, port: {router.port}, remote-as: 64500}}
    - {{address: 127.0.0.2, port: {free_port()}, remote-as: 64501}}
  drain-wait: 0
health:
  interval: 100ms
  rise: 1
  exec:
    - name: disk
      command: [/bin/false]
      interval: 1s
fleet:
  key-file: fleet.key
  listen: 127.0.0.1@{fleet}
  peers: [127.0.0.1@{fleet}, 127.0.0.1@{free_port()}]
"""))

    def get(self, path):
        """(status, text)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        """{sample: value}"""
        status, text = self.get("/metrics")
        assert status == 200
        rows = (row.rsplit(" ", 1) for row in text.splitlines() if not row.startswith("#"))
        return {sample: float(value) for sample, value in rows}


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """One for all tests of a file: they only look."""
    router = Router()
    daemon = Observed(tmp_path_factory.mktemp("observed") / "pop", router)
    daemon.start()
    router.wait(lambda: PREFIX in router.routes(), "the announcement")
    yield daemon
    daemon.stop()
    router.close()


def schema_path():
    return pathlib.Path(ROOT / "server/control/status.schema.json")
