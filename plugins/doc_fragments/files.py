# SPDX-License-Identifier: Apache-2.0
"""Options of every module that takes the configuration files of a host."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  files:
    description: Files and directories of the host, packed by M(caisson.openstack.model).
    type: str
    required: true
  root:
    description: Directory of the host below which the files live.
    type: path
    default: /etc/caisson
"""
