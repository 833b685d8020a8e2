# SPDX-License-Identifier: Apache-2.0
"""What a hypervisor keeps for servers and for itself, against the processors and the memory that it has. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.units import parse_cpus


@dataclasses.dataclass(frozen=True)
class GuestResources:
    """The settings of Nova on a hypervisor; on other hosts there are none."""

    cpu_dedicated_set: str = ""
    cpu_shared_set: str = ""
    reserved_host_cpus: int = 0
    reserved_host_memory_mb: int = 0


def errors(wanted: GuestResources, memory: int, cpus: str) -> t.Iterator[str]:
    """Yield a sentence for each setting that the host cannot meet.

    Args:
        memory: that of the host, in MiB.
        cpus: its processors, such as ``0-7``.
    """
    every = parse_cpus(cpus)
    sets = {"nova_cpu_dedicated_set": wanted.cpu_dedicated_set, "nova_cpu_shared_set": wanted.cpu_shared_set}
    found: dict[str, frozenset[int]] = {}
    for option, text in sets.items():
        try:
            found[option] = parse_cpus(text)
        except ValueError as error:
            yield f"{option}: {error}"
            continue
        if missing := sorted(found[option] - every):
            yield f"{option} names processor {', '.join(map(str, missing))}; the host has {cpus}"
    if len(found) == len(sets) and (both := sorted(frozenset.intersection(*found.values()))):
        yield f"processor {', '.join(map(str, both))} is in nova_cpu_dedicated_set and in nova_cpu_shared_set; Nova refuses that"
    named = [option for option, text in sets.items() if text]
    if wanted.reserved_host_cpus and named:
        yield f"nova_reserved_host_cpus has no meaning with {' and '.join(named)}: the host has the processors that are in no set"
    elif wanted.reserved_host_cpus >= len(every):
        yield f"nova_reserved_host_cpus is {wanted.reserved_host_cpus}, but the host has {len(every)} processors: none is left for servers"
    if wanted.reserved_host_memory_mb >= memory:
        yield f"nova_reserved_host_memory_mb is {wanted.reserved_host_memory_mb}, but the host has {memory} MiB: none is left for servers"
