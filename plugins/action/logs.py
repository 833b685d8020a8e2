# SPDX-License-Identifier: Apache-2.0
"""Show lines of the logs of several hosts in the order of time."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.output import log_lines
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, show


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts of the play."""

    ARGUMENTS: t.ClassVar = {"hosts": {"type": "dict", "required": True}}

    def act(self, args: Arguments) -> Result:
        """Print the lines; see the documentation of the module."""
        entries = log_lines.merge([log_lines.Entry(**entry) for entry in found["entries"]] for found in args["hosts"].values())
        show(log_lines.table(entries))
        left_out = {host: found["left_out"] for host, found in args["hosts"].items() if found["left_out"]}
        hint = "-e limit=NUMBER shows more, a request or a service fewer"
        show(f"{host}: {count} earlier lines were left out; {hint}" for host, count in left_out.items())
        summary = log_lines.summary(entries)
        show([summary])
        return {"changed": False, "summary": summary}
