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
  - A rotation has steps, kept in the file, old and new values together. Between two steps all hosts have to be brought to
    their definitions, as playbook C(rotate) does. An interrupted rotation resumes where it stopped.
  - Makes the certificates of C(<role>_required_certificates) and their authorities too. A certificate is renewed 30 days before its
    end, and when it is for other hosts than asked for.
  - With each change that it makes, the generation of the file grows, if the roles ask for C(cloud_identity). By that hosts recognise
    an older copy.
  - Runs on the controller. The result is never shown.
author: The caisson authors (@caisson)
options:
  file:
    description: File of the controller.
    type: path
    required: true
  rotate:
    description:
      - Names of secrets to rotate, unless a rotation is in progress. V(all) stands for all that rotate without
        a failed login, which are the passwords of accounts and Fernet keys.
      - Of a list of Fernet keys the staged key becomes primary and a new one is staged.
    type: list
    elements: str
    default: []
  make:
    description: Names of the secrets that may be made; all if it is left out. The task fails if another one is missing.
    type: list
    elements: str
  account_suffix:
    description: What the names of accounts end with, apart from those that have no second one for rotations.
    type: str
    default: ''
  finished:
    description: Step of a rotation that all hosts were brought to; the next one begins. Ignored at any other step.
    type: str
    choices: [none, accept, move, retire]
    default: none
attributes:
  check_mode: {support: full, description: Makes the secrets but does not write them.}
  diff_mode: {support: none, description: Nothing of the result is shown.}
"""

EXAMPLES = r"""
- name: Generate missing secrets
  caisson.openstack.secrets:
    file: "{{ inventory_dir }}/secrets.yml"
  register: service_secret_store
"""

RETURN = r"""
secrets: {description: Names and values that clients use., type: dict, returned: success}
accounts:
  description: By the name of a password the account that it belongs to, the pair that this is one of, and the other one if
    that must be accepted or must go.
  type: dict
  returned: success
generated: {description: Names that were new., type: list, elements: str, returned: success}
certificates: {description: Names of certificates and authorities that were made., type: list, elements: str, returned: success}
phase: {description: Step of the rotation in progress., type: str, returned: success, sample: move}
identity:
  description: What hosts are told of the secrets to see that they are those of their cloud; for M(caisson.openstack.host_identity).
  type: dict
  returned: success
rotating: {description: Names of the secrets that are being rotated., type: list, elements: str, returned: success}
"""
