# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Variables of a host that takes part in a rollout."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_variables
short_description: Variables of a host that takes part in a rollout
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the variables of the first host of the inventory that knows the plan of the rollout, which all hosts of the rollout do.
  - Keywords of a play cannot use the defaults of a role, so they cannot use a variable that names the hosts with the journal. With this
    filter they need not name a group of hosts.
  - Empty if no host knows a plan, such as before it was made.
positional: groups
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  groups:
    description: The groups of the inventory.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Update the hosts of a tier
  hosts: "{{ (hostvars | default({}) | caisson.openstack.rollout_variables(groups)).rollout_current.hosts_by_tier.api | default([]) }}"
"""

RETURN = r"""
_value:
  description: Variables of the host.
  type: dict
"""

import typing as t


def rollout_variables(hostvars: t.Mapping[str, t.Mapping[str, t.Any]], groups: t.Mapping[str, t.Sequence[str]]) -> t.Mapping[str, t.Any]:
    """Return the variables of the first host that has the plan of a rollout."""
    hosts = groups.get("all", []) if hostvars else []
    return next((hostvars[host] for host in hosts if "rollout_current" in hostvars[host]), {})


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"rollout_variables": rollout_variables}
