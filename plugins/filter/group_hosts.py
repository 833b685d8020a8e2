# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Hosts of a host group, or of several."""

from __future__ import annotations

DOCUMENTATION = r"""
name: group_hosts
short_description: Hosts of a host group, or of several
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the hosts of a group, or of groups that are joined by colons, each once.
  - C(control[0]) is the first host of group C(control), as in patterns of Ansible.
  - A group that the inventory does not have has no hosts here; M(caisson.openstack.inventory_check) refuses it.
positional: groups
options:
  _input:
    description: Name of a group, or names joined by colons; each may have the number of one of its hosts, as in C(control[0]).
    type: str
    required: true
  groups:
    description: The groups of the inventory.
    type: dict
    required: true
  limit:
    description: Number of hosts that are enough, for a definition that only asks whether there are several.
    type: int
"""

EXAMPLES = r"""
- name: Show the hosts of two groups
  ansible.builtin.debug:
    msg: "{{ 'network:compute' | caisson.openstack.group_hosts(groups) }}"
"""

RETURN = r"""
_value:
  description: Names of the hosts, in the order of the groups.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.groups import known_hosts_of


def group_hosts(pattern: str, groups: t.Mapping[str, list[str]], limit: int | None = None) -> list[str]:
    """Return the hosts of a pattern, or the first of them."""
    return known_hosts_of(pattern, groups)[:limit]


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"group_hosts": group_hosts}
