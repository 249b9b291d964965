# SPDX-License-Identifier: BSD-2-Clause
"""dnstap to a file and to a collector's socket, read back by others' tools: fstrm_capture and BIND's dnstap-read."""
import subprocess

import dns.message
import dns.query

from daemon import Daemon

ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""


def read_back(path):
    """[(what, client, transport, question)] of a file of frames."""
    run = subprocess.run(["dnstap-read", path], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    rows = [line.split() for line in run.stdout.splitlines()]
    return [(row[2], row[3].rsplit(":", 1)[0], row[6], row[8]) for row in rows if len(row) > 8]


def test_file_and_socket(tmp_path):
    socket, captured, file = tmp_path / "collector.sock", tmp_path / "captured", tmp_path / "frames"
    daemon = Daemon(tmp_path / "pop", {"example.org": ZONE})
    daemon.configuration.write_text(f"{daemon.configuration.read_text()}health: {{interval: 60s}}\n"
                                    f"log: {{dnstap: {{socket: {socket}, file: {file}}}}}\n")
    with open(tmp_path / "collector.log", "wb") as log:
        collector = subprocess.Popen(["fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", socket, "-w", captured],
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        daemon.eventually(socket.exists, "the collector")
        daemon.start()
        dns.query.udp(dns.message.make_query("www.example.org", "A"), "127.0.0.1", port=daemon.port, timeout=20)
        dns.query.tcp(dns.message.make_query("no.example.org", "MX"), "::1", port=daemon.port, timeout=20)
        daemon.stop()  # What waits is written out.
    finally:
        collector.terminate()
        collector.wait()
    wanted = {("AR", "127.0.0.1", "UDP", "www.example.org/IN/A"), ("AR", "::1", "TCP", "no.example.org/IN/MX")}
    for path in [file, captured]:
        assert wanted <= set(read_back(path)), path
    whole = subprocess.run(["dnstap-read", "-y", file], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "identity: tested" in whole and "192.0.2.80" in whole and "NXDOMAIN" in whole
