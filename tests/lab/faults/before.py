# SPDX-License-Identifier: BSD-2-Clause
"""What others came to, in another lab of the same shape, before hither existed: medians in ms of the outage at the Chicago
client. They were measured once, on another day and machine, and aren't measured again here. "never": over 20 s."""

COLUMNS = ["Knot + BIRD + script", "NSD + ExaBGP check", "Knot + BIRD + BFD", "NSD + FRR + BFD", "best hand-made glue"]
NEVER = "never"
MEASURED = {
    "server-killed": (1830, 813, 467, 1644, 11),
    "server-gone": (1830, 813, 467, 1644, 11),
    "server-hung": (2639, 2926, 1833, 2874, 354),
    "drain": (0, 10, 0, 0, 0),
    "stop": (1810, 575, 697, 1249, 14),
    "upgrade": (28, 76, None, None, 14),
    "power": (2303, 2137, 140, 141, 142),
    "own-zone": (1825, 969, 521, 1493, 353),
    "unlisted-zone": (NEVER, NEVER, NEVER, NEVER, 385),
    "check-dies": (NEVER, 576, 0, NEVER, 0),
    "check-hangs": (NEVER, NEVER, NEVER, NEVER, NEVER),
    "speaker-dies": (10, 9, 0, 10, 0),
    "recovered": (1961, 1260, 1957, 1939, 387),
}
