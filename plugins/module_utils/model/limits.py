# SPDX-License-Identifier: Apache-2.0
"""Limits of memory and processors of containers, in definitions and as an operator sets them. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.units import parse_cpus, parse_size

#: What the kernel accepts as a share of a control group.
SHARES = (2, 262144)


@dataclasses.dataclass
class ContainerLimits:
    """Limits that an operator sets; what is empty stays as the definition has it."""

    memory: str = ""
    cpuset_cpus: str = ""
    cpu_shares: int = 0


@dataclasses.dataclass
class LimitedContainer:
    """A container of a host whose limits an operator has set."""

    name: str
    memory: str = ""
    cpuset_cpus: str = ""


class _Limits(t.Protocol):
    """What has limits."""

    memory: str
    cpuset_cpus: str
    cpu_shares: int


def errors(limits: _Limits, name: str) -> list[str]:
    """Return a sentence for each limit of container *name* that is none."""
    found = []
    for option, parse in (("memory", parse_size), ("cpuset_cpus", parse_cpus)):
        try:
            parse(getattr(limits, option))
        except ValueError as error:
            found.append(f"{option} of {name}: {error}")
    least, most = SHARES
    if limits.cpu_shares and not least <= limits.cpu_shares <= most:
        found.append(f"cpu_shares of {name} is {limits.cpu_shares}; it must be from {least} to {most}, or 0 for the usual 1024")
    return found


def unfit(limited: t.Sequence[LimitedContainer], memory: int, cpus: str) -> list[str]:
    """Return a sentence for each limit that a host cannot grant.

    Args:
        memory: that of the host, in MiB.
        cpus: its processors, such as ``0-7``.
    """
    found = []
    sizes = {item.name: parse_size(item.memory) // 2**20 for item in limited}
    for item in limited:
        missing = sorted(parse_cpus(item.cpuset_cpus) - parse_cpus(cpus))
        if missing:
            found.append(f"cpuset_cpus of {item.name} names processor {', '.join(map(str, missing))}; the host has {cpus}")
        if sizes[item.name] > memory:
            found.append(f"memory of {item.name} is {item.memory}; the host has {memory} MiB")
    if not found and sum(sizes.values()) > memory:
        each = ", ".join(f"{name} {size}" for name, size in sizes.items() if size)
        found.append(f"the memory of its containers is {sum(sizes.values())} MiB together ({each}); the host has {memory} MiB")
    return [f"cloud_container_limits: {error}" for error in found]
