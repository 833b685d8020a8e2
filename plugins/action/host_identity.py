# SPDX-License-Identifier: Apache-2.0
"""Tell the lock of a host which run this is."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder
from ansible_collections.caisson.openstack.plugins.plugin_utils.this_run import has_ended, this_run


class ActionModule(ActionBase):
    """Calls the module of the same name with the run that it is a part of."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module."""
        super().run(tmp, task_vars)
        run = this_run()
        args = {**self._task.args, "holder": run}
        result = self._call(args, task_vars)
        held_by = result.get("held_by")
        if held_by and has_ended(dataclass_spec.construct(Holder, held_by), run["where"]):
            return self._call({**args, "takeover": True}, task_vars)
        return dict(result)

    def _call(self, args: dict[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        result = self._execute_module(module_name="caisson.openstack.host_identity", module_args=args, task_vars=task_vars)
        # it has a digest of each secret
        result.pop("invocation", None)
        return dict(result)
