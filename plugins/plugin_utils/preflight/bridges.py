# SPDX-License-Identifier: Apache-2.0
"""Whether physical networks, the bridges that lead to them and the networks that Neutron offers fit each other. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting, Violation

MAPPINGS = "openvswitch_bridge_mappings"
FLAT = "neutron_flat_networks"
VERIFY = "verify_physical_network"
TUNNEL = "openvswitch_tunnel_bridge"
#: Bridges that are OVN's own.
_RESERVED = ("br-int",)


def parse(mappings: str) -> list[tuple[str, str]]:
    """Return the physical networks of *mappings*, such as ``physnet1:br-ex,physnet2:br-dc``, and the bridge that leads to each."""
    return [(network, bridge) for network, _colon, bridge in (pair.partition(":") for pair in mappings.split(",")) if bridge]


def check_mappings(host: str, mappings: Setting, tunnel_bridge: str) -> list[Violation]:
    """Return an error for each network that is mapped twice and each bridge that cannot lead to it."""
    errors: list[str] = []
    where = f"{mappings.named(MAPPINGS)} is '{mappings.value}'"
    networks: dict[str, str] = {}
    owners: dict[str, str] = {}
    for network, bridge in parse(str(mappings.value)):
        if network in networks:
            errors.append(f"{where}: {network} is mapped to {networks[network]} and to {bridge}; map each physical network once")
        elif bridge in owners:
            errors.append(f"{where}: {owners[bridge]} and {network} share bridge {bridge}; give each physical network its own")
        elif bridge in (tunnel_bridge, *_RESERVED):
            errors.append(f"{where}: {bridge} carries the networks of projects; map {network} to another bridge, such as br-ex")
        networks.setdefault(network, bridge)
        owners.setdefault(bridge, network)
    return [(host, error) for error in errors]


def check_networks(host: str, settings: t.Mapping[str, Setting], mapped: t.Collection[str]) -> list[Violation]:
    """Return an error for each physical network that *host* names and that no host is connected to.

    Args:
        mapped: the physical networks of all hosts with a switch.
    """
    known = ", ".join(mapped) or "none"
    return [
        (host, f"{settings[name].named(name)}: no host has physical network '{network}' in {MAPPINGS}; mapped there: {known}")
        for name in (FLAT, VERIFY)
        if name in settings
        for network in (part.strip() for part in str(settings[name].value).split(","))
        if network not in ("", "*", *mapped)
    ]
