# SPDX-License-Identifier: Apache-2.0
"""External networks that do not fit the networks and addresses of other hosts are refused."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import ranges
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting


def _check(bridges: t.Mapping[str, str], addresses: t.Mapping[str, str], **pools: list[str]) -> list[tuple[str, str]]:
    """Return the errors of hosts with *bridges*, all without an interface but for those whose names begin with ``i``."""
    settings: dict[str, dict[str, Setting]] = {host: {"openvswitch_external_address": Setting(value)} for host, value in bridges.items()}
    for host, pool in pools.items():
        settings.setdefault(host, {})["verify_external_pool"] = Setting(pool, "all.yml")
    isolated = {host for host in settings if not host.startswith("i")}
    return ranges.check(settings, {host: Setting(value) for host, value in addresses.items()}, isolated)


def test_one_network_or_separate_ones_are_fine() -> None:
    assert _check({"a": "198.51.100.1/24", "b": "198.51.100.1/24", "c": "203.0.113.1/24"}, {"a": "192.0.2.1", "b": "192.0.2.2"}) == []
    assert _check({}, {"a": "nonsense"}, a=["198.51.100.9", "198.51.100.2"], b=["banana", "198.51.100.2"], c=[]) == []


def test_networks_that_overlap_are_named() -> None:
    ((host, error),) = _check({"a": "198.51.100.1/24", "b": "198.51.100.65/26"}, {})
    assert host == "a"
    assert "openvswitch_external_address is '198.51.100.1/24'; its network 198.51.100.0/24 overlaps other networks" in error
    assert "198.51.100.64/26 of b: give hosts on one network the same prefix length" in error


def test_addresses_of_other_hosts_inside_a_network_that_only_its_host_reaches_are_named() -> None:
    addresses = {"a": "198.51.100.1", **{f"n{at}": f"192.0.2.{at + 10}" for at in range(5)}}
    ((host, error),) = _check({"a": "192.0.2.1/24"}, addresses)
    assert host == "a"
    assert "on which other hosts serve, 192.0.2.10 of n0, 192.0.2.11 of n1, 192.0.2.12 of n2 and more: this host could not" in error
    # a bridge with an interface may lead there
    assert _check({"i": "192.0.2.1/24"}, addresses) == []


def test_a_pool_with_addresses_of_hosts_is_named() -> None:
    pool = ["192.0.2.10", "192.0.2.20"]
    ((host, error),) = _check({"i": "192.0.2.15/24"}, {"a": "192.0.2.11"}, a=pool)
    assert (host, error) == (
        "a",
        "verify_external_pool (all.yml): 192.0.2.10 to 192.0.2.20 holds addresses of other hosts, 192.0.2.15 of i; leave them out",
    )
    assert _check({"i": "192.0.2.9/24"}, {"a": "192.0.2.21"}, a=pool) == []


def test_the_gateway_in_a_pool_is_not_reported_twice() -> None:
    settings = {"a": {"verify_external_pool": Setting(["192.0.2.10", "192.0.2.20"]), "verify_external_gateway": Setting("192.0.2.12")}}
    assert ranges.check(settings, {"b": Setting("192.0.2.12")}, ()) == []
    assert len(ranges.check(settings, {"b": Setting("192.0.2.13")}, ())) == 1


def test_thousands_of_hosts_are_compared() -> None:
    names = [f"h{at}" for at in range(5000)]
    bridges = {name: f"10.{at // 200}.{at % 200}.1/24" for at, name in enumerate(names)}
    addresses = {name: f"172.16.{at // 200}.{at % 200 + 1}" for at, name in enumerate(names)}
    assert _check(bridges, addresses, **{key: ["10.0.0.100", "10.0.0.199"] for key in names}) == []
    # nor if there is an error at every host
    assert len(_check({**bridges, **dict.fromkeys(names, "172.16.0.250/12")}, addresses)) == 5000
    assert len(_check({}, addresses, **{key: ["172.16.0.1", "172.31.255.254"] for key in names})) == 5000
