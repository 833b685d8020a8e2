# SPDX-License-Identifier: Apache-2.0
"""Compare the clock of the host with that of the controller, which only the controller can."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_checks
from ansible_collections.caisson.openstack.plugins.modules import host_check
from ansible_collections.caisson.openstack.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Calls the module of the same name and adds what its answer says of the clock."""

    MODULE: t.ClassVar = host_check

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module, with an error or a warning if the clocks differ."""
        began = time.time()
        result = super().run(tmp, task_vars)
        clock = result.get("clock")
        if clock is None:  # the module did not come so far
            return result
        ended = time.time()
        result["clock_ahead"] = [clock - ended, clock - began]
        error, warning = host_checks.clock(clock, began, ended)
        if error:
            errors = [*result.get("errors", []), error]
            result.update(failed=True, errors=errors, msg=host_checks.refusal(errors))
        if warning:
            result.setdefault("warnings", []).append(warning)
        return result
