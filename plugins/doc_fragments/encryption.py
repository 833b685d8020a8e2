# SPDX-License-Identifier: Apache-2.0
"""Options of every module that reads or writes backups."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  directory:
    description: Directory of this host; of all backups where one is made, of one backup where it is read.
    type: path
    required: true
  identity:
    description: Text of the key file, as C(age-keygen) writes it. The first key is in use, further ones open older backups.
    type: str
    required: true
  image:
    description: Reference of the client image, which has the tools.
    type: str
    required: true
  timeout:
    description: Seconds that one part may take.
    type: int
    default: 3600
"""

    HOST = r"""
options:
  host:
    description: Name of this host in the inventory.
    type: str
    required: true
  release:
    description: OpenStack release of the cloud.
    type: str
    required: true
"""
