# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""A part of the model of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: model_part
short_description: A part of the model of a host
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Unpacks one of the parts that M(caisson.openstack.model) returned. All parts are kept as one compressed text, because Ansible has the
    models of all hosts in memory at the same time.
positional: part
options:
  _input:
    description: What M(caisson.openstack.model) returned as C(parts).
    type: str
    required: true
  part:
    description: Name of the part, see C(parts) in what M(caisson.openstack.model) returns.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the catalog entries of all services
  ansible.builtin.debug:
    msg: "{{ host_model.parts | caisson.openstack.model_part('endpoints') }}"
"""

RETURN = r"""
_value:
  description: The part.
  type: raw
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.results import part


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"model_part": part}
