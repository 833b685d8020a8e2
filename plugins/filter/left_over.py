# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What is there that was not, and what is gone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: left_over
short_description: What is there that was not, and what is gone
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Compares two looks at the same things.
positional: before
options:
  _input:
    description: What is there now, by kind, names in a list or amounts by name.
    type: dict
    required: true
  before:
    description: What was there before, in the same form.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what a test left
  ansible.builtin.debug:
    msg: "{{ {'server': ['a', 'b']} | caisson.openstack.left_over({'server': ['a']}) }}"
"""

RETURN = r"""
_value:
  description: A line for each of them; empty if nothing has changed.
  type: list
  elements: str
  sample: ["server: b"]
"""

import typing as t

Look = t.Mapping[str, t.Union[t.Sequence[str], t.Mapping[str, int]]]


def left_over(now: Look, before: Look) -> list[str]:
    """Return a line for each thing that came or went."""
    lines = []
    for kind in sorted({*now, *before}):
        found, known = _names(now.get(kind, ())), _names(before.get(kind, ()))
        lines += [f"{kind}: {name}" for name in found if name not in known]
        lines += [f"{kind}: {name} is gone" for name in known if name not in found]
    return lines


def _names(things: t.Sequence[str] | t.Mapping[str, int]) -> list[str]:
    return [f"{name} {amount}" for name, amount in things.items()] if isinstance(things, t.Mapping) else list(things)


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"left_over": left_over}
