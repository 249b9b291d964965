#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A page that names files must name files that exist, and README.md must name every key of the configuration."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = {p.name for p in (ROOT / "server").iterdir() if p.is_dir()}
TOP = "include|server|tests|deploy|zones|bench"


def names_in(text):
    """Paths from the top of the tree, and `room/stem` as the walks write them."""
    for match in re.finditer(rf"(?<![\w./-])\.?((?:{TOP})/[\w./-]*[\w])", text):
        yield match.group(1), [match.group(1)]
    for match in re.finditer(rf"(?<![\w./-])((?:{'|'.join(sorted(ROOMS))})/[a-z_0-9]+)(?![\w./-])", text):
        yield match.group(1), [f"server/{match.group(1)}.c", f"include/{match.group(1)}.h"]


def main():
    bad = 0
    for page in sorted(p for p in ROOT.rglob("*.md") if not p.relative_to(ROOT).parts[0].startswith(("build", "."))):
        for line, text in enumerate(page.read_text().splitlines(), 1):
            for name, candidates in names_in(text):
                if not any((ROOT / c).exists() for c in candidates):
                    print(f"{page.relative_to(ROOT)}:{line}: {name} doesn't exist")
                    bad += 1
    readme = (ROOT / "README.md").read_text()
    for key in sorted(set(re.findall(r'FIELD_\w+\("([a-z0-9-]+)"', (ROOT / "server/config/schema.c").read_text()))):
        if not re.search(rf"^[ #-]*{key}:", readme, re.M):
            print(f"README.md: the configuration's key {key} isn't there")
            bad += 1
    sys.exit(1 if bad else 0)


main()
