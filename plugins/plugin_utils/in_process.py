# SPDX-License-Identifier: Apache-2.0
"""Modules that only read, run in the process of their task where the host is the controller itself.

Packing a module, starting Python and importing everything again costs half a CPU second more than the module's own work. Other hosts, and
tasks with another user, interpreter or environment, get the module as usual.
"""

from __future__ import annotations

import json
import sys
import types
import typing as t

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles

Result = dict[str, t.Any]


class InProcessAction(ActionBase):
    """Calls the module of the same name; ``MODULE`` is its Python module, with its ``ARGUMENTS`` and its function ``look``."""

    _supports_check_mode = True
    MODULE: t.ClassVar[types.ModuleType]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Return the result of the module."""
        super().run(tmp, task_vars)
        if self._is_here(task_vars or {}):
            validation, arguments = self.validate_argument_spec(argument_spec=self.MODULE.ARGUMENTS)
            # not public: without it, secrets could not be masked, so the module does it
            secrets = getattr(validation, "_no_log_values", None)
            if secrets is not None:
                result = remove_values(self.MODULE.look(play_roles.plain(arguments), self._task.check_mode), secrets)
                # as if it had been sent: of texts nothing but their characters
                return t.cast(Result, json.loads(json.dumps(result)))
        name = self.MODULE.__name__.rpartition(".")[2]
        args = dict(self._task.args)
        return dict(self._execute_module(module_name=f"caisson.openstack.{name}", module_args=args, task_vars=task_vars))

    def _is_here(self, task_vars: dict[str, t.Any]) -> bool:
        """Return whether the module would run on this machine, by the same user, with the same Python and the same environment."""
        if self._connection.transport != "local" or self._connection.become or any(self._task.environment or []):
            return False
        return bool(self._templar.template(task_vars.get("ansible_python_interpreter", "")) == sys.executable)
