# SPDX-License-Identifier: BSD-2-Clause
"""Where the zones of the comparison are."""
import lzma
import pathlib

ZONES = pathlib.Path(__file__).resolve().parents[2] / "zones"


def plain():
    """{name: path} of the nasty ones."""
    return {path.name[:-len(".zone")]: str(path) for path in sorted((ZONES / "compare").glob("*.zone"))}


def root(directory):
    """{".": path} of the root zone, unpacked into `directory`."""
    path = pathlib.Path(directory) / "root.zone"
    with lzma.open(ZONES / "root.zone.xz") as packed:
        path.write_bytes(packed.read())
    return {".": str(path)}
