# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What must be up on hosts after a step, as the gate asks for it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gate_questions
short_description: What must be up on hosts after a step, as the gate asks for it
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns by host the agents and the URLs of the containers that were replaced.
  - A host whose containers could not be replaced is left out, so that the others do not wait for it.
positional: gates, replaced
options:
  _input:
    description: Names of the containers of the step, by host.
    type: dict
    required: true
  gates:
    description: The gates of each host, as M(caisson.openstack.model) returns them.
    type: dict
    required: true
  replaced:
    description: Result of M(caisson.openstack.host_step) on each host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what the gate asks for
  ansible.builtin.debug:
    msg: "{{ {'control1': ['nova_api']} | caisson.openstack.gate_questions({'control1': gates}, {'control1': result}) }}"
"""

RETURN = r"""
_value:
  description: By host the agents and the URLs.
  type: dict
  sample: {control1: {agents: [], urls: ["http://192.0.2.11:18774/v2.1/flavors"]}}
"""

import typing as t


def gate_questions(
    containers: t.Mapping[str, t.Sequence[str]],
    gates: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]],
    replaced: t.Mapping[str, t.Mapping[str, t.Any]],
) -> dict[str, dict[str, list[t.Any]]]:
    """Return by host the agents and the URLs of its containers, without hosts whose step has failed."""
    return {
        host: {
            key: [gate[name] for gate in gates[host] if gate["container"] in names and gate[name]]
            for key, name in (("agents", "agent"), ("urls", "url"))
        }
        for host, names in containers.items()
        if not replaced[host].get("failed")
    }


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"gate_questions": gate_questions}
