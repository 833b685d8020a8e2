# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Value of an expression in an override file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: override_value
short_description: Value of an expression in an override file
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns a value as it is written inside of a file. M(caisson.openstack.model) passes every expression of an override file through it.
  - Text stays as it is. YAML and JSON take all other data as JSON, INI takes numbers, V(true) and V(false), other text numbers only.
    All else is refused.
positional: fmt, line
options:
  _input:
    description: What the expression yields.
    type: raw
    required: true
  fmt:
    description: Format of the file.
    type: str
    choices: [ini, yaml, json, text]
    required: true
  line:
    description: Line of the expression, for messages.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Show how a list is written in a YAML file
  ansible.builtin.debug:
    msg: "{{ ['a', 'b'] | caisson.openstack.override_value('yaml', 1) }}"
"""

RETURN = r"""
_value:
  description: The value as text.
  type: str
  sample: '["a", "b"]'
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import expressions, formats, play_roles


def override_value(value: t.Any, fmt: str, line: int) -> str:
    """Return *value* as text in *fmt*."""
    try:
        return expressions.written(play_roles.plain(value), fmt, line)
    except formats.FormatError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"override_value": override_value}
