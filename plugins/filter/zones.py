# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Availability zones of hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: zones
short_description: Availability zones of hosts
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the hosts of each zone, which the variable C(zone) of a host names. Hosts that do not have the variable are left out.
  - A host whose C(zone) is empty has left its zone; such hosts are under an empty name.
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
- name: Show the zones of the hypervisors
  ansible.builtin.debug:
    msg: "{{ groups['compute'] | caisson.openstack.zones(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Names of hosts by zone, zones and hosts in the order of the hosts.
  type: dict
"""

import typing as t


def zones(hosts: t.Iterable[str], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, list[str]]:
    """Return the hosts of each zone."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        zone = hostvars[host].get("zone") if host in hostvars else None
        if zone is not None:
            found.setdefault(str(zone).strip(), []).append(host)
    return found


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"zones": zones}
