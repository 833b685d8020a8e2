# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Results of tests for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: test_summary
short_description: Results of tests for people
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns lines with counts, reasons of what did not run, slowest tests and failures.
options:
  _input:
    description:
      - For each test a mapping with C(name), C(status) (C(passed), C(skipped), C(excluded) or C(failed)), C(seconds), C(reason)
        and C(details).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the summary
  ansible.builtin.debug:
    msg: "{{ results | caisson.openstack.test_summary }}"
  vars:
    results: [{name: a.b, status: passed, seconds: 0.5, reason: '', details: ''}]
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.output import test_results


def test_summary(results: t.Iterable[dict[str, t.Any]]) -> list[str]:
    """Return the lines."""
    return test_results.summary([test_results.TestResult(**result) for result in results])


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"test_summary": test_summary}
