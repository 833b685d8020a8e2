#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Show what a run would change on all hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Show what a run would change on all hosts
version_added: 0.1.0
description:
  - Combines what M(caisson.openstack.host_plan) found on each host, prints it, and stores it as JSON if O(file) is set.
  - Fails while a rollout is open, or if services would get another release, which takes a rollout.
  - With O(approved), fails if a step was added or removed since that plan was made, or has another result.
  - Runs on the controller and changes nothing but O(file).
author: The caisson authors (@caisson)
options:
  hosts:
    description: Result of M(caisson.openstack.host_plan) by host.
    type: dict
    required: true
  approved:
    description: File of the approved plan, to which this one must be equal.
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
  zones:
    description: Hosts of each availability zone. Zones come one after another, and hosts of two zones are never changed at the same time.
    type: dict
    default: {}
extends_documentation_fragment: [caisson.openstack.overview, caisson.openstack.overview.differences]
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
  description: Which hosts replace or restart which containers of a stage and tier at the same time, one turn after the other.
  returned: success
  type: list
  elements: dict
  sample:
    - {stage: service, tier: api, hosts: [control1], containers: {control1: [nova_api]}}
    - {stage: service, tier: api, hosts: [control2], containers: {control2: [nova_api]}}
converged: {description: Whether there is nothing to change and everything is healthy., type: bool, returned: success}
unhealthy: {description: Containers that are as they should be but not healthy., type: list, elements: str, returned: success}
leaving:
  description: By host the members of clusters that are removed before the one that is left goes on without a cluster.
  type: dict
  returned: success
  sample: {control2: [mariadb], control3: [mariadb]}
starts:
  description: By host and container how members of clusters that do not run are to start, and why.
  type: dict
  returned: success
  sample: {control1: {mariadb: {action: seed, environment: {CLUSTER_NAME: galera}, reason: founds cluster galera}}}
"""
