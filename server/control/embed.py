# SPDX-License-Identifier: BSD-2-Clause
"""Writes a file as a C array: embed.py FILE NAME OUTPUT."""
import sys

source, name, output = sys.argv[1:]
data = open(source, "rb").read()
rows = [",".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(output, "w", encoding="ascii") as out:
    out.write('#include "control/page.h"\n\n')
    out.write(f"const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "};\n")
    out.write(f"const size_t {name}_octets = sizeof {name};\n")
