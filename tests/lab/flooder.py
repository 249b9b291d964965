# SPDX-License-Identifier: BSD-2-Clause
"""Asks ADDRESS for NAME TXT as quickly as it goes for SECONDS, from the given source addresses in turn; answers are
left to the kernel. Prints how many queries it sent. The addresses need not be the host's (IP_FREEBIND)."""
import socket
import struct
import sys
import time

IP_FREEBIND = 15


def question(name):
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
    return struct.pack("!6H", 4711, 0, 1, 0, 0, 1) + labels + b"\0" + struct.pack("!HH", 16, 1) + struct.pack(
        "!BHHIH", 0, 41, 1232, 0, 0)


def main():
    address, name, seconds, *sources = sys.argv[1:]
    query, sockets, sent = question(name), [], 0
    for source in sources:
        flooding = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        flooding.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        flooding.bind((source, 0))
        flooding.connect((address, 53))
        sockets.append(flooding.send)
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        for _ in range(1 + 64 // len(sockets)):
            for send in sockets:
                send(query)
                sent += 1
    print(sent)


main()
