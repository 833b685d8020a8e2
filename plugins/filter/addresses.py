# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Addresses of hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: addresses
short_description: Addresses on which hosts serve
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns for each host its C(cloud_address), C(ansible_host) or name, whichever the inventory has first.
positional: hostvars
options:
  _input:
    description: Names of hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the addresses of the control hosts
  ansible.builtin.debug:
    msg: "{{ groups['control'] | caisson.openstack.addresses(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Addresses in the order of the hosts.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.addresses import address


def addresses(hosts: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return the address of each host."""
    return [address(host, hostvars) for host in hosts]


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"addresses": addresses}
