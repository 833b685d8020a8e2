# SPDX-License-Identifier: Apache-2.0
"""Say what a run is going to change, keep it, or hold it against a plan that was approved."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.module_utils.output import plans
from ansible_collections.caisson.openstack.plugins.plugin_utils import addresses, arguments
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, keep, show
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import cluster
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import turns


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts of the play."""

    ARGUMENTS: t.ClassVar = {
        **arguments.OVERVIEW,
        **arguments.DIFFERENCES,
        "hosts": {"type": "dict", "required": True},
        "approved": {"type": "str", "default": ""},
        "finalizing": {"type": "bool", "default": False},
        "serial": {"type": "list", "elements": "raw", "default": [1]},
        "zones": {"type": "dict", "default": {}},
    }

    def act(self, args: Arguments) -> Result:
        """Return the plan; see the documentation of the module."""
        starts = cluster.decide_all({host: result.get("clusters") or [] for host, result in args["hosts"].items()})
        plan = plans.make(args["cloud"], args["hosts"], args["changes"], args["journals"], datetime.datetime.now(datetime.UTC))
        for host, own in starts.items():
            plans.explain(plan, host, {name: start.reason for name, start in own.items()})
        try:
            found = turns.order(plan.hosts, args["serial"], args["zones"])
        except turns.SerialError as error:
            raise AnsibleActionFail(f"rollout_serial: {error}. Nothing was changed") from None
        show([*plans.summary(plan), *turns.summary(found)])
        refusal = plans.refusal(plan, args["finalizing"])
        if refusal:
            raise AnsibleActionFail(f"{refusal}. Nothing was changed")
        for what, refused in (
            ("start", cluster.refusals(starts)),
            ("leave it", cluster.left_behind(args["hosts"], addresses.Addresses(self._vars["hostvars"]))),
        ):
            if refused:
                lines = "\n".join(f"  - {line}" for line in refused)
                raise AnsibleActionFail(f"members of a cluster must not {what}; nothing was changed:\n{lines}")
        if args["approved"]:
            self._hold(args["approved"], plan)
        if args["file"]:
            keep("plan", args["file"], plans.dump(plan))
        unhealthy = [f"{name} on {host}" for host, result in args["hosts"].items() for name in result.get("unhealthy") or []]
        return {
            "changed": False,
            "converged": plan.no_changes and not unhealthy,
            "unhealthy": unhealthy,
            "turns": [dataclasses.asdict(turn) for turn in found],
            "leaving": cluster.leaving(args["hosts"]),
            "starts": {host: {name: dataclasses.asdict(start) for name, start in own.items()} for host, own in starts.items()},
        }

    def _hold(self, approved: str, plan: plans.Plan) -> None:
        """Refuse to go on unless the world is as the approved plan found it."""
        try:
            before = plans.parse(pathlib.Path(approved).read_text(encoding="utf-8"), plan.cloud)
        except OSError as error:
            raise AnsibleActionFail(f"cannot read the plan {approved}: {error.strerror}; nothing was changed") from None
        except plans.PlanError as error:
            raise AnsibleActionFail(f"the plan {approved} cannot be applied: {error}; nothing was changed") from None
        moved = plans.moved(before, plan)
        if moved:
            lines = "\n".join(f"  - {line}" for line in moved)
            what = f"the cloud has changed since the plan {approved} was made ({before.created}); nothing was changed"
            raise AnsibleActionFail(f"{what}. Make a new plan with the playbook plan and review it:\n{lines}")
