#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a zone of many names to standard output, always the same for the same arguments.

    make_zone.py --names 1000000 --origin example.com > example.com.zone

The mix is that of a busy zone: hosts with IPv4 and IPv6 addresses, aliases, mail, text, delegations with and
without glue, a wildcard now and then. --order sorted|shuffled|reversed chooses the order of the owners.
"""
import argparse
import random
import sys


def records(i):
    """The lines of the `i`th name."""
    host = f"n{i:08d}"
    kind = i % 20
    if kind < 9:
        return f"{host} A 192.0.{i >> 8 & 255}.{i & 255}\n"
    if kind < 13:
        return (f"{host} A 198.51.{i >> 8 & 255}.{i & 255}\n"
                f"{host} AAAA 2001:db8::{i >> 16 & 0xffff:x}:{i & 0xffff:x}\n")
    if kind < 15:
        return f"{host} CNAME n{i - i % 20:08d}\n"
    if kind == 15:
        return f"{host} MX 10 n{i - i % 20:08d}\n{host} TXT \"v=spf1 mx -all\"\n"
    if kind < 18:
        return f"{host} NS ns1.provider{i % 97}.example.\n{host} NS ns2.provider{i % 97}.example.\n"
    if kind == 18:
        return (f"{host} NS ns1.{host}\n{host} NS ns2.{host}\n"
                f"ns1.{host} A 203.0.113.{i & 255}\nns2.{host} AAAA 2001:db8:1::{i & 0xffff:x}\n")
    return f"*.{host} 60 A 192.0.2.{i & 255}\nsrv.{host} SRV 0 0 443 n{i - i % 20:08d}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", type=int, default=1000)
    parser.add_argument("--origin", default="example.com")
    parser.add_argument("--serial", type=int, default=1)
    parser.add_argument("--order", choices=["sorted", "shuffled", "reversed"], default="sorted")
    args = parser.parse_args()

    write = sys.stdout.write
    write(f"$ORIGIN {args.origin.rstrip('.')}.\n$TTL 3600\n"
          f"@ SOA ns1 hostmaster {args.serial} 7200 3600 1209600 300\n"
          "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\nns2 AAAA 2001:db8::2\n")
    order = range(args.names)
    if args.order == "reversed":
        order = reversed(order)
    elif args.order == "shuffled":
        order = list(order)
        random.Random(53).shuffle(order)
    chunk = []
    for i in order:
        chunk.append(records(i))
        if len(chunk) == 4096:
            write("".join(chunk))
            chunk = []
    write("".join(chunk))


if __name__ == "__main__":
    main()
