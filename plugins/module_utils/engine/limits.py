# SPDX-License-Identifier: Apache-2.0
"""Limits of memory and processors, which the engine changes while a container runs."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, Difference
from ansible_collections.caisson.openstack.plugins.module_utils.model.units import parse_cpus, parse_size

#: What the kernel gives a control group that asks for nothing.
DEFAULT_SHARES = 1024

_ONLINE = pathlib.Path("/sys/devices/system/cpu/online")


def online() -> str:
    """Return the processors of this host, such as ``0-7``."""
    return _ONLINE.read_text(encoding="ascii").strip()


def differences(spec: ContainerSpec, state: ContainerState, cpus: str) -> list[Difference]:
    """Return the limits of a container that are not as *spec* says, whoever changed them; *cpus* are all processors of the host.

    Processors that are not set and all of them are the same: no update can unset them.
    """
    current = state.host_config
    every = parse_cpus(cpus)
    memory = current.get("Memory") or 0
    shares = current.get("CpuShares") or DEFAULT_SHARES
    found = []
    if parse_size(spec.memory) != memory:
        found.append(Difference("memory", spec.memory, _size(memory)))
    if (parse_cpus(spec.cpuset_cpus) or every) != (parse_cpus(current.get("CpusetCpus") or "") or every):
        found.append(Difference("cpuset_cpus", spec.cpuset_cpus, current.get("CpusetCpus") or ""))
    if (spec.cpu_shares or DEFAULT_SHARES) != shares:
        found.append(Difference("cpu_shares", spec.cpu_shares, shares))
    return found


def needs_new_container(found: Difference) -> bool:
    """Return whether the engine cannot update a running container to *found*: a limit of memory can change, but not go."""
    return found.option == "memory" and not found.desired


def update(spec: ContainerSpec, cpus: str) -> dict[str, t.Any]:
    """Return the limits as arguments of the SDK's update of a container; *cpus* are all processors of the host.

    The engine takes a limit that is empty for one that is not to change, and gives new containers as much swap as memory.
    """
    memory = parse_size(spec.memory)
    return {
        **({"mem_limit": memory, "memswap_limit": 2 * memory} if memory else {}),
        "cpuset_cpus": spec.cpuset_cpus or cpus,
        "cpu_shares": spec.cpu_shares or DEFAULT_SHARES,
    }


def _size(number: int) -> str:
    """Return bytes in the notation of definitions."""
    for unit, factor in (("g", 2**30), ("m", 2**20), ("k", 2**10)):
        if number and number % factor == 0:
            return f"{number // factor}{unit}"
    return str(number or "")
