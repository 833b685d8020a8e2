# SPDX-License-Identifier: Apache-2.0
"""Say how the cloud is, for people and for monitoring."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.output import plans
from ansible_collections.caisson.openstack.plugins.plugin_utils import arguments
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, keep, show
from ansible_collections.caisson.openstack.plugins.plugin_utils.output import statuses


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts of the play."""

    ARGUMENTS: t.ClassVar = {
        **arguments.OVERVIEW,
        **arguments.DIFFERENCES,
        "all_hosts": {"type": "list", "elements": "str", "required": True},
        "containers": {"type": "dict", "required": True},
        "plans": {"type": "dict", "required": True},
        "certificates": {"type": "dict", "default": {}},
    }

    def act(self, args: Arguments) -> Result:
        """Return the status, or fail with what is wrong; see the documentation of the module."""
        now = datetime.datetime.now(datetime.UTC)
        plan = plans.make(args["cloud"], args["plans"], args["changes"], args["journals"], now)
        status = statuses.make(plan, args["containers"], args["all_hosts"], statuses.expiries(args["certificates"], now))
        show(statuses.lines(status))
        if args["file"]:
            keep("status", args["file"], statuses.dump(status))
        problems = [*status.faults, *(["the cloud differs from its model"] if status.drifted else [])]
        if problems:
            return {"failed": True, "msg": "; ".join(problems), "faults": status.faults, "drifted": status.drifted}
        return {"changed": False, "faults": [], "drifted": False}
