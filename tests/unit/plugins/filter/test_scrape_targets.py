# SPDX-License-Identifier: Apache-2.0
"""Hosts that Prometheus scrapes."""

from __future__ import annotations

import json

from ansible_collections.caisson.openstack.plugins.filter.scrape_targets import scrape_targets

_GROUPS = {"control": ["c1"], "compute": ["n1", "c1"]}
_HOSTVARS = {"c1": {"cloud_address": "192.0.2.1"}, "n1": {"ansible_host": "2001:db8::2"}}


def test_each_host_is_a_target_with_its_name() -> None:
    first = {"targets": ["192.0.2.1"], "labels": {"host": "c1"}}
    assert json.loads(scrape_targets("control:compute", _GROUPS, _HOSTVARS)) == [
        first,
        {"targets": ["[2001:db8::2]"], "labels": {"host": "n1"}},
    ]


def test_groups_without_hosts_have_no_targets() -> None:
    assert scrape_targets("contorl", _GROUPS, _HOSTVARS) == "[]"
