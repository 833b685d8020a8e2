#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hosts_check
short_description: Whether the hosts of a cloud fit together
version_added: 0.1.0
description:
  - Compares what M(caisson.openstack.host_check) found on several hosts, and fails with every error. Nothing is changed.
  - Clocks must not differ too much. Members of a cluster must reach each other on the ports of its service, and load balancers the servers
    behind them. A virtual address that none of its hosts has must not be in use.
author: The caisson authors (@caisson)
options:
  hosts:
    description: The results of M(caisson.openstack.host_check) by host, of those that answered.
    type: dict
    required: true
  virtual_addresses:
    description: Addresses that several hosts share, by the variable that has each.
    type: dict
    default: {}
  virtual_address_hosts:
    description: Hosts that share them.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: Never changes anything.}
  diff_mode: {support: none, description: Has no state of its own.}
"""

EXAMPLES = r"""
- name: Compare the hosts
  caisson.openstack.hosts_check:
    hosts: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'host_checked'))) }}"
  run_once: true
"""

RETURN = r"""
"""
