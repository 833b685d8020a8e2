# SPDX-License-Identifier: Apache-2.0
"""Compare the clock of the host with that of the controller, which only the controller can."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_checks


class ActionModule(ActionBase):
    """Calls the module of the same name and adds what its answer says of the clock."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module, with an error or a warning if the clocks differ."""
        super().run(tmp, task_vars)
        began = time.time()
        result = self._execute_module(module_name="caisson.openstack.host_check", module_args=dict(self._task.args), task_vars=task_vars)
        clock = result.get("clock")
        if clock is None:  # the module did not come so far
            return result
        error, warning = host_checks.clock(clock, began, time.time())
        if error:
            errors = [*result.get("errors", []), error]
            result.update(failed=True, errors=errors, msg=host_checks.refusal(errors))
        if warning:
            result.setdefault("warnings", []).append(warning)
        return result
