# SPDX-License-Identifier: Apache-2.0
"""Which hosts must reach which others, and what the hosts of a run found out about each other. Pure, but for the inventory."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_checks
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import SHARED
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.listeners import BALANCER, Item

#: What ``host_check`` returned of a host.
Found = t.Mapping[str, t.Any]


def peers(inventory: Inventory, found: t.Iterable[Item]) -> dict[str, list[dict[str, t.Any]]]:
    """Return for each host the others that it must reach, with address and TCP ports.

    Members of a cluster reach each other, and load balancers the servers behind them. Hypervisors have no peers, however many there are.
    """
    needed: dict[str, dict[str, set[int]]] = {}
    balancers = inventory.hosts_or_none(inventory.patterns.get(f"{BALANCER}_group")) if BALANCER in inventory.in_play else []
    for _role, raw, item in found:
        hosts = inventory.hosts_or_none(item.get("group"))
        members = hosts if raw.get("cluster") else []
        for clients, ports in ((members, item.get("ports") or []), (balancers, [item.get("listen_port")])):
            numbers = {int(text) for text in map(str, ports) if text.isdigit()}
            for client, server in ((a, b) for a in clients for b in hosts if numbers and a != b):
                needed.setdefault(client, {}).setdefault(server, set()).update(numbers)
    addresses = {host: _address(inventory, host) for servers in needed.values() for host in servers}
    return {
        client: [{"host": host, "address": addresses[host], "ports": sorted(ports)} for host, ports in servers.items() if addresses[host]]
        for client, servers in needed.items()
    }


def _address(inventory: Inventory, host: str) -> str:
    """Return the address of a host; empty if only later tasks can resolve it."""
    value = inventory.address(host, inventory.settings(host, [SHARED])).value
    return "" if value is ... else str(value)


def errors(found: t.Mapping[str, Found], virtual: t.Sequence[str], addresses: t.Mapping[str, str]) -> t.Iterator[str]:
    """Yield what is wrong between the hosts of a run.

    Args:
        found: of each host that answered.
        virtual: hosts that share the virtual addresses, if there are any.
        addresses: the virtual addresses by the variable that has each.
    """
    yield from _clocks({host: own["clock_ahead"] for host, own in found.items() if own.get("clock_ahead")})
    for host, own in found.items():
        for peer in own.get("unreachable") or []:
            # what does not answer at all is unreachable for the run as well, which says so
            if peer["host"] in found:
                ports = ", ".join(map(str, peer["ports"]))
                what = f"port{'s' if len(peer['ports']) > 1 else ''} {ports}"
                yield (
                    f"host {host} does not reach {peer['host']} ({peer['address']}) on TCP {what}: "
                    "services on these hosts need each other there; let the connections through (firewall, routes)"
                )
    known = [found[host] for host in virtual if host in found]
    for setting, address in addresses.items():
        owners = [own["virtual_addresses"][address] for own in known if address in own.get("virtual_addresses", {})]
        strangers = sorted({owner["at"] for owner in owners if owner["at"]})
        if strangers and len(known) == len(virtual) and not any(owner["here"] for owner in owners):
            yield (
                f"{setting} {address} is taken: the machine with the hardware address {strangers[0]} answers there, and none of "
                f"{', '.join(virtual)} has it; take a free address, or remove it from that machine"
            )


def _clocks(ahead: t.Mapping[str, t.Sequence[float]]) -> t.Iterator[str]:
    """Yield an error if two clocks certainly differ too much, from the least and the most that each is ahead of the controller's."""
    if len(ahead) < 2:
        return
    first = max(ahead, key=lambda host: ahead[host][0])
    last = min(ahead, key=lambda host: ahead[host][1])
    difference = ahead[first][0] - ahead[last][1]
    if difference > host_checks.CLOCK_LIMIT:
        yield (
            f"the clock of {first} is {difference:.0f} s ahead of that of {last}, more than the {host_checks.CLOCK_LIMIT:.0f} s allowed; "
            "synchronize the clocks of all hosts with a time server (chrony, systemd-timesyncd)"
        )
