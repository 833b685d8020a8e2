#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model
short_description: What the services of a play mean for one host
version_added: 0.1.0
description:
  - Takes the definitions C(<role>_service) of all service roles in the play, merges the operator's overrides, checks them
    against their schema, each other and the inventory, and renders every file of the host.
  - Runs on the controller; the host is not contacted and nothing is changed. All errors are reported at once.
  - The result holds secrets and is never shown.
author: The caisson authors (@caisson)
options:
  image_prefix:
    description: Prefix of the name of each image, such as a registry.
    type: str
    required: true
  image_tag:
    description: Tag of the images.
    type: str
    required: true
  overrides_dir:
    description: Directory of the operator's override files on the controller.
    type: str
    default: ''
  services:
    description:
      - Services that the run is for; empty for all. C(--tags) and C(--skip-tags) with names of services do the same.
      - What these services require and is not selected, or runs on hosts outside of C(--limit), is returned apart.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: Never changes anything.}
  diff_mode: {support: none, description: Has no state of its own.}
"""

EXAMPLES = r"""
- name: Make the model of this host
  caisson.openstack.model:
    image_prefix: caisson/
    image_tag: 2026.1-0a1b2c3d
  register: host_model
"""

RETURN = r"""
services: {description: Names of the services in the play., type: list, elements: str, returned: success}
containers: {description: Names of the containers of this host., type: list, elements: str, returned: success}
images: {description: References of the images that this host needs., type: list, elements: str, returned: success}
volumes: {description: Named volumes of this host., type: list, elements: str, returned: success}
files: {description: 'All files of this host, packed for the module config_files.', type: str, returned: success}
parts:
  description:
    - Everything else, packed; the filter P(caisson.openstack.model_part#filter) returns each of the following by its name.
    - C(stages) - jobs and containers of this host by stage.
    - C(databases), C(users), C(endpoints) - databases, Keystone users and catalog entries of all services.
    - C(required) - containers of this host that the selected services need.
    - C(remote_dependencies) - ports elsewhere that must answer.
    - C(backups), C(restores) - data of this host that a backup takes, and that a restore may restore on this host.
    - C(gates) - what must be up before the next host is changed.
    - C(rollout_jobs), C(schemas) - jobs of a rollout by phase, and the databases that have migrations.
    - C(hooks) - task files that services include on this host.
    - C(limits) - containers of this host whose limits the operator has set.
    - C(probes), C(resources) - requests of the prober and resources to verify, by API.
  type: str
  returned: success
"""
