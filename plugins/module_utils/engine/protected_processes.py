# SPDX-License-Identifier: Apache-2.0
"""Processes that must outlive the container that started them: the virtual machines of the sandwich.

When a container ends, the engine kills what is left in the container's control group. A virtual machine survives
only where libvirt moved it to a group of its own, so this is asked before the container is replaced.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t


@dataclasses.dataclass(frozen=True)
class Process:
    """A process of the host."""

    pid: int
    name: str
    cgroups: tuple[str, ...]


#: Controllers that decide whether a process is killed with its container. On cgroup v1 libvirt leaves a machine's
#: pids, cpuacct and name=systemd groups where they were, which kills nothing; v2 has one group, shown with no name.
_DECISIVE = {"freezer", "devices", "memory", ""}


def find(prefixes: t.Iterable[str], proc: pathlib.Path = pathlib.Path("/proc")) -> list[Process]:
    """Return the host's processes whose name starts with one of *prefixes* (the kernel cuts names at 15 characters)."""
    starts = tuple(prefix[:15] for prefix in prefixes)
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name = (entry / "comm").read_text().strip()
            if name.startswith(starts):
                found.append(Process(int(entry.name), name, _decisive_groups((entry / "cgroup").read_text())))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return sorted(found, key=lambda process: process.pid)


def _decisive_groups(text: str) -> tuple[str, ...]:
    """Return the paths of the control groups that decide, from the text of ``/proc/PID/cgroup``."""
    rows = [line.split(":", 2) for line in text.splitlines()]
    one_hierarchy = len(rows) == 1
    return tuple(path for _number, names, path in rows if _DECISIVE & set(names.split(",")) and (names or one_hierarchy))


def killed_with(processes: t.Iterable[Process], container_id: str) -> list[Process]:
    """Return the processes that would be killed with the container."""
    return [process for process in processes if any(container_id in group for group in process.cgroups)]


def error(processes: t.Iterable[Process], container_id: str) -> str:
    """Return why the container must not be stopped, or an empty text."""
    killed = killed_with(processes, container_id)
    if not killed:
        return ""
    names = ", ".join(f"{process.name} (pid {process.pid})" for process in killed)
    return f"{names} runs in the control group of the container and would be killed with it"
