# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Hosts of a play, unless tags would skip its tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: check_tags
short_description: Hosts of a play, unless tags would skip its tasks
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the hosts as they are.
  - Fails if C(--tags) or C(--skip-tags) would skip what the play cannot do without. Ansible would skip it silently and report success.
positional: run_tags, skip_tags
options:
  _input:
    description: What C(hosts) of the play says, a pattern or a list.
    type: raw
    required: true
  run_tags:
    description: The variable C(ansible_run_tags).
    type: list
    elements: str
    required: true
  skip_tags:
    description: The variable C(ansible_skip_tags).
    type: list
    elements: str
    required: true
  select_services:
    description: The play takes tags as names of services; its tasks have the tag C(always).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Run only if no task is skipped
  hosts: "{{ 'all' | caisson.openstack.check_tags(ansible_run_tags, ansible_skip_tags) }}"
"""

RETURN = r"""
_value:
  description: What the filter was given.
  type: raw
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.caisson.openstack.plugins.module_utils.model import selection


def check_tags(hosts: t.Any, run_tags: t.Sequence[str], skip_tags: t.Sequence[str], select_services: bool = False) -> t.Any:
    """Return *hosts*, unless tags of the run would skip tasks of the play."""
    error = selection.check_tags(run_tags, skip_tags, select_services)
    if error:
        raise AnsibleFilterError(error)
    return hosts


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"check_tags": check_tags}
