# SPDX-License-Identifier: BSD-2-Clause
"""Zones and questions, the same ones on every machine.

A zone is an apex and N owners with one A record each. Owners are eight hexadecimal digits in an order that looks
random (a multiplication modulo 2^32, which never repeats), so no server gains from names that were written in
the order of their values.
"""

import random

SCATTER = 2654435761  # odd, so i -> i * SCATTER mod 2^32 is one to one
CHUNK = 100_000
SEED = 53
SERIAL_WIDTH = 10


def owner(i):
    return f"{i * SCATTER & 0xFFFFFFFF:08x}"


def address(i):
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def write_zone(path, apex, names, serial=1):
    with open(path, "w") as out:
        out.write(f"$ORIGIN {apex}.\n$TTL 3600\n@ SOA ns1 hostmaster {serial:<{SERIAL_WIDTH}} 3600 900 604800 300\n"
                  "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n")
        for start in range(0, names, CHUNK):
            out.write("".join(f"{owner(i)} A {address(i)}\n" for i in range(start, min(names, start + CHUNK))))


def set_serial(path, serial):
    """Overwrites the SOA's serial where it stands."""
    with open(path, "r+b") as zone:
        head = zone.read(512)
        at = head.index(b"hostmaster ") + len(b"hostmaster ")
        zone.seek(at)
        zone.write(f"{serial:<{SERIAL_WIDTH}}".encode())


def write_questions(path, apex, names, ask):
    """`ask` different names of the zone's, at random, in random order."""
    chosen = random.Random(SEED).sample(range(names), ask)
    with open(path, "w") as out:
        for start in range(0, ask, CHUNK):
            out.write("".join(f"{owner(i)}.{apex} A\n" for i in chosen[start:start + CHUNK]))


def small_apex(i):
    return f"z{owner(i)}.example"


def write_small_zones(directory, count, names):
    """`count` zones of `names` owners, NAME.zone each; returns [(apex, path)]."""
    made = []
    for i in range(count):
        apex = small_apex(i)
        path = f"{directory}/{apex}.zone"
        write_zone(path, apex, names)
        made.append((apex, path))
    return made


def write_small_questions(path, count, names, ask):
    rng = random.Random(SEED)
    with open(path, "w") as out:
        for _ in range(ask):
            out.write(f"{owner(rng.randrange(names))}.{small_apex(rng.randrange(count))} A\n")
