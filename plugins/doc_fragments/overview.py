# SPDX-License-Identifier: Apache-2.0
"""Options of every module that summarizes on the controller what all hosts returned."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  cloud:
    description: Name of the cloud.
    type: str
    required: true
  journals:
    description: Journals of the control hosts, of which the newest counts.
    type: list
    elements: dict
    default: []
  file:
    description: File of the controller in which the result is stored as JSON, readable by its owner only.
    type: str
    default: ''
"""

    DIFFERENCES = r"""
options:
  changes:
    description: Differences of databases and catalog as lines of text, in V(database) and V(catalog).
    type: dict
    default: {}
"""
