# SPDX-License-Identifier: Apache-2.0
"""Whether the addresses and networks of an inventory fit each other, looked at before any host is. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.inventory_checks import Fault, Setting

#: Variables of the role verify that describe the network outside.
_CIDR, _GATEWAY, _POOL = "verify_external_cidr", "verify_external_gateway", "verify_external_pool"
OUTSIDE = frozenset({_CIDR, _GATEWAY, _POOL})
_BRIDGE = "openvswitch_external_address"


def check_addresses(addresses: t.Mapping[str, Setting]) -> list[Fault]:
    """Return a fault for each host's address that is none, that the other hosts cannot reach, or that two hosts have."""
    faults: list[Fault] = []
    owners: dict[ipaddress.IPv4Address, list[str]] = {}
    for host, setting in addresses.items():
        where = f"host {host}: its address is '{setting.value}'" + (f" ({setting.origin})" if setting.origin else "")
        address = _address(setting.value)
        if address is None:
            faults.append(("", f"{where}; set cloud_address or ansible_host to an IPv4 address such as 192.0.2.11"))
            continue
        owners.setdefault(address, []).append(host)
        if address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
            faults.append(("", f"{where}, which is no address of one host; set cloud_address to an address that it has"))
        elif address.is_loopback and len(addresses) > 1:
            faults.append(("", f"{where}, a loopback address that other hosts cannot reach; set cloud_address to one that they can"))
    for address, hosts in owners.items():
        if len(hosts) > 1:
            names = " and ".join(hosts)
            faults.append(("", f"hosts {names} have one address, {address}; give each its own cloud_address or ansible_host"))
    return faults


def check_api_address(value: t.Any, addresses: t.Mapping[str, str], balancers: t.Collection[str]) -> list[str]:
    """Return a fault if clients would find no load balancer at *value*.

    Args:
        addresses: the address of each host.
        balancers: hosts that run the load balancer; the address may also be one that they share.
    """
    if _address(value) is None:
        return [f"cloud_api_address is '{value}'; it must be an IPv4 address such as 192.0.2.10; a name goes into cloud_api_fqdn"]
    for host, address in addresses.items():
        if address == value and host not in balancers:
            there = ", ".join(addresses[other] for other in balancers if other in addresses)
            return [f"cloud_api_address is {value}, the address of {host}, where no load balancer runs; take one of {there}, or a free one"]
    return []


def check_networks(host: str, settings: t.Mapping[str, Setting], defaults: t.Mapping[str, t.Any], own_address: str) -> list[Fault]:
    """Return what is wrong with the networks that the variables of *host* describe.

    Args:
        settings: what the operator set.
        defaults: what holds where the operator set nothing.
        own_address: on which the host serves.
    """
    faults: list[str] = []
    if _BRIDGE in settings and settings[_BRIDGE].value:
        faults += _check_bridge(settings[_BRIDGE], own_address)
    if settings.keys() & OUTSIDE:
        outside = {name: settings.get(name, Setting(defaults.get(name))) for name in OUTSIDE}
        faults += _check_outside(outside)
    return [(host, fault) for fault in faults]


def _check_bridge(setting: Setting, own_address: str) -> t.Iterator[str]:
    where = f"{setting.named(_BRIDGE)} is '{setting.value}'"
    try:
        interface = ipaddress.IPv4Interface(str(setting.value))
    except ValueError:
        interface = None
    if interface is None or "/" not in str(setting.value):
        yield f"{where}; it must be an address with the length of its network, such as 198.51.100.1/24"
        return
    network = interface.network
    if network.prefixlen > 30:
        yield f"{where}; a network of {network.num_addresses} has no room for floating addresses, take a prefix of 30 or less"
    elif interface.ip in (network.network_address, network.broadcast_address):
        yield f"{where}; that is the network itself or its broadcast address, take one between, such as {network[1]}/{network.prefixlen}"
    own = _address(own_address)
    if own is not None and own in network:
        yield f"{where}; that range holds {own}, on which the host serves: take another range for floating addresses"


def _check_outside(settings: t.Mapping[str, Setting]) -> t.Iterator[str]:
    cidr = settings[_CIDR]
    try:
        network = ipaddress.IPv4Network(str(cidr.value))
    except ValueError:
        yield f"{cidr.named(_CIDR)} is '{cidr.value}'; it must be a network such as 203.0.113.0/24"
        return
    places = [(_GATEWAY, settings[_GATEWAY], settings[_GATEWAY].value)]
    pool = settings[_POOL]
    if not isinstance(pool.value, list) or len(pool.value) != 2:
        yield f"{pool.named(_POOL)}: expected two addresses, the first and the last, got {pool.value}"
    else:
        places += [(_POOL, pool, value) for value in pool.value]
    found = []
    for name, setting, value in places:
        address = _address(value)
        if address is None:
            yield f"{setting.named(name)}: '{value}' is no IPv4 address; one of {network} is expected"
        elif address not in network:
            yield f"{setting.named(name)}: {address} is not in {_CIDR}, which is {network}"
        else:
            found.append(address)
    if len(found) == 3:
        yield from _check_pool(pool, *found)


def _check_pool(
    pool: Setting, gateway: ipaddress.IPv4Address, first: ipaddress.IPv4Address, last: ipaddress.IPv4Address
) -> t.Iterator[str]:
    if first > last:
        yield f"{pool.named(_POOL)}: {first} comes after {last}; the first address must come first"
    elif first <= gateway <= last:
        yield f"{pool.named(_POOL)}: {first} to {last} holds the gateway {gateway} ({_GATEWAY}); leave it out"


def _address(value: t.Any) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(str(value))
    except ValueError:
        return None
