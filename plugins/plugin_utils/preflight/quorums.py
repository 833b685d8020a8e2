# SPDX-License-Identifier: Apache-2.0
"""Whether the members of each cluster can keep a majority when hosts fail, by their number and by where they are."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import limits, listeners
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting

#: Variable of a host that names what its hosts lose together: a rack, a power supply, a room.
DOMAIN = "failure_domain"


@dataclasses.dataclass(frozen=True)
class Quorum:
    """Hosts that decide by majority; ``containers`` are those of the hosts that do, ``place`` is what chooses the hosts."""

    place: str
    pattern: str
    hosts: tuple[str, ...]
    containers: tuple[str, ...]

    def __str__(self) -> str:
        what = f"{self.place} is '{self.pattern}'" if self.place else f"host group '{self.pattern}'"
        return f"{what}, whose hosts ({', '.join(self.hosts)}) form a cluster of {', '.join(self.containers)}"


def find(inventory: Inventory, items: t.Iterable[listeners.Item]) -> list[Quorum]:
    """Return the clusters of several hosts that the definitions of the play's services describe."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for _role, raw, item in items:
        pattern = str(item.get("group"))
        # what only a later task can resolve may be a cluster
        if len(inventory.hosts_or_none(pattern)) > 1 and inventory.template(raw.get("cluster"), ...):
            found.setdefault((listeners.variable_of(raw.get("group")), pattern), {})[str(item.get("name"))] = None
    return [
        Quorum(place, pattern, tuple(inventory.hosts_or_none(pattern)), tuple(containers)) for (place, pattern), containers in found.items()
    ]


def check(inventory: Inventory, items: t.Iterable[listeners.Item]) -> tuple[list[str], list[str]]:
    """Return what is wrong, and what is doubtful, with the number of each cluster's members and with where they are."""
    quorums = find(inventory, items)
    domains = {host: domain(inventory, host) for host in dict.fromkeys(host for quorum in quorums for host in quorum.hosts)}
    wrong = {host: error for host, setting in domains.items() if (error := _domain_error(setting))}
    known = {host: str(setting.value or "") for host, setting in domains.items()}
    errors, warnings = [f"{host}: {domains[host].named(DOMAIN)} {error}" for host, error in wrong.items()], []
    for quorum in quorums:
        errors += _check_number(quorum)
        refused, doubtful = _check_domains(quorum, known) if wrong.keys().isdisjoint(quorum.hosts) else ("", "")
        errors += [refused] if refused else []
        warnings += [doubtful] if doubtful else []
    return errors, warnings


def domain(inventory: Inventory, host: str) -> Setting:
    """Return the failure domain of a host; nothing if it has none."""
    return inventory.own(host, DOMAIN)


def _domain_error(setting: Setting) -> str:
    if setting.value is ...:
        return "has an expression that cannot be resolved before the host is contacted; write the name"
    errors = limits.check({"format": "name", "empty": True}, "" if setting.value is None else str(setting.value))
    return f"is wrong: {errors[0]}" if errors else ""


def _check_number(quorum: Quorum) -> list[str]:
    number = len(quorum.hosts)
    if number % 2:
        return []
    one = f"{quorum.pattern}[0]" if quorum.pattern.isidentifier() else "a group with one host"
    why = (
        "if either fails, the other has no majority and stops, too"
        if number == 2
        else f"{number} hosts bear the failure of {number // 2 - 1}, as {number - 1} do, and a cut in halves stops them all"
    )
    remedy = f"add a host or take one away, so that the number is odd{f', or name one host ({one})' if number == 2 else ''}"
    return [f"{quorum}: that is an even number, {number}; {why}. To go on, {remedy}"]


def _check_domains(quorum: Quorum, domains: t.Mapping[str, str]) -> tuple[str, str]:
    """Return an error and a warning, each empty if there is none."""
    members: dict[str, list[str]] = collections.defaultdict(list)
    for host in quorum.hosts:
        members[domains[host]].append(host)
    unknown = members.pop("", [])
    if not members:
        return "", ""
    name, most = max(members.items(), key=lambda item: len(item[1]))
    if not unknown and len(members) == 1:
        return f"{quorum}: all are in {DOMAIN} '{name}', whose failure stops the cluster; {_remedy(len(quorum.hosts))}", ""
    if len(most) * 2 > len(quorum.hosts):
        where = f"{', '.join(most)} are in {DOMAIN} '{name}', whose failure leaves no majority"
        return "", f"{quorum}: {where}; {_remedy(len(quorum.hosts))}"
    if unknown:
        return "", f"{quorum}: {', '.join(unknown)} {'has' if len(unknown) == 1 else 'have'} no {DOMAIN}, while others have one; set it"
    return "", ""


def _remedy(number: int) -> str:
    return (
        f"take hosts of {min(number, 3)} or more failure domains, or, if the hosts do not fail together after all, correct or remove their "
        f"{DOMAIN}"
    )
