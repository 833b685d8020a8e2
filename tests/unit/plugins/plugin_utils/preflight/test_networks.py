# SPDX-License-Identifier: Apache-2.0
"""Networks that overlap and addresses inside them are found among thousands; odd notations are refused."""

from __future__ import annotations

import ipaddress
import itertools

import netaddr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import networks

MANY = 5000

_NETWORKS = st.lists(
    st.builds(lambda value, prefix: netaddr.IPNetwork((value, prefix)).cidr, st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=30
)
_ADDRESSES = st.lists(st.integers(0, 2**32 - 1).map(netaddr.IPAddress), max_size=30)


@pytest.mark.parametrize(
    "text", ["10", "0x7f.1", "010.0.0.1", "192.0.2", "192.0.2.1 ", "192.0.2.1\n", "192.0.2.1/24", "", "3232235777", "::1"]
)
def test_an_odd_notation_of_an_address_is_refused(text: str) -> None:
    assert networks.address(text) is None


@pytest.mark.parametrize("value", [None, True, 5, ["192.0.2.1"]])
def test_what_is_no_text_is_no_address(value: object) -> None:
    assert networks.address(value) is networks.interface(value) is networks.network(value) is None


@pytest.mark.parametrize("text", ["10/8", "192.0.2.0/ 24", "192.0.2.0/+24", "192.0.2.0/", "192.0.2.0/33", "0x7f.1/8", "::/0", "192.0.2/24"])
def test_an_odd_notation_of_a_network_is_refused(text: str) -> None:
    assert networks.interface(text) is networks.network(text) is None


def test_texts_mean_what_they_mean_to_the_standard_library() -> None:
    assert networks.address("192.0.2.1") == netaddr.IPAddress("192.0.2.1")
    assert str(networks.interface("192.0.2.1/24")) == "192.0.2.1/24"
    assert str(networks.interface("192.0.2.1/255.255.255.0")) == "192.0.2.1/24"
    assert str(networks.network("192.0.2.0/0.0.0.255")) == "192.0.2.0/24"
    assert str(networks.network("192.0.2.0")) == "192.0.2.0/32"
    assert networks.network("192.0.2.1/24") is None


def test_smaller_networks_are_listed_with_the_largest_one() -> None:
    texts = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.0.2.0/24", "192.0.2.0/25", "198.51.100.0/24", "198.51.100.7/24"]
    found = networks.overlaps(map(netaddr.IPNetwork, texts))
    assert {str(outer): [str(item) for item in inner] for outer, inner in found.items()} == {
        "10.0.0.0/8": ["10.1.0.0/16", "10.1.2.0/24"],
        "192.0.2.0/24": ["192.0.2.0/25"],
    }


@given(_NETWORKS)
def test_every_overlap_is_found(items: list[netaddr.IPNetwork]) -> None:
    found = networks.overlaps(items)
    involved = {*found, *itertools.chain.from_iterable(found.values())}
    plain = {item: ipaddress.ip_network(str(item)) for item in items}
    assert involved == {item for item in plain if any(plain[item].overlaps(plain[other]) for other in plain if other != item)}
    assert all(item in outer for outer, inner in found.items() for item in inner)


@given(_NETWORKS, _ADDRESSES)
def test_every_address_is_found_inside_every_range(items: list[netaddr.IPNetwork], addresses: list[netaddr.IPAddress]) -> None:
    expected = {item: sorted({address for address in addresses if address in item}) for item in items}
    assert networks.members(items, addresses) == {item: inside for item, inside in expected.items() if inside}


def test_a_range_is_not_bound_to_a_network() -> None:
    pool = networks.between(netaddr.IPAddress("192.0.2.9"), netaddr.IPAddress("192.0.3.1"))
    addresses = [netaddr.IPAddress(text) for text in ("192.0.2.8", "192.0.2.9", "192.0.3.1", "192.0.3.2")]
    assert networks.members([pool], addresses) == {pool: addresses[1:3]}


def test_thousands_of_networks_are_compared() -> None:
    separate = [netaddr.IPNetwork((10 * 2**24 + at * 256, 24)) for at in range(MANY)]
    assert networks.overlaps(separate) == {}
    assert len(networks.overlaps([*separate, netaddr.IPNetwork("10.0.0.0/8")])[netaddr.IPNetwork("10.0.0.0/8")]) == MANY
    assert networks.members(separate, [netaddr.IPAddress(item.first + 9) for item in separate]).keys() == set(separate)
