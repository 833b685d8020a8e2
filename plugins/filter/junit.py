# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Results of tests as a JUnit document."""

from __future__ import annotations

DOCUMENTATION = r"""
name: junit
short_description: Results of tests as a JUnit document
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns XML that continuous integration reads.
positional: suite
options:
  _input:
    description:
      - For each test a mapping with C(name), C(status) (C(passed), C(skipped), C(excluded) or C(failed)), C(seconds), C(reason)
        and C(details).
    type: list
    elements: dict
    required: true
  suite:
    description: Name of the whole.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the document
  ansible.builtin.debug:
    msg: "{{ results | caisson.openstack.junit('tempest') }}"
  vars:
    results: [{name: a.b, status: passed, seconds: 0.5, reason: '', details: ''}]
"""

RETURN = r"""
_value:
  description: The document.
  type: str
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.output import test_results


def junit(results: t.Iterable[dict[str, t.Any]], suite: str) -> str:
    """Return the document."""
    return test_results.junit([test_results.TestResult(**result) for result in results], suite)


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"junit": junit}
