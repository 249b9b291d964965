#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Judges the Kubernetes manifests by the schema that Kubernetes' own client was generated from: every key known, every
value of its type, nothing missing that is required."""
import pathlib
import re
import sys

import yaml
from kubernetes import client

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / "deploy/kubernetes"
SCALARS = {"str": str, "int": int, "float": (int, float), "bool": bool}


def model(document):
    group, _, version = document["apiVersion"].rpartition("/")
    name = "".join(part.capitalize() for part in version.split(".") if group in ("", "apps"))
    return name + document["kind"]


def judge(value, kind, path, findings):
    if kind.startswith("list["):
        if not isinstance(value, list):
            findings.append(f"{path}: a list is needed")
            return
        for i, item in enumerate(value):
            judge(item, kind[5:-1], f"{path}[{i}]", findings)
    elif kind.startswith("dict("):
        for key, item in value.items():
            judge(item, re.match(r"dict\(\w+, ?(.*)\)", kind)[1], f"{path}.{key}", findings)
    elif kind in SCALARS:
        if not isinstance(value, SCALARS[kind]) or (isinstance(value, bool) and kind != "bool"):
            findings.append(f"{path}: {value!r} is no {kind}")
    elif kind == "object":
        if not isinstance(value, (str, int)):
            findings.append(f"{path}: {value!r} is neither text nor a number")
    else:
        judge_object(value, kind, path, findings)


def judge_object(value, kind, path, findings):
    types = getattr(client, kind)
    keys = {json: attribute for attribute, json in types.attribute_map.items()}
    arguments = {}
    for key, item in value.items():
        if key not in keys:
            findings.append(f"{path}: {kind} has no {key}")
            continue
        judge(item, types.openapi_types[keys[key]], f"{path}.{key}", findings)
        arguments[keys[key]] = item
    try:
        types(**arguments)  # judges what is required, and values out of a list
    except ValueError as error:
        findings.append(f"{path}: {error}")


def main():
    findings, judged = [], 0
    for file in sorted(MANIFESTS.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            judge_object(document, model(document), f"{file.name}: {document['kind']}", findings)
            judged += 1
    for finding in findings:
        print(finding)
    print(f"{judged} objects judged")
    return 1 if findings or judged == 0 else 0


sys.exit(main())
