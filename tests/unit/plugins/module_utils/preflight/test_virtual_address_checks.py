# SPDX-License-Identifier: Apache-2.0
"""Whether a host can take the virtual address; who has it is asked of a real kernel in tests/integration/test_host_check.py."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import virtual_address
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.interfaces import Interface
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.virtual_address import VirtualAddress

HERE = {
    "lo": Interface("lo"),
    "eth0": Interface("eth0", addresses=("192.0.2.11/24", "2001:db8::11/64")),
    "eth1": Interface("eth1"),
}


@pytest.mark.parametrize("address", ["192.0.2.100", "2001:db8::100", "no address"])
def test_an_address_in_the_network_of_the_interface_is_fine(address: str) -> None:
    assert list(virtual_address.errors(HERE, VirtualAddress(address, "eth0"))) == []
    # no interface has the host's own address, which is an error of its own
    assert list(virtual_address.errors(HERE, VirtualAddress(address))) == []


@pytest.mark.parametrize(
    ("address", "interface", "words"),
    [
        ("198.51.100.9", "eth0", "198.51.100.9 is not in the networks of interface eth0 (192.0.2.0/24, 2001:db8::/64), so others"),
        ("2001:db9::1", "eth0", "2001:db9::1 is not in the networks of interface eth0"),
        ("192.0.2.100", "eth1", "is not in the networks of interface eth1, which has no address"),
        ("192.0.2.100", "eth9", "keepalived_interface is 'eth9', and this host has no such network interface (it has: eth0, eth1)"),
    ],
)
def test_one_that_others_would_not_find_here_is_named(address: str, interface: str, words: str) -> None:
    (error,) = virtual_address.errors(HERE, VirtualAddress(address, interface))
    assert words in error
    assert "cloud_api_address" in error or "keepalived_interface" in error
    (error,) = virtual_address.errors(HERE, VirtualAddress(address, interface, "cloud_public_address", "keepalived_public_interface"))
    assert "keepalived_public_interface" in error and "cloud_api_address" not in error


def test_the_address_itself_is_no_network() -> None:
    """A host that has it, as keepalived adds it, may still not be in its network."""
    taken = {"eth0": Interface("eth0", addresses=("198.51.100.11/24", "192.0.2.100/32"))}
    assert len(list(virtual_address.errors(taken, VirtualAddress("192.0.2.100", "eth0")))) == 1
    assert virtual_address.is_here(taken, "192.0.2.100")
    assert not virtual_address.is_here(HERE, "192.0.2.100")
