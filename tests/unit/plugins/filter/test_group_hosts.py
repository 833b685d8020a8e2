# SPDX-License-Identifier: Apache-2.0
"""Hosts of patterns."""

from __future__ import annotations

from ansible_collections.caisson.openstack.plugins.filter.group_hosts import FilterModule


def test_patterns_are_groups_joined_by_colons() -> None:
    groups = {"control": ["c1"], "compute": ["n1", "c1"]}
    assert FilterModule().filters()["group_hosts"]("compute", groups) == ["n1", "c1"]
    assert FilterModule().filters()["group_hosts"]("control:compute", groups) == ["c1", "n1"]
    # what is not there is refused by inventory_check, which comes first
    assert FilterModule().filters()["group_hosts"]("contorl", groups) == []
    assert FilterModule().filters()["group_hosts"]("control:compute", groups, limit=1) == ["c1"]
