# SPDX-License-Identifier: Apache-2.0
"""Compare a host with its model, without a process of its own where the host is the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.modules import host_plan
from ansible_collections.caisson.openstack.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Calls the module of the same name."""

    MODULE: t.ClassVar = host_plan
