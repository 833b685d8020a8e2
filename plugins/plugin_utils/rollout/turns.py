# SPDX-License-Identifier: Apache-2.0
"""The order in which hosts replace the containers that several of them have. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import STAGES, TIERS
from ansible_collections.caisson.openstack.plugins.module_utils.output.plans import PlanStep

#: Hosts by availability zone.
Zones = t.Mapping[str, t.Sequence[str]]


class SerialError(ValueError):
    """The number of hosts that are changed at the same time is wrong; the message says how to write it."""


@dataclasses.dataclass(frozen=True)
class Turn:
    """Hosts that replace their containers of one stage and tier at the same time; ``containers`` are their names by host."""

    stage: str
    tier: str
    hosts: list[str]
    containers: dict[str, list[str]]


def order(hosts: t.Mapping[str, t.Sequence[PlanStep]], serial: t.Sequence[int | str] = (1,), zones: Zones | None = None) -> list[Turn]:
    """Return the turns that the steps of a plan take: by stage, then by tier, then by host in the order of *hosts*.

    Args:
        serial: hosts of each turn of a tier, in the form of Ansible's ``serial``.
        zones: hosts of each availability zone. In each tier one zone comes after the other, and no turn has hosts of two.

    Raises:
        SerialError: if *serial* is wrong.
    """
    turns = []
    for stage in STAGES:
        for tier in TIERS:
            names = {host: [step.name for step in steps if (step.stage, step.tier) == (stage, tier)] for host, steps in hosts.items()}
            own = [host for host in names if names[host]]
            turns += [Turn(stage, tier, batch, {host: names[host] for host in batch}) for batch in batches(own, serial, zones or {})]
    return turns


def by_zone(hosts: t.Iterable[str], zones: Zones) -> list[str]:
    """Return *hosts* in their order, but zone after zone; hosts without one are a zone, too."""
    found: dict[str, list[str]] = {}
    places = _places(zones)
    for host in hosts:
        found.setdefault(places.get(host, ""), []).append(host)
    return list(itertools.chain.from_iterable(found.values()))


def _places(zones: Zones) -> dict[str, str]:
    return {host: zone for zone, own in zones.items() for host in own}


def batches(hosts: t.Sequence[str], serial: t.Sequence[int | str], zones: Zones | None = None) -> list[list[str]]:
    """Return *hosts* in batches of the sizes of *serial*; the last size holds for all that are left.

    Args:
        zones: hosts of each availability zone. One comes after the other, and a batch ends with its zone.

    Raises:
        SerialError: if a size is neither a positive number nor a percentage.
    """
    sizes = [_size(item, len(hosts)) for item in serial] or [1]
    found: list[list[str]] = []
    places = _places(zones or {})
    left = by_zone(hosts, zones or {})
    while left:
        size = sizes[min(len(found), len(sizes) - 1)]
        found.append([host for host in left[:size] if places.get(host, "") == places.get(left[0], "")])
        left = left[len(found[-1]) :]
    return found


def _size(item: int | str, total: int) -> int:
    text = str(item).strip()
    number = text.removesuffix("%")
    if not number.isdigit() or int(number) < 1:
        raise SerialError(f"'{item}' is not a number of hosts: use a number from 1, such as 2, or a percentage of the hosts, such as 10%")
    return max(1, total * int(number) // 100) if text.endswith("%") else int(number)


def summary(turns: t.Iterable[Turn]) -> list[str]:
    """Return the turns as lines for people."""
    lines = []
    for number, turn in enumerate(turns, start=1):
        names = sorted({name for own in turn.containers.values() for name in own})
        lines.append(f"  {number}. {', '.join(turn.hosts)}: {', '.join(names)}")
    return ["Replaced or restarted host by host, in this order:", *lines] if lines else []
