#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""How a rollout went."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_report
short_description: How a rollout went
version_added: 0.1.0
description:
  - Prints a rollout in few lines, and makes a page of HTML about it if asked, for example for the ticket of the change.
  - The page has a drawing of all steps and of what users noticed, what failed, what was updated, versions, migrations and all events.
  - It has no script and loads nothing, so it can be read and printed anywhere. Times are in UTC.
  - Runs on the controller; nothing is changed but O(file).
author: The caisson authors (@caisson)
options:
  journal:
    description: The rollout.
    type: dict
    required: true
  figures:
    description: What a prober saw meanwhile of APIs and guests; empty if there was none.
    type: dict
    default: {}
  file:
    description: File of the controller that gets the page, readable by its owner only.
    type: str
    default: ''
attributes:
  check_mode: {support: full, description: Prints the same; O(file) is not written.}
  diff_mode: {support: none, description: The page is made from the journal alone.}
"""

EXAMPLES = r"""
- name: Show the report of a rollout and write it to a file
  caisson.openstack.rollout_report:
    journal: "{{ rollout.journal }}"
    figures: "{{ prober.figures }}"
    file: rollout.html
  run_once: true
"""

RETURN = r"""
file: {description: The file that holds the page; empty if none was asked for., type: str, returned: success}
summary: {description: The lines that were printed., type: list, elements: str, returned: success}
"""
