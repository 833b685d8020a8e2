# SPDX-License-Identifier: Apache-2.0
"""Options of every module that talks to a container engine."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  engine_url:
    description: Where the engine listens.
    type: str
    default: unix:///var/run/docker.sock
requirements:
  - Docker SDK for Python 5.0 or later, on the host
  - a container engine with API 1.41 or later, on the host
"""
