# SPDX-License-Identifier: Apache-2.0
"""Options of every module that works on the containers of a cloud."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  cloud:
    description: Name of the cloud, kept as a label of every container; containers of another cloud are left alone.
    type: str
    required: true
"""
