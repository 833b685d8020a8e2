# SPDX-License-Identifier: Apache-2.0
"""Say what a run is going to change, keep it, or hold it against a plan that was approved."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.caisson.openstack.plugins.module_utils import plans, private_file

_display = Display()


class ActionModule(ActionBase):
    """Runs on the controller only, once for all hosts of the play."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the plan; see the documentation of the module."""
        super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            argument_spec={
                "cloud": {"type": "str", "required": True},
                "hosts": {"type": "dict", "required": True},
                "changes": {"type": "dict", "default": {}},
                "journals": {"type": "list", "elements": "dict", "default": []},
                "file": {"type": "str", "default": ""},
                "approved": {"type": "str", "default": ""},
                "finalizing": {"type": "bool", "default": False},
            }
        )
        plan = plans.make(args["cloud"], args["hosts"], args["changes"], args["journals"], datetime.datetime.now(datetime.UTC))
        for line in plans.summary(plan):
            _display.display(line)
        refusal = plans.refusal(plan, args["finalizing"])
        if refusal:
            raise AnsibleActionFail(f"{refusal}. Nothing was changed")
        if args["approved"]:
            self._hold(args["approved"], plan)
        if args["file"]:
            try:
                private_file.write(pathlib.Path(args["file"]), plans.dump(plan))
            except OSError as error:
                raise AnsibleActionFail(f"cannot write the plan to {args['file']}: {error.strerror}") from None
        unhealthy = [f"{name} on {host}" for host, result in args["hosts"].items() for name in result.get("unhealthy") or []]
        return {"changed": False, "settled": plan.settled and not unhealthy, "unhealthy": unhealthy}

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
            what = f"the world has moved since the plan {approved} was made ({before.created}); nothing was changed"
            raise AnsibleActionFail(f"{what}. Look at it and make a new one with the playbook plan:\n{lines}")
