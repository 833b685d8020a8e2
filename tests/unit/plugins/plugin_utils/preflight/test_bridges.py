# SPDX-License-Identifier: Apache-2.0
"""Physical networks, their bridges and the networks of Neutron that do not fit each other are refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import bridges
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting


@pytest.mark.parametrize(
    ("mappings", "words"),
    [
        ("", ""),
        ("physnet1:br-ex,physnet2:br-dc", ""),
        ("a:br-a,a:br-b", "a is mapped to br-a and to br-b"),
        ("a:br-a,b:br-a", "a and b share bridge br-a"),
        ("a:br-tunnel", "br-tunnel carries the networks of projects"),
        ("a:br-int", "br-int carries the networks of projects"),
    ],
)
def test_each_network_has_a_bridge_of_its_own(mappings: str, words: str) -> None:
    found = bridges.check_mappings("n1", Setting(mappings, "all.yml:3"), "br-tunnel")
    assert [(host, words in message, "all.yml:3" in message) for host, message in found] == ([("n1", True, True)] if words else [])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, []),
        ({"neutron_flat_networks": "physnet1, physnet2"}, []),
        ({"neutron_flat_networks": "*"}, []),
        ({"neutron_flat_networks": ""}, []),
        ({"neutron_flat_networks": "physnet1,physnet9"}, ["neutron_flat_networks: no host has physical network 'physnet9'"]),
        ({"verify_physical_network": "dc"}, ["verify_physical_network: no host has physical network 'dc'"]),
    ],
)
def test_networks_lead_somewhere(settings: dict[str, t.Any], words: list[str]) -> None:
    found = bridges.check_networks("c1", {name: Setting(value) for name, value in settings.items()}, ["physnet1", "physnet2"])
    assert len(found) == len(words)
    for (host, message), word in zip(found, words, strict=True):
        assert host == "c1"
        assert word in message
        assert message.endswith("mapped there: physnet1, physnet2")
