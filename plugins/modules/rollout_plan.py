#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""What a rollout is going to do, in which order, and whether it may."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_plan
short_description: What a rollout is going to do, in which order, and whether it may
version_added: 0.1.0
description:
  - Puts together what the hosts and the new images say, prints it for people, and returns the journal of a new rollout.
  - If a rollout is open, it is resumed, and no new plan is made.
  - Says of an upgrade how long it will likely take, as far as the journals of earlier rollouts tell.
  - Fails, before anything is changed, if the releases are too far apart, an upgrade check fails, or the newest backup is too old.
  - Runs on the controller. In O(file) the plan has RV(estimate) and, as C(preconditions), the state of the cloud that it starts from.
author: The caisson authors (@caisson)
options:
  release:
    description: Release that the rollout leads to.
    type: str
    required: true
  verb:
    description: What is to be done. V(finalize) and V(rollback) need an open rollout.
    type: str
    choices: [upgrade, finalize, rollback]
    default: upgrade
  updates:
    description: RV(caisson.openstack.host_step#module:updates) by host.
    type: dict
    default: {}
  gates:
    description: Gates of the model by host, which say to which tier a container belongs.
    type: dict
    default: {}
  zones:
    description: Hosts of each availability zone. In each tier one zone comes after another.
    type: dict
    default: {}
  facts:
    description: Results of M(caisson.openstack.rollout_facts).
    type: list
    elements: dict
    default: []
  whole:
    description: Whether all services take part; another release is for all of them.
    type: bool
    default: true
  backup_age:
    description: Age of the newest backup in seconds; negative if there is none.
    type: int
    default: -1
  backup_max_age:
    description: Seconds that the newest backup may be old; 0 if the rollout makes one itself.
    type: int
    default: 0
  accept_warnings:
    description: Whether warnings of upgrade checks are accepted.
    type: bool
    default: true
  disk_free:
    description: RV(caisson.openstack.engine_info#module:disk) by host.
    type: dict
    default: {}
  minimum_disk:
    description: MiB that have to be free on each host of O(disk_free).
    type: int
    default: 0
extends_documentation_fragment: [caisson.openstack.overview]
attributes:
  check_mode: {support: full, description: 'Works the same; O(file) is written, because a plan is made in check mode.'}
  diff_mode: {support: none, description: The plan is the difference.}
"""

EXAMPLES = r"""
- name: Plan the rollout
  caisson.openstack.rollout_plan:
    cloud: example
    release: '2026.1'
    updates: {host1: "{{ hostvars.host1.would_change.updates }}"}
    gates: {host1: "{{ hostvars.host1.host_model.gates }}"}
    disk_free: {host1: "{{ hostvars.host1.engine.disk }}"}
    minimum_disk: 1000
  run_once: true
"""

RETURN = r"""
journal: {description: 'The rollout, empty if there is nothing to do.', type: dict, returned: success}
updates: {description: 'What the journal says is updated, by host.', type: dict, returned: success}
tiers: {description: 'Tiers that have something to update, in their order.', type: list, elements: str, returned: success}
hosts_by_tier:
  description: Hosts that this run goes to, by tier, in their order; none in check mode.
  returned: success
  type: dict
  sample: {conductor: [control1], compute: [compute1, compute2]}
containers_by_tier:
  description: Containers that are updated, by tier and host.
  returned: success
  type: dict
  sample: {conductor: {control1: [nova_conductor]}}
estimate:
  description:
    - What is left of an upgrade in seconds, with one host after the other, by which earlier rollouts, and the containers that are
      taken as the mean of the others because none of them updated these. Empty for other verbs, and if nothing is known.
  returned: success
  type: dict
  sample: {seconds: 307.4, rollouts: [2026.1 -> 2026.2 of 2026-11-21], guessed: []}
"""
