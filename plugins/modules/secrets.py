#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets
short_description: Secrets of a cloud, in one file of the controller
version_added: 0.1.0
description:
  - Makes the secrets that the play's roles ask for in C(<role>_required_secrets) and that the file does not have yet, and returns all.
  - What is in the file already is kept as it is written there, comments and values encrypted by themselves too. The file has
    mode 0600; if ansible-vault encrypted it, it stays encrypted with the same password.
  - Runs on the controller. The result is never shown.
author: The caisson authors (@caisson)
options:
  file:
    description: File of the controller.
    type: path
    required: true
  rotate:
    description:
      - Names of secrets to replace. Of a list of Fernet keys the staged key becomes primary and a new one is staged.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: Makes the secrets but does not write them.}
  diff_mode: {support: none, description: Nothing of the result is shown.}
"""

EXAMPLES = r"""
- name: Every secret exists
  caisson.openstack.secrets:
    file: "{{ inventory_dir }}/secrets.yml"
  register: __cloud_secrets
"""

RETURN = r"""
secrets: {description: Names and values., type: dict, returned: success}
generated: {description: Names that were new., type: list, elements: str, returned: success}
rotated: {description: Names that were replaced., type: list, elements: str, returned: success}
"""
