# SPDX-License-Identifier: BSD-2-Clause
"""The container's file system, without a container engine: entered as its engine would, with what it would be left."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from routers import PROGRAMS, ROOT, eventually, run

USER = 5353


@pytest.fixture
def image(tmp_path):
    root = tmp_path / "image"
    run(ROOT / "deploy/container/rootfs", root, PROGRAMS.parent)
    (root / "etc/hither/zones.d/example.org.zone").write_text("$TTL 300\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.1\n")
    return root


@pytest.fixture
def container(image, tmp_path):
    """hitherd as an ordinary user in namespaces of its own, with nothing but the right to low ports."""
    (tmp_path / "enter").write_text(f"""
        ip link set lo up
        mount -t proc proc {image}/proc
        exec setpriv --bounding-set=-all,+net_bind_service,+sys_chroot,+setuid,+setgid \\
            chroot --userspec {USER}:{USER} --groups= {image} /usr/sbin/hitherd
    """)
    log = open(tmp_path / "log", "wb")
    process = subprocess.Popen(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "bash",
                                tmp_path / "enter"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    log.close()
    yield process, tmp_path / "log"
    process.kill()
    process.wait()


def child_of(process):
    """hitherd itself; None before it is there."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return children[0] if children else None


def ask(process):
    child = child_of(process)
    return child and run("nsenter", "--target", child, "--net", "dig", "+short", "+time=1", "+tries=1", "@127.0.0.1",
                         "a.example.org", "A", check=False).strip()


def test_it_answers_as_an_ordinary_user_with_one_capability(container):
    process, log = container
    eventually(lambda: ask(process) == "192.0.2.1", "an answer", log.read_text)
    status = pathlib.Path(f"/proc/{child_of(process)}/status").read_text()
    assert re.search(r"Uid:\s+5353\s", status)
    net_bind_service = 1 << 10
    assert int(re.search(r"CapPrm:\s+(\w+)", status)[1], 16) == net_bind_service


def test_nothing_else_is_in_it(image):
    programs = {p.relative_to(image).as_posix() for p in image.rglob("*") if p.is_file() and os.access(p, os.X_OK)
                and ".so" not in p.name}
    assert programs == {"usr/sbin/hitherd", "usr/bin/hither"}
    assert shutil.which("setcap") and "cap_net_bind_service=ep" in run("getcap", image / "usr/sbin/hitherd")
