# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Hosts that Prometheus scrapes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scrape_targets
short_description: Hosts that Prometheus scrapes
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the hosts of groups as JSON in the form of a file for C(file_sd_configs) of Prometheus.
  - Each host is a target of its own with its address, without a port, and the label C(host).
positional: groups, hostvars
options:
  _input:
    description: Groups, such as C(control) or C(network:compute). A group that the inventory does not have counts as empty.
    type: str
    required: true
  groups:
    description: The groups of the inventory with their hosts.
    type: dict
    required: true
  hostvars:
    description: The variables of all hosts.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the hypervisors as targets
  ansible.builtin.debug:
    msg: "{{ 'compute' | caisson.openstack.scrape_targets(groups, hostvars) }}"
"""

RETURN = r"""
_value:
  description: A list as JSON, in the order of the groups.
  type: str
  sample: '[{"targets": ["192.0.2.11"], "labels": {"host": "compute1"}}]'
"""

import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.plugin_utils.addresses import address
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import known_hosts_of


def scrape_targets(pattern: str, groups: t.Mapping[str, t.Sequence[str]], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    """Return the hosts of the groups of *pattern* as targets."""
    hosts = known_hosts_of(pattern, groups)
    return json.dumps([{"targets": [url_host(address(host, hostvars))], "labels": {"host": host}} for host in hosts])


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"scrape_targets": scrape_targets}
