# SPDX-License-Identifier: Apache-2.0
"""Processes that must outlive their container, found in a made-up /proc and in the real one."""

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import protected_processes
from ansible_collections.caisson.openstack.plugins.module_utils.engine.protected_processes import Process

_CONTAINER = "0123456789ab" * 5

#: What libvirt in a container leaves on cgroup v1: a group of its own where it decides, the container's elsewhere.
_V1_OUTSIDE = f"""\
11:freezer:/machine/qemu-1-vm.libvirt-qemu
10:memory:/machine/qemu-1-vm.libvirt-qemu
9:pids:/docker/{_CONTAINER}
8:devices:/machine/qemu-1-vm.libvirt-qemu
4:cpu,cpuacct:/docker/{_CONTAINER}
1:name=systemd:/docker/{_CONTAINER}
0::/system.slice/docker.service
"""


def _process(proc: pathlib.Path, pid: int, name: str, cgroup: str) -> None:
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "comm").write_text(f"{name}\n")
    (proc / str(pid) / "cgroup").write_text(cgroup)


def test_processes_are_found_by_the_beginning_of_their_name(tmp_path: pathlib.Path) -> None:
    for pid, name in [(30, "qemu-system-x86"), (4, "qemu-system-arm"), (5, "qemu-img"), (6, "libvirtd")]:
        _process(tmp_path, pid, name, "0::/x\n")
    (tmp_path / "sys").mkdir()
    assert [process.pid for process in protected_processes.find(["qemu-system"], tmp_path)] == [4, 30]
    # the kernel cuts names at 15 characters
    assert [process.pid for process in protected_processes.find(["qemu-system-x86_64"], tmp_path)] == [30]
    assert protected_processes.find([], tmp_path) == []


def test_a_process_that_ends_meanwhile_is_passed_over(tmp_path: pathlib.Path) -> None:
    (tmp_path / "7").mkdir()
    _process(tmp_path, 8, "qemu-system-x86", "0::/x\n")
    assert [process.pid for process in protected_processes.find(["qemu"], tmp_path)] == [8]


@pytest.mark.parametrize(
    ("cgroup", "killed"),
    [
        (f"0::/docker/{_CONTAINER}\n", True),
        (f"0::/system.slice/docker-{_CONTAINER}.scope/libvirt\n", True),
        ("0::/machine/qemu-1-vm.libvirt-qemu\n", False),
        (_V1_OUTSIDE, False),
        (_V1_OUTSIDE.replace("freezer:/machine/qemu-1-vm.libvirt-qemu", f"freezer:/docker/{_CONTAINER}"), True),
        (_V1_OUTSIDE.replace("devices:/machine/qemu-1-vm.libvirt-qemu", f"devices:/docker/{_CONTAINER}"), True),
    ],
)
def test_a_process_in_a_group_that_decides_is_killed_with_it(tmp_path: pathlib.Path, cgroup: str, killed: bool) -> None:
    _process(tmp_path, 9, "qemu-system-x86", cgroup)
    found = protected_processes.find(["qemu"], tmp_path)
    assert protected_processes.killed_with(found, _CONTAINER) == (found if killed else [])


def test_this_process_is_found_in_the_real_proc() -> None:
    name = pathlib.Path("/proc/self/comm").read_text(encoding="utf-8").strip()
    found = {process.pid: process for process in protected_processes.find([name])}
    assert isinstance(found[os.getpid()], Process)
    assert found[os.getpid()].cgroups
