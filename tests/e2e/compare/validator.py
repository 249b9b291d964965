# SPDX-License-Identifier: BSD-2-Clause
"""A validator that isn't ours: unbound, asked through, with nothing but trust anchors and our server behind it."""
import pathlib
import subprocess

from asking import Server, wait_until_up
from message import RD
from peers import free_port


class Validator:
    """`behind`: the server that it asks; `zones`: names; `anchors`: name -> text of DNSKEY records."""

    def __init__(self, directory, behind, zones, anchors):
        self.directory = pathlib.Path(directory)
        self.server = Server("unbound", "127.0.0.1", free_port())
        (self.directory / "anchors").write_text("".join(anchors.values()))
        # Whatever leads out of our zones ends at our server too, which refuses it: nothing reaches the Internet.
        # Nothing is concluded from proofs seen before: each answer has to stand by itself.
        text = """server:
  interface: 127.0.0.1@%d
  port: %d
  num-threads: 1
  directory: "%s"
  pidfile: "%s/unbound.pid"
  chroot: ""
  username: ""
  use-syslog: no
  do-daemonize: no
  verbosity: 0
  val-log-level: 2
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor-file: "%s/anchors"
  trust-anchor-signaling: no
  aggressive-nsec: no
  qname-minimisation: no
  harden-below-nxdomain: no
  num-queries-per-thread: 2048
  outgoing-range: 512
  infra-keep-probing: yes
  access-control: 127.0.0.0/8 allow
remote-control:
  control-enable: no
""" % ((self.server.port,) * 2 + (self.directory,) * 3)
        for name in (".",) + tuple(zones):
            text += 'stub-zone:\n  name: "%s"\n  stub-addr: 127.0.0.1@%d\n' % (name, behind.port)
        (self.directory / "unbound.conf").write_text(text)
        self._log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(["/usr/sbin/unbound", "-d", "-c", str(self.directory / "unbound.conf")],
                                        stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)

    def wait(self, apex):
        wait_until_up(self.server, self.process, apex, flags=RD)

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def stop(self):
        self.server.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
