# SPDX-License-Identifier: Apache-2.0
"""Add the identity of this run to every call of the journal's module."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import load, newest
from ansible_collections.caisson.openstack.plugins.plugin_utils.this_run import has_ended, this_run


class ActionModule(ActionBase):
    """Calls the module of the same name with the run that it is a part of."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module."""
        super().run(tmp, task_vars)
        holder = this_run()
        args = {**self._task.args, "holder": holder}
        if args.get("state") == "claimed" and not args.get("takeover"):
            own = self._call({**args, "state": "read", "brief": True, "journal": {}, "known": {}}, task_vars)
            if own.get("failed"):
                return own
            current = newest([load(own["journal"]), load(args.get("known") or {})])
            args["takeover"] = has_ended(current.holder if current else None, holder["where"])
        try:
            return self._call(args, task_vars)
        except AnsibleConnectionFailure as error:
            if not args.get("unreachable_ok"):
                raise
            # Ansible's ignore_unreachable ends a play with any_errors_fatal all the same, and says that it went well
            why = f"{self._task.delegate_to or 'this host'} does not answer ({error}); its copy of the rollout journal is ignored"
            return {"changed": False, "journal": {}, "revision": 0, "warnings": [why]}

    def _call(self, args: dict[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        result = self._execute_module(module_name="caisson.openstack.rollout", module_args=args, task_vars=task_vars)
        # arguments may hold a whole journal
        result.pop("invocation", None)
        return result
