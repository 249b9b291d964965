# SPDX-License-Identifier: BSD-2-Clause
"""Signs zones with Debian's tools (ldns-signzone, dnssec-signzone), with keys made on the spot."""
import pathlib
import subprocess
from collections import namedtuple

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "zones" / "compare" / "signed"

# denial: "nsec", or (iterations, salt in hexadecimal or "-", opt-out)
Recipe = namedtuple("Recipe", "name source tool algorithm denial")

RECIPES = (
    Recipe("nsec.signed", "all", "ldns", "ECDSAP256SHA256", "nsec"),
    Recipe("nsecrsa.signed", "all", "bind", "RSASHA256", "nsec"),
    Recipe("nsec3.signed", "all", "bind", "ECDSAP256SHA256", (0, "-", False)),
    Recipe("nsec3salt.signed", "all", "ldns", "ECDSAP256SHA256", (10, "ABCDEF0123456789", False)),
    Recipe("nsec3one.signed", "all", "ldns", "ED25519", (1, "00", False)),
    Recipe("optout.signed", "all", "bind", "ECDSAP256SHA256", (0, "-", True)),
    Recipe("optoutsalt.signed", "all", "bind", "ECDSAP256SHA256", (5, "AA", True)),
    Recipe("tiny.signed", "tiny", "bind", "ECDSAP256SHA256", "nsec"),
    Recipe("tiny3.signed", "tiny", "bind", "ECDSAP256SHA256", (0, "-", False)),
    Recipe("tinyoptout.signed", "tiny", "bind", "ECDSAP256SHA256", (0, "-", True)),
    # The child first: the parent holds its DS.
    Recipe("child.parent.signed", "child", "bind", "ECDSAP256SHA256", (0, "-", False)),
    Recipe("plain.parent.signed", "child", None, None, None),
    Recipe("parent.signed", "parent", "bind", "ECDSAP256SHA256", "nsec"),
)


def _run(command, directory, text=None):
    done = subprocess.run(command, cwd=directory, input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stderr))
    return done.stdout


def _key(directory, zone, algorithm, secure_entry_point):
    command = ["dnssec-keygen", "-q", "-a", algorithm, "-n", "ZONE"]
    if algorithm.startswith("RSA"):
        command += ["-b", "2048"]
    if secure_entry_point:
        command += ["-f", "KSK"]
    return _run(command + [zone], directory).strip()


def _sign_with_ldns(directory, recipe, text, keys, out):
    source = directory / (recipe.name + ".unsigned")
    source.write_text("$ORIGIN %s.\n" % recipe.name + text)
    command = ["ldns-signzone", "-o", recipe.name, "-f", str(out)]
    if recipe.denial != "nsec":
        iterations, salt, opt_out = recipe.denial
        command += ["-n", "-t", str(iterations), "-s", salt] + (["-p"] if opt_out else [])
    _run(command + [str(source)] + keys, directory)


def _sign_with_bind(directory, recipe, text, keys, out):
    source = directory / (recipe.name + ".unsigned")
    included = "".join((directory / (key + ".key")).read_text() for key in keys)
    source.write_text("$ORIGIN %s.\n" % recipe.name + text + included)
    command = ["dnssec-signzone", "-P", "-x", "-o", recipe.name, "-f", str(out)]
    if recipe.denial != "nsec":
        iterations, salt, opt_out = recipe.denial
        command += ["-3", salt, "-H", str(iterations)] + (["-A"] if opt_out else [])
    _run(command + [str(source)] + keys, directory)


def sign_all(directory):
    """Returns (zones: name -> path, anchors: name -> DNSKEY lines of the key signing keys)."""
    directory = pathlib.Path(directory)
    zones, anchors, delegations = {}, {}, {}
    for recipe in RECIPES:
        text = (SOURCES / (recipe.source + ".zone")).read_text()
        out = directory / (recipe.name + ".zone")
        zones[recipe.name] = str(out)
        if recipe.tool is None:
            out.write_text(text)
            continue
        above = recipe.name.partition(".")[2]
        keys = [_key(directory, recipe.name, recipe.algorithm, entry_point) for entry_point in (True, False)]
        text += delegations.get(recipe.name, "")
        sign = _sign_with_ldns if recipe.tool == "ldns" else _sign_with_bind
        sign(directory, recipe, text, keys, out)
        anchors[recipe.name] = (directory / (keys[0] + ".key")).read_text()
        ds = _run(["dnssec-dsfromkey", "-2", keys[0] + ".key"], directory)
        delegations[above] = delegations.get(above, "") + ds
    return zones, anchors
