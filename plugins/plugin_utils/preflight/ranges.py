# SPDX-License-Identifier: Apache-2.0
"""Checks whether the external networks of all hosts fit each other and the addresses of all hosts. Pure.

The cost grows with n log n, because there may be thousands of hosts, each with a network of its own.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import networks
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.addressing import BRIDGE, GATEWAY, POOL
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting, Settings, Violation

if t.TYPE_CHECKING:
    import netaddr

#: The hosts that have an address.
Owners = t.Mapping["netaddr.IPAddress", t.Sequence[str]]
#: How many hosts or networks a message names.
_NAMED = 3


def check(settings: Settings, addresses: t.Mapping[str, Setting], isolated: t.Container[str]) -> list[Violation]:
    """Return an error for each external network that overlaps another, and for each that holds addresses of other hosts.

    Args:
        settings: what the operator set, by host; those of hosts whose networks are wrong in themselves are left out.
        addresses: on which hosts serve.
        isolated: hosts whose external bridge has no interface, so that nothing else reaches its network.
    """
    bridges = {host: found for host, own in settings.items() if BRIDGE in own and (found := networks.interface(own[BRIDGE].value))}
    serving = [(host, found) for host, setting in addresses.items() if (found := networks.address(setting.value))]
    on_bridges = [(host, found.ip) for host, found in bridges.items()]
    return [
        *_check_overlaps(settings, bridges),
        *_check_bridges(settings, {host: found for host, found in bridges.items() if host in isolated}, _owners(serving)),
        *_check_pools(settings, _owners([*serving, *on_bridges])),
    ]


def _check_overlaps(settings: Settings, bridges: t.Mapping[str, netaddr.IPNetwork]) -> t.Iterator[Violation]:
    hosts: dict[netaddr.IPNetwork, list[str]] = {}
    for host, found in bridges.items():
        hosts.setdefault(found.cidr, []).append(host)
    for outer, smaller in networks.overlaps(hosts).items():
        others = _some(f"{inner} of {hosts[inner][0]}" for inner in smaller)
        remedy = "give hosts on one network the same prefix length, or each network a range of its own"
        for host in hosts[outer]:
            yield host, f"{_bridge(settings[host])}; its network {outer} overlaps other networks, {others}: {remedy}"


def _check_bridges(settings: Settings, bridges: t.Mapping[str, netaddr.IPNetwork], owners: Owners) -> t.Iterator[Violation]:
    """Yield an error for each network that only its host reaches and that holds addresses on which other hosts serve."""
    inside = networks.members((found.cidr for found in bridges.values()), owners)
    for host, found in bridges.items():
        others = _others(inside.get(found.cidr, ()), owners, host)
        if others:
            remedy = "this host could not reach them; take another range for floating addresses"
            yield host, f"{_bridge(settings[host])}; that range holds addresses on which other hosts serve, {others}: {remedy}"


def _check_pools(settings: Settings, owners: Owners) -> t.Iterator[Violation]:
    """Yield an error for each pool of floating addresses that holds addresses of other hosts."""
    pools = {host: found for host, own in settings.items() if POOL in own and (found := _pool(own[POOL].value))}
    inside = networks.members(pools.values(), owners)
    for host, pool in pools.items():
        # that the gateway is inside is an error of the host itself
        gateway = str(settings[host].get(GATEWAY, Setting("")).value)
        others = _others((item for item in inside.get(pool, ()) if str(item) != gateway), owners, host)
        if others:
            first, last = settings[host][POOL].value
            yield host, f"{settings[host][POOL].named(POOL)}: {first} to {last} holds addresses of other hosts, {others}; leave them out"


def _bridge(own: t.Mapping[str, Setting]) -> str:
    return f"{own[BRIDGE].named(BRIDGE)} is '{own[BRIDGE].value}'"


def _pool(value: t.Any) -> netaddr.IPRange | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, last = map(networks.address, value)
    return networks.between(first, last) if first is not None and last is not None and first <= last else None


def _owners(items: t.Iterable[tuple[str, netaddr.IPAddress]]) -> Owners:
    found: dict[netaddr.IPAddress, list[str]] = {}
    for host, address in items:
        found.setdefault(address, []).append(host)
    return found


def _others(addresses: t.Iterable[netaddr.IPAddress], owners: Owners, host: str) -> str:
    """Return the first of *addresses* with the host that has each, but for those of *host*."""
    return _some(f"{address} of {other}" for address in addresses for other in owners[address] if other != host)


def _some(items: t.Iterable[str]) -> str:
    """Return the first of *items* as text; there may be thousands."""
    found = list(itertools.islice(items, _NAMED + 1))
    return ", ".join(found[:_NAMED]) + (" and more" if len(found) > _NAMED else "")
