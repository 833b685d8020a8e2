#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What a run is going to change on all hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: What a run is going to change on all hosts
version_added: 0.1.0
description:
  - Puts together what M(caisson.openstack.host_plan) found on each host, prints it for people, and keeps it as JSON if asked.
  - Fails while a rollout is open, or if services would get another release, which takes a rollout.
  - Held against a plan that was approved it fails if a step was added, dropped or leads to something else.
  - Runs on the controller; nothing is changed but O(file).
author: The caisson authors (@caisson)
options:
  cloud:
    description: Name of the cloud.
    type: str
    required: true
  hosts:
    description: Result of M(caisson.openstack.host_plan) by host.
    type: dict
    required: true
  changes:
    description: Lines that say what changes in V(database) and V(catalog), by these keys.
    type: dict
    default: {}
  journals:
    description: Journals of the control hosts, of which the newest counts.
    type: list
    elements: dict
    default: []
  file:
    description: File of the controller that gets the plan as JSON, readable by its owner only.
    type: str
    default: ''
  approved:
    description: File of a plan that this one must be equal to.
    type: str
    default: ''
  finalizing:
    description: Whether the run is the last part of a rollout, which may do what no other run may while one is open.
    type: bool
    default: false
  serial:
    description: How many hosts replace or restart a container at the same time, in the form of Ansible's C(serial).
    type: list
    elements: raw
    default: [1]
attributes:
  check_mode: {support: full, description: 'Works the same; O(file) is written, because a plan is made in check mode.'}
  diff_mode: {support: none, description: The plan is the difference.}
"""

EXAMPLES = r"""
- name: Show the plan
  caisson.openstack.plan:
    cloud: example
    hosts: {host1: "{{ hostvars.host1.host_plan }}"}
    file: plan.json
  run_once: true
"""

RETURN = r"""
turns:
  description: Which hosts replace or restart the containers of which stage and tier, one turn after the other.
  returned: success
  type: list
  elements: dict
  sample: [{stage: service, tier: api, hosts: [control1]}, {stage: service, tier: api, hosts: [control2]}]
converged: {description: Whether there is nothing to change and everything is healthy., type: bool, returned: success}
unhealthy: {description: Containers that are as they should be but not healthy., type: list, elements: str, returned: success}
starts:
  description: By host and container how members of clusters that do not run are to start, and why.
  type: dict
  returned: success
  sample: {control1: {mariadb: {action: seed, environment: {CLUSTER_NAME: galera}, reason: founds cluster galera}}}
"""
