# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.caisson.openstack.plugins.filter.left_over import Look, left_over


def test_what_came_and_what_went_is_named() -> None:
    before: Look = {"server": ["a", "b"], "port": [], "used": {"x VCPU": 1}}
    assert left_over(before, before) == []
    now: Look = {"server": ["b", "c"], "image": ["i"], "used": {"x VCPU": 2}}
    assert left_over(now, before) == [
        "image: i",
        "server: c",
        "server: a is gone",
        "used: x VCPU 2",
        "used: x VCPU 1 is gone",
    ]
