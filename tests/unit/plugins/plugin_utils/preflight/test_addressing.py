# SPDX-License-Identifier: Apache-2.0
"""Addresses and networks that do not fit each other are refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import addressing
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting


def _addresses(**addresses: t.Any) -> list[str]:
    return [message for _host, message in addressing.check_addresses({host: Setting(value) for host, value in addresses.items()})]


def _networks(**settings: t.Any) -> list[str]:
    given = {name: Setting(value) for name, value in settings.items()}
    found = addressing.check_networks("a", given, "192.0.2.11")
    assert all(host == "a" for host, _message in found)
    return [message for _host, message in found]


def test_sound_addresses_pass() -> None:
    assert _addresses(a="192.0.2.1", b="192.0.2.2") == []
    # one machine may serve itself
    assert _addresses(a="127.0.9.1") == []


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ({"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.1"}, "hosts a and c have the same address, 192.0.2.1;"),
        ({"a": "control1"}, "host a: its address is 'control1'; set cloud_address or ansible_host to an IPv4 address"),
        ({"a": "::1"}, "IPv6 is not supported yet; set cloud_address or ansible_host to an IPv4 address such as"),
        ({"a": None}, "IPv4 address such as"),
        ({"a": "224.0.0.1"}, "not the address of a single host"),
        ({"a": "127.0.0.1", "b": "192.0.2.2"}, "host a: its address is '127.0.0.1', a loopback address that other hosts cannot reach"),
    ],
)
def test_an_address_that_cannot_be_is_named(addresses: dict[str, t.Any], words: str) -> None:
    (error,) = _addresses(**addresses)
    assert words in error


@pytest.mark.parametrize(
    ("tunnels", "words"),
    [
        ({"a": "192.0.2.1", "b": "192.0.2.2"}, ""),
        ({"a": "198.51.100.1"}, ""),
        ({"a": "banana"}, "cloud_tunnel_address is 'banana'; set cloud_tunnel_address to an IPv4 address"),
        ({"a": "2001:db8::1"}, "IPv6 is not supported yet"),
        ({"a": "127.0.0.1"}, "a loopback address that other hosts cannot reach; set cloud_tunnel_address"),
        ({"a": "0.0.0.0"}, "not the address of a single host"),
        ({"a": "198.51.100.1", "b": "198.51.100.1"}, "hosts a and b have the same tunnel address (cloud_tunnel_address), 198.51.100.1"),
        # where nothing is set, tunnels end at the address of the host
        ({"a": "192.0.2.2"}, "hosts a and b have the same tunnel address"),
    ],
)
def test_tunnels_end_at_addresses_that_other_hosts_reach(tunnels: dict[str, str], words: str) -> None:
    addresses = {"a": Setting("192.0.2.1"), "b": Setting("192.0.2.2")}
    found = addressing.check_tunnels({host: Setting(value) for host, value in tunnels.items()}, addresses)
    assert [words in message for _host, message in found] == ([True] if words else [])
    assert addressing.check_tunnels({"a": Setting("127.0.9.1")}, {"a": Setting("127.0.9.1")}) == []


@pytest.mark.parametrize(
    ("address", "cidr", "gateway", "pool"),
    [
        ("", "198.51.100.0/24", "198.51.100.1", ["198.51.100.100", "198.51.100.199"]),
        ("203.0.113.1/24", "203.0.113.0/24", "203.0.113.1", ["203.0.113.100", "203.0.113.199"]),
        ("203.0.113.150/24", "203.0.113.0/24", "203.0.113.150", ["203.0.113.1", "203.0.113.99"]),
        ("203.0.113.65/26", "203.0.113.64/26", "203.0.113.65", ["203.0.113.96", "203.0.113.126"]),
        ("203.0.113.1/30", "203.0.113.0/30", "203.0.113.1", ["203.0.113.2", "203.0.113.2"]),
        ("203.0.113.2/30", "203.0.113.0/30", "203.0.113.2", ["203.0.113.1", "203.0.113.1"]),
    ],
)
def test_the_network_outside_follows_from_the_address_of_the_bridge(address: str, cidr: str, gateway: str, pool: list[str]) -> None:
    assert addressing.outside(address) == {"cidr": cidr, "gateway": gateway, "pool": pool}
    if address:
        assert _networks(openvswitch_external_address=address, verify_external_pool=pool) == []


def test_a_network_outside_that_is_not_that_of_the_bridge_is_named() -> None:
    (error,) = _networks(openvswitch_external_address="203.0.113.1/24", verify_external_cidr="198.51.100.0/24")
    assert "verify_external_cidr is 198.51.100.0/24, but openvswitch_external_address is '203.0.113.1/24', which is not in it" in error
    (error,) = _networks(openvswitch_external_address="203.0.113.1/24", verify_external_gateway="198.51.100.1")
    assert "198.51.100.1 is not in verify_external_cidr, which is 203.0.113.0/24" in error


def test_clients_find_a_load_balancer() -> None:
    addresses = {"a": "192.0.2.1", "b": "192.0.2.2"}
    assert addressing.check_api_address("192.0.2.1", addresses, ["a"], virtual=False) == []
    assert addressing.check_api_address("192.0.2.9", addresses, ["a"], virtual=False) == []
    assert addressing.check_api_address("192.0.2.2", addresses, ["a"], virtual=False) == [
        "cloud_api_address is 192.0.2.2, the address of b, where no load balancer runs; take one of 192.0.2.1, or a free one"
    ]
    assert addressing.check_api_address("api.example", addresses, ["a"], virtual=False) == [
        "cloud_api_address is 'api.example'; it must be an address such as 192.0.2.10 or 2001:db8::10; a name goes into cloud_api_fqdn"
    ]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("2001:db8::50", ""),
        ("fd00::50", ""),
        ("2001:DB8::0050", "write it as 2001:db8::50;"),
        ("[2001:db8::50]", "it must be an address such as 192.0.2.10 or 2001:db8::10;"),
        ("2001:db8::50/64", "it must be an address such as"),
        ("fe80::50", "of a single host that others can reach"),
        ("ff02::1", "of a single host that others can reach"),
        ("::", "of a single host that others can reach"),
        ("::ffff:192.0.2.10", "of a single host that others can reach"),
    ],
)
def test_clients_may_come_by_ipv6(address: str, words: str) -> None:
    errors = addressing.check_api_address(address, {"a": "192.0.2.1", "b": "192.0.2.2"}, ["a", "b"], virtual=True)
    assert len(errors) == bool(words)
    assert all(error.startswith(f"cloud_api_address is '{address}'; ") and words in error for error in errors)


def test_several_load_balancers_need_an_address_that_moves() -> None:
    addresses = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "192.0.2.3"}
    for virtual in (True, False):
        assert addressing.check_api_address("192.0.2.9", addresses, ["a", "b"], virtual) == []
    (error,) = addressing.check_api_address("192.0.2.2", addresses, ["a", "b"], virtual=False)
    assert error.startswith("cloud_api_address is 192.0.2.2, the address of b, and 2 hosts run a load balancer (a, b), which clients would")
    assert "keepalived_enabled to true" in error and "the address of your own load balancer in front of them, and loadbalancer_e" in error
    (error,) = addressing.check_api_address("192.0.2.2", addresses, ["a", "b"], False, "cloud_public_address")
    assert error.startswith("cloud_public_address is 192.0.2.2, the address of b")
    (error,) = addressing.check_api_address("users", addresses, ["a", "b"], False, "cloud_public_address")
    assert error.startswith("cloud_public_address is 'users'") and error.endswith("a name goes into cloud_public_fqdn")
    (error,) = addressing.check_api_address("192.0.2.2", addresses, ["a", "b"], virtual=False, external=True)
    assert error == (
        "cloud_api_address is 192.0.2.2, the address of b, and loadbalancer_external is true: set it to the address of your own load "
        "balancer"
    )
    for balancers in (["a"], ["a", "b"]):
        (error,) = addressing.check_api_address("192.0.2.1", addresses, balancers, virtual=True)
        assert error == (
            "cloud_api_address is 192.0.2.1, the address of a, and keepalived_enabled is true: keepalived moves the address between "
            "hosts, so set it to a free address in their network"
        )


def test_sound_networks_pass() -> None:
    assert _networks() == []
    assert _networks(openvswitch_external_address="198.51.100.1/24", verify_external_cidr="198.51.100.0/23") == []
    assert _networks(openvswitch_external_address="") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"openvswitch_external_address": "198.51.100.1"}, "an address with the length of its network, such as 198.51.100.1/24"),
        ({"openvswitch_external_address": 5}, "an address with the length of its network"),
        ({"openvswitch_external_address": "198.51.100.255/24"}, "take one between, such as 198.51.100.1/24"),
        ({"openvswitch_external_address": "198.51.100.1/31"}, "a network of 2 has no room for floating addresses"),
        ({"openvswitch_external_address": "192.0.2.1/24"}, "that range holds 192.0.2.11, on which the host serves"),
        ({"verify_external_cidr": "198.51.100.1/24"}, "must be a network such as 203.0.113.0/24"),
        ({"verify_external_gateway": "203.0.113.1"}, "203.0.113.1 is not in verify_external_cidr, which is 198.51.100.0/24"),
        ({"verify_external_gateway": "gateway"}, "'gateway' is not an IPv4 address; expected one of 198.51.100.0/24"),
        ({"verify_external_gateway": "198.51.100.100"}, "holds the gateway 198.51.100.100 (verify_external_gateway); leave it out"),
        ({"verify_external_pool": ["198.51.100.9"]}, "expected two addresses"),
        ({"verify_external_pool": "198.51.100.9"}, "expected two addresses"),
        ({"verify_external_pool": ["198.51.100.9", "198.51.100.2"]}, "198.51.100.9 comes after 198.51.100.2"),
        ({"verify_external_pool": ["198.51.100.9", "203.0.113.9"]}, "203.0.113.9 is not in verify_external_cidr"),
    ],
)
def test_a_network_that_cannot_be_is_named(settings: dict[str, t.Any], words: str) -> None:
    (error,) = _networks(**settings)
    assert words in error
