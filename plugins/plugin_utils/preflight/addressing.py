# SPDX-License-Identifier: Apache-2.0
"""Checks whether the addresses and networks of an inventory fit each other, before any host is contacted. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import networks
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting, Violation

if t.TYPE_CHECKING:
    import netaddr

#: Variables of the role verify that describe the external network.
CIDR, GATEWAY, POOL = "verify_external_cidr", "verify_external_gateway", "verify_external_pool"
OUTSIDE = frozenset({CIDR, GATEWAY, POOL})
BRIDGE = "openvswitch_external_address"
_TUNNEL = "cloud_tunnel_address"
#: Default of the address on the external bridge, whose network has the floating addresses.
DEFAULT_BRIDGE_ADDRESS = "198.51.100.1/24"


def outside(bridge_address: str) -> dict[str, t.Any]:
    """Return the external network of a host's bridge: ``cidr``, ``gateway`` and ``pool``, its first and last address.

    Args:
        bridge_address: the address on the bridge with its prefix length; :data:`DEFAULT_BRIDGE_ADDRESS` if it is empty.

    Raises:
        ValueError: if that is no such address.
    """
    network = networks.interface(bridge_address or DEFAULT_BRIDGE_ADDRESS)
    if network is None:
        raise ValueError(f"'{bridge_address}' is not an IPv4 address with its prefix length, such as {DEFAULT_BRIDGE_ADDRESS}")
    first, last = (network[100], network[199]) if network.size > 200 else (network[network.size // 2], network[-2])
    if network.ip in networks.between(first, last):
        first, last = network[1], first - 1
    return {"cidr": str(network.cidr), "gateway": str(network.ip), "pool": [str(first), str(last)]}


def check_addresses(addresses: t.Mapping[str, Setting]) -> list[Violation]:
    """Return an error for each host's address that is none, that the other hosts cannot reach, or that two hosts have."""
    errors = [
        ("", f"host {host}: its address {error}")
        for host, setting in addresses.items()
        for error in _check_address(setting, "cloud_address", "cloud_address or ansible_host", len(addresses) > 1)
    ]
    return errors + _check_owners(addresses, "address", "cloud_address or ansible_host")


def check_tunnels(tunnels: t.Mapping[str, Setting], addresses: t.Mapping[str, Setting]) -> list[Violation]:
    """Return an error for each address of a tunnel that is none, that other hosts cannot reach, or that two hosts have.

    Args:
        tunnels: what the operator set, by host.
        addresses: the address of each host that has tunnels, which these end at where the operator set nothing.
    """
    errors = [
        (host, f"{_TUNNEL} {error}")
        for host, setting in tunnels.items()
        for error in _check_address(setting, _TUNNEL, _TUNNEL, len(addresses) > 1)
    ]
    return errors + (_check_owners({**addresses, **tunnels}, f"tunnel address ({_TUNNEL})", _TUNNEL) if tunnels else [])


def _check_address(setting: Setting, variable: str, variables: str, several: bool) -> t.Iterator[str]:
    where = f"is '{setting.value}'" + (f" ({setting.origin})" if setting.origin else "")
    address = networks.address(setting.value)
    if address is None:
        reason = " IPv6 is not supported yet;" if is_ipv6(str(setting.value)) else ""
        yield f"{where};{reason} set {variables} to an IPv4 address such as 192.0.2.11"
    elif address.is_multicast() or str(address) in ("0.0.0.0", "255.255.255.255"):
        yield f"{where}, which is not the address of a single host; set {variable} to an address that it has"
    elif address.is_loopback() and several:
        yield f"{where}, a loopback address that other hosts cannot reach; set {variable} to one that they can"


def _check_owners(addresses: t.Mapping[str, Setting], what: str, variables: str) -> list[Violation]:
    owners: dict[netaddr.IPAddress, list[str]] = {}
    for host, setting in addresses.items():
        address = networks.address(setting.value)
        if address is not None:
            owners.setdefault(address, []).append(host)
    return [
        ("", f"hosts {' and '.join(hosts)} have the same {what}, {address}; give each its own {variables}")
        for address, hosts in owners.items()
        if len(hosts) > 1
    ]


