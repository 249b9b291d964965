# SPDX-License-Identifier: BSD-2-Clause
"""Opens COUNT connections to ADDRESS, each from another host of PREFIX (three octets), asks over each, and prints how
many were answered; all of them stay open until the end."""
import socket
import struct
import sys

import dns.message

MESSAGE = dns.message.make_query("ns.example.com", "A").to_wire()
QUERY = struct.pack("!H", len(MESSAGE)) + MESSAGE


def connect(address, source):
    try:
        connection = socket.create_connection((address, 53), timeout=5, source_address=(source, 0))
        connection.sendall(QUERY)
        return connection
    except OSError:
        return None


def is_answered(connection):
    try:
        return connection is not None and len(connection.recv(2)) > 0
    except OSError:
        return False


def main():
    address, count, prefix = sys.argv[1:]
    connections = [connect(address, f"{prefix}.{i + 1}") for i in range(int(count))]
    print(sum(is_answered(connection) for connection in connections))


main()
