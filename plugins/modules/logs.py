#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Lines of the logs of several hosts in the order of time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: logs
short_description: Lines of the logs of several hosts in the order of time
version_added: 0.1.0
description:
  - Prints what M(caisson.openstack.logs_info) found on each host, in the order of time, with columns for host and container.
  - Runs on the controller; nothing is changed.
author: The caisson authors (@caisson)
options:
  hosts:
    description: Result of M(caisson.openstack.logs_info) by host.
    type: dict
    required: true
attributes:
  check_mode: {support: full, description: Works the same.}
  diff_mode: {support: none, description: Has no state.}
"""

EXAMPLES = r"""
- name: Show the log lines
  caisson.openstack.logs:
    hosts: {host1: "{{ hostvars.host1.found }}"}
  run_once: true
"""

RETURN = r"""
summary: {description: 'How many lines, of which services.', type: str, returned: always}
"""
