#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""How a cloud is."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status
short_description: How a cloud is
version_added: 0.1.0
description:
  - Prints a line for each container, what is not as the model says, when certificates end, and a verdict; fails if something is
    down, not healthy, drifted or about to end.
  - Runs on the controller; nothing is changed but O(file).
author: The caisson authors (@caisson)
options:
  cloud:
    description: Name of the cloud.
    type: str
    required: true
  all_hosts:
    description: Hosts that should have answered.
    type: list
    elements: str
    required: true
  containers:
    description: Result of M(caisson.openstack.containers_info) by host.
    type: dict
    required: true
  plans:
    description: Result of M(caisson.openstack.host_plan) by host.
    type: dict
    required: true
  changes:
    description: Lines that say what differs in V(database) and V(catalog), by these keys.
    type: dict
    default: {}
  journals:
    description: Journals of the control hosts, of which the newest counts.
    type: list
    elements: dict
    default: []
  certificates:
    description: Certificates as PEM text, by the name to show. One that ends within 14 days is a fault.
    type: dict
    default: {}
  file:
    description: File of the controller that gets the status as JSON, readable by its owner only.
    type: str
    default: ''
attributes:
  check_mode: {support: full, description: 'Works the same; O(file) is written.'}
  diff_mode: {support: none, description: Has no state of its own.}
"""

EXAMPLES = r"""
- name: Show the status
  caisson.openstack.status:
    cloud: example
    all_hosts: "{{ ansible_play_hosts_all }}"
    containers: {host1: "{{ hostvars.host1.containers }}"}
    plans: {host1: "{{ hostvars.host1.host_plan }}"}
  run_once: true
"""

RETURN = r"""
faults: {description: 'What is down, not healthy or about to end.', type: list, elements: str, returned: always}
drifted: {description: Whether the cloud differs from its model., type: bool, returned: always}
"""
