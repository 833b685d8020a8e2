#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Show the status of a cloud."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status
short_description: Show the status of a cloud
version_added: 0.1.0
description:
  - Prints a line for each container, the differences from the model, when certificates expire, and the overall status. Fails if a
    container is down or not healthy, a host has drifted, or a certificate is about to expire.
  - Runs on the controller and changes nothing but O(file).
author: The caisson authors (@caisson)
options:
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
  certificates:
    description: Certificates as PEM text, by the name to show. One that ends within 14 days is a fault.
    type: dict
    default: {}
extends_documentation_fragment: [caisson.openstack.overview, caisson.openstack.overview.differences]
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
