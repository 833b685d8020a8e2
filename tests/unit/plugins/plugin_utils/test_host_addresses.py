# SPDX-License-Identifier: Apache-2.0
"""Addresses of hosts."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.addresses import Addresses, address, remembered

_HOSTS: dict[str, dict[str, str]] = {
    "a": {"cloud_address": "192.0.2.1", "ansible_host": "192.0.2.9"},
    "b": {"ansible_host": "192.0.2.2"},
    "c": {},
}


class _Reads(dict[str, dict[str, str]]):
    """Counts what is read."""

    def __init__(self, hosts: dict[str, dict[str, str]]) -> None:
        super().__init__(hosts)
        self.read: list[str] = []

    def __getitem__(self, host: str) -> dict[str, str]:
        self.read.append(host)
        return super().__getitem__(host)


def test_what_the_inventory_has_first_is_the_address() -> None:
    assert [address(host, _HOSTS) for host in _HOSTS] == ["192.0.2.1", "192.0.2.2", "c"]


def test_a_host_is_read_when_its_address_is_needed() -> None:
    hostvars = _Reads(_HOSTS)
    addresses = Addresses(hostvars)
    assert (len(addresses), list(addresses), hostvars.read) == (3, ["a", "b", "c"], [])
    assert (addresses["b"], addresses.get("a", "")) == ("192.0.2.2", "192.0.2.1")
    assert hostvars.read == ["b", "a"]
    with pytest.raises(KeyError):
        addresses["nobody"]


def test_while_addresses_are_remembered_each_host_is_read_once() -> None:
    hostvars = _Reads(_HOSTS)
    for _time in range(2):
        with remembered():
            assert [address("a", hostvars), Addresses(hostvars)["a"]] == ["192.0.2.1", "192.0.2.1"]
    assert hostvars.read == ["a", "a"]
    assert [address("a", _HOSTS), address("a", {"a": {}})] == ["192.0.2.1", "a"]