def _unserved(text: str) -> str:
    """Return why clients cannot find the APIs at an address, or nothing."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "it must be an address such as 192.0.2.10 or 2001:db8::10"
    if address.version == 4:
        return ""
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.ipv4_mapped:
        return "it must be an IPv6 address of a single host that others can reach, such as 2001:db8::10"
    # what is compared with what the kernel and DNS say
    return "" if text == str(address) else f"write it as {address}"


_KEEPALIVED = "keepalived_enabled"
#: Whether the operator's load balancer has the address of the APIs.
EXTERNAL = "loadbalancer_external"


def check_api_address(
    value: t.Any,
    addresses: t.Mapping[str, str],
    balancers: t.Collection[str],
    virtual: bool,
    setting: str = "cloud_api_address",
    external: bool = False,
) -> list[str]:
    """Return an error if clients would find no load balancer at *value*, or only one of several.

    Args:
        addresses: the address of each host.
        balancers: hosts that run the load balancer; the address may also be one that they share.
        virtual: whether keepalived moves the address between them.
        setting: the variable that has *value*.
        external: whether it is the address of a load balancer of the operator in front of them.
    """
    if wrong := _unserved(str(value)):
        return [f"{setting} is '{value}'; {wrong}; a name goes into {setting.replace('_address', '_fqdn')}"]
    for host, address in addresses.items():
        if address == value and external:
            return [f"{setting} is {value}, the address of {host}, and {EXTERNAL} is true: set it to the address of your own load balancer"]
        if address == value and host not in balancers:
            there = ", ".join(addresses[other] for other in balancers if other in addresses)
            return [f"{setting} is {value}, the address of {host}, where no load balancer runs; take one of {there}, or a free one"]
        if address == value and virtual:
            return [
                f"{setting} is {value}, the address of {host}, and {_KEEPALIVED} is true: keepalived moves the address between "
                "hosts, so set it to a free address in their network"
            ]
        if address == value and len(balancers) > 1:
            return [
                f"{setting} is {value}, the address of {host}, and {len(balancers)} hosts run a load balancer "
                f"({', '.join(balancers)}), which clients would not reach: set it to a free address in their network and {_KEEPALIVED} to "
                f"true; or to the address of your own load balancer in front of them, and {EXTERNAL} to true; "
                "or set loadbalancer_group to a group with one host"
            ]
    return []


def check_networks(host: str, settings: t.Mapping[str, Setting], own_address: str) -> list[Violation]:
    """Return what is wrong with the networks that the variables of *host* describe.

    Args:
        settings: what the operator set.
        own_address: on which the host serves.
    """
    errors: list[str] = []
    bridge = settings.get(BRIDGE, Setting(""))
    if bridge.value:
        errors += _check_bridge(bridge, own_address)
    if settings.keys() & OUTSIDE:
        # one error for one mistake: the network of a bridge that has none is not looked at
        bridge = Setting("") if errors else bridge
        found = outside(str(bridge.value or ""))
        defaults = {CIDR: found["cidr"], GATEWAY: found["gateway"], POOL: found["pool"]}
        errors += _check_outside({name: settings.get(name, Setting(defaults[name])) for name in OUTSIDE}, bridge)
    return [(host, error) for error in errors]


def _check_bridge(setting: Setting, own_address: str) -> t.Iterator[str]:
    where = f"{setting.named(BRIDGE)} is '{setting.value}'"
    network = networks.interface(setting.value)
    if network is None or "/" not in str(setting.value):
        yield f"{where}; it must be an address with the length of its network, such as 198.51.100.1/24"
        return
    if network.prefixlen > 30:
        yield f"{where}; a network of {network.size} has no room for floating addresses, take a prefix of 30 or less"
    elif network.ip in (network.network, network.broadcast):
        yield f"{where}; that is the network itself or its broadcast address, take one between, such as {network[1]}/{network.prefixlen}"
    own = networks.address(own_address)
    if own is not None and own in network:
        yield f"{where}; that range holds {own}, on which the host serves: take another range for floating addresses"


def _check_outside(settings: t.Mapping[str, Setting], bridge: Setting) -> t.Iterator[str]:
    cidr = settings[CIDR]
    network = networks.network(cidr.value)
    if network is None:
        yield f"{cidr.named(CIDR)} is '{cidr.value}'; it must be a network such as 203.0.113.0/24"
        return
    own = networks.interface(bridge.value) if bridge.value else None
    if own is not None and own.ip not in network:
        yield (
            f"{cidr.named(CIDR)} is {network}, but {bridge.named(BRIDGE)} is '{bridge.value}', which is not in it: leave {CIDR}, "
            f"{GATEWAY} and {POOL} out, and they follow from the address, or set them to its network"
        )
        return
    places = [(GATEWAY, settings[GATEWAY], settings[GATEWAY].value)]
    pool = settings[POOL]
    if not isinstance(pool.value, list) or len(pool.value) != 2:
        yield f"{pool.named(POOL)}: expected two addresses, the first and the last, got {pool.value}"
    else:
        places += [(POOL, pool, value) for value in pool.value]
    found = []
    for name, setting, value in places:
        address = networks.address(value)
        if address is None:
            yield f"{setting.named(name)}: '{value}' is not an IPv4 address; expected one of {network}"
        elif address not in network:
            yield f"{setting.named(name)}: {address} is not in {CIDR}, which is {network}"
        else:
            found.append(address)
    if len(found) == 3:
        yield from _check_pool(pool, *found)


def _check_pool(pool: Setting, gateway: netaddr.IPAddress, first: netaddr.IPAddress, last: netaddr.IPAddress) -> t.Iterator[str]:
    if first > last:
        yield f"{pool.named(POOL)}: {first} comes after {last}; the first address must come first"
    elif gateway in networks.between(first, last):
        yield f"{pool.named(POOL)}: {first} to {last} holds the gateway {gateway} ({GATEWAY}); leave it out"


def is_ipv6(text: str) -> bool:
    """Return whether *text* is an IPv6 address or network."""
    try:
        ipaddress.IPv6Interface(text.strip("[]"))
    except ValueError:
        return False
    return True
