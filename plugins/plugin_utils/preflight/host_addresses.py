# SPDX-License-Identifier: Apache-2.0
"""Checks the addresses, networks and names of all hosts of a play, from what its inventory says."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import api_name
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import addressing, bridges, inventory_checks, ranges
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import SHARED, Setting, Settings, Violation
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.listeners import BALANCER

#: The role that moves the address of the APIs between hosts.
VIRTUAL = "keepalived"
#: The address of users, if they have one of their own, and its name.
_PUBLIC, _PUBLIC_NAME = "cloud_public_address", "cloud_public_fqdn"
_PUBLIC_CERTIFICATE = "cloud_public_tls_certificate_file"
_SWITCH = "openvswitch_group"
_TUNNEL = "cloud_tunnel_address"
#: The interface of the external bridge.
_INTERFACE = "openvswitch_external_interface"


def check(inventory: Inventory, settings: Settings) -> list[Violation]:
    """Return what is wrong with the addresses and networks of hosts.

    Args:
        settings: what the operator set, by host.
    """
    addresses = {host: inventory.address(host, settings[host]) for host in inventory.hosts(*inventory.patterns.values())}
    known = {host: setting for host, setting in addresses.items() if setting.value is not ...}
    errors = addressing.check_addresses(known)
    if SHARED in inventory.in_play and BALANCER in inventory.in_play and not errors:
        errors += [("", error) for error in _check_api(inventory, known)]
    found = inventory_checks.known(settings)
    errors += _check_networks(inventory, found, addresses, known)
    return errors + _check_switches(inventory, found, known)


def _check_api(inventory: Inventory, addresses: t.Mapping[str, Setting]) -> list[str]:
    """Return what is wrong with the address and the names of the APIs, if they have an address."""
    address = inventory.template(inventory.variables["cloud_api_address"], None)
    if not address:
        return _check_names(inventory, address)
    texts = {host: str(setting.value) for host, setting in addresses.items()}
    balancers = inventory.hosts(inventory.patterns.get(f"{BALANCER}_group", "all"))
    virtual = VIRTUAL in inventory.in_play and inventory.is_enabled(VIRTUAL)
    external = boolean(inventory.template(inventory.variables.get(addressing.EXTERNAL), None), strict=False)
    errors = [*addressing.check_api_address(address, texts, balancers, virtual, external=external), *_check_names(inventory, address)]
    if external and virtual:
        errors.append(
            f"{addressing.EXTERNAL} and {VIRTUAL}_enabled are true: either your own load balancer has cloud_api_address, or keepalived "
            "gives it to the hosts; set one of them to false"
        )
    public = inventory.template(inventory.variables.get(_PUBLIC), None)
    if public:
        errors += addressing.check_api_address(public, texts, balancers, virtual, _PUBLIC, external)
    return [*errors, *_check_public(inventory, address, public, virtual)]


def _check_names(inventory: Inventory, address: t.Any) -> list[str]:
    """Return what is wrong with the names of the APIs, such as one that the controller does not resolve to *address*."""
    others = inventory.template(inventory.variables.get("cloud_api_names"), None)
    errors = [f"cloud_api_names: {error}" for error in api_name.check_hosts(others if isinstance(others, list) else [])]
    return errors + _check_name(inventory, "cloud_api_fqdn", address, "cloud_api_address")


def _check_name(inventory: Inventory, setting: str, address: t.Any, address_setting: str) -> list[str]:
    name = inventory.template(inventory.variables.get(setting), None)
    if not name:
        return []
    asked = api_name.ApiName(str(name).lower(), str(address), setting, address_setting)
    wrong = api_name.check(asked) or api_name.misled(asked, api_name.resolve(asked.name), "the controller")
    return [f"{setting}: {wrong}"] if wrong else []


def _check_public(inventory: Inventory, address: t.Any, public: t.Any, virtual: bool) -> t.Iterator[str]:
    """Yield what is wrong with an address that is for users only, beside the address of services."""
    if public and public == address:
        yield f"{_PUBLIC} is {public}, and so is cloud_api_address: set it to another address, or leave it empty if users have that one too"
    elif public:
        yield from _check_name(inventory, _PUBLIC_NAME, public, _PUBLIC)
        ids = [inventory.template(inventory.variables.get(f"{VIRTUAL}_{kind}router_id"), None) for kind in ("", "public_")]
        if virtual and ids[0] is not None and str(ids[0]) == str(ids[1]):
            yield f"keepalived_public_router_id is {ids[1]}, and so is keepalived_router_id: each address needs an id of its own"
    elif inventory.template(inventory.variables.get(_PUBLIC_CERTIFICATE), None):
        yield f"{_PUBLIC_CERTIFICATE} is for users with an address of their own: set {_PUBLIC}, or use cloud_tls_certificate_file"
    elif name := inventory.template(inventory.variables.get(_PUBLIC_NAME), None):
        yield (
            f"{_PUBLIC_NAME} is '{name}', but users have no address of their own: set {_PUBLIC}, or use cloud_api_fqdn for the "
            "name of all, or cloud_api_names for a further one"
        )


def _check_networks(
    inventory: Inventory, settings: Settings, addresses: t.Mapping[str, Setting], known: t.Mapping[str, Setting]
) -> list[Violation]:
    """Return what is wrong with the external networks of hosts, each for itself and then together."""
    errors: list[Violation] = []
    for host, own in settings.items():
        errors += addressing.check_networks(host, own, str(addresses[host].value) if host in addresses else "")
    wrong = {host for host, _error in errors}
    sound = {host: own for host, own in settings.items() if host not in wrong}
    default = inventory.value({}, _INTERFACE)
    isolated = {host for host, own in sound.items() if not own.get(_INTERFACE, default).value}
    return errors + ranges.check(sound, known, isolated)


def _check_switches(inventory: Inventory, settings: Settings, addresses: t.Mapping[str, Setting]) -> list[Violation]:
    """Return what is wrong with the tunnels and physical networks of the hosts with a switch."""
    switches = [host for host in inventory.hosts(inventory.patterns[_SWITCH]) if host in addresses] if _SWITCH in inventory.patterns else []
    tunnels = {host: settings[host][_TUNNEL] for host in switches if _TUNNEL in settings[host]}
    errors = addressing.check_tunnels(tunnels, {host: addresses[host] for host in switches})
    mappings = {host: inventory.value(settings[host], bridges.MAPPINGS) for host in switches}
    for host, mapping in mappings.items():
        errors += bridges.check_mappings(host, mapping, str(inventory.value(settings[host], bridges.TUNNEL).value))
    mapped = dict.fromkeys(network for mapping in mappings.values() for network, _bridge in bridges.parse(str(mapping.value)))
    for host, own in settings.items() if switches else ():
        errors += bridges.check_networks(host, own, mapped)
    return errors
