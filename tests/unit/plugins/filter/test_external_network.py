# SPDX-License-Identifier: Apache-2.0
"""The external network of a host follows from its address, or the filter says what is wrong."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.caisson.openstack.plugins.filter import external_network

FILTER = external_network.FilterModule().filters()["external_network"]


def test_the_network_follows_from_the_address() -> None:
    assert FILTER("203.0.113.1/24") == {"cidr": "203.0.113.0/24", "gateway": "203.0.113.1", "pool": ["203.0.113.100", "203.0.113.199"]}


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"'eth1' is not an IPv4 address with its prefix length, such as 198\.51\.100\.1/24"):
        FILTER("eth1")


def test_a_controller_without_the_library_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_network.networks, "LIBRARY_ERROR", "the controller lacks a Python library (pip install netaddr)")
    with pytest.raises(AnsibleFilterError, match="pip install netaddr"):
        FILTER("203.0.113.1/24")
