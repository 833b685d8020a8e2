# SPDX-License-Identifier: Apache-2.0
"""Show progress while the containers of a step come up."""

from __future__ import annotations

from ansible_collections.caisson.openstack.plugins.action import containers


class ActionModule(containers.ActionModule):
    """Calls the module of the same name until nothing is waiting any more."""

    _MODULE = "caisson.openstack.host_step"
