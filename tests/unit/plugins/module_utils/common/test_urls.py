# SPDX-License-Identifier: Apache-2.0
"""Hosts in URLs."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("::", "[::]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("api.example.org", "api.example.org"),
        ("", ""),
    ],
)
def test_an_ipv6_address_has_brackets_in_a_url(host: str, expected: str) -> None:
    assert url_host(host) == expected
