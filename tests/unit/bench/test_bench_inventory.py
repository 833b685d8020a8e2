# SPDX-License-Identifier: Apache-2.0
"""Inventories of made-up clouds."""

from __future__ import annotations

from tests.bench.inventory import inventory


def test_every_host_has_a_group_and_an_address_of_its_own() -> None:
    made = inventory(300)["all"]
    hosts = made["hosts"]
    assert len(hosts) == 305
    assert len({own["ansible_host"] for own in hosts.values()}) == 305
    groups = {name: list(group["hosts"]) for name, group in made["children"].items()}
    assert {name: len(members) for name, members in groups.items()} == {"control": 3, "network": 2, "compute": 300, "database": 1}
    assert {host for members in groups.values() for host in members} == hosts.keys()
