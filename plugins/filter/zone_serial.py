# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Sizes of batches of which none has hosts of two zones."""

from __future__ import annotations

DOCUMENTATION = r"""
name: zone_serial
short_description: Sizes of batches of which none has hosts of two zones
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns what the keyword C(serial) of a play needs so that the hosts of one batch are of one zone.
  - If the hosts are of one zone or of none, the input is returned as it is.
positional: hosts, zones
options:
  _input:
    description: Hosts of each batch, in the form of Ansible's C(serial).
    type: list
    elements: raw
    required: true
  hosts:
    description: The hosts of the play, in its order, in which the hosts of each zone follow each other.
    type: list
    elements: str
    required: true
  zones:
    description: The hosts of each zone, as P(caisson.openstack.zones#filter) returns them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the sizes of batches
  ansible.builtin.debug:
    msg: "{{ [1, '50%'] | caisson.openstack.zone_serial(groups['compute'], groups['compute'] | caisson.openstack.zones(hostvars)) }}"
"""

RETURN = r"""
_value:
  description: Sizes of the batches.
  type: list
  elements: raw
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import turns


def zone_serial(serial: t.Any, hosts: t.Sequence[str], zones: t.Mapping[str, t.Sequence[str]]) -> t.Any:
    """Return the sizes of batches."""
    places = {host: zone for zone, own in zones.items() for host in own}
    if len({places.get(host, "") for host in hosts}) < 2:
        return serial
    return [len(batch) for batch in turns.batches(hosts, serial if isinstance(serial, list) else [serial], zones)]


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"zone_serial": zone_serial}
