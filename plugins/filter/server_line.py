# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""A line about a server of a hypervisor."""

from __future__ import annotations

DOCUMENTATION = r"""
name: server_line
short_description: A line about a server of a hypervisor
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns a line with the name of a server, what becomes of it, and the reason.
options:
  _input:
    description: The server, with its C(name), and its C(why) or another field.
    type: dict
    required: true
  fate:
    description: What becomes of the server.
    type: str
    default: ''
  field:
    description: Field with the explanation.
    type: str
    default: why
"""

EXAMPLES = r"""
- name: Show what keeps servers
  ansible.builtin.debug:
    msg: "{{ servers | map('caisson.openstack.server_line', 'stays') }}"
"""

RETURN = r"""
_value:
  description: The line.
  type: str
  sample: "web1 stays: it is stopped"
"""

import typing as t


def server_line(server: dict[str, t.Any], fate: str = "", field: str = "why") -> str:
    """Return a line about a server."""
    prefix = {"lost": "it loses "}.get(field, "")
    text = server[field] or "no reason is known"
    return f"{server['name']}{f' {fate}' if fate else ''}: {prefix}{text}"


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"server_line": server_line}
