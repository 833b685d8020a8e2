# SPDX-License-Identifier: Apache-2.0
"""Read the script that finds pending migrations on the controller."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Passes the text of the script to the module of the same name."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module."""
        super().run(tmp, task_vars)
        path = pathlib.Path(self._find_needle("files", self._task.args["script"]))
        args = {**self._task.args, "script": path.read_text(encoding="utf-8")}
        result = self._execute_module(module_name="caisson.openstack.rollout_facts", module_args=args, task_vars=task_vars)
        # the text of the script says nothing that the name does not
        result.pop("invocation", None)
        return result
