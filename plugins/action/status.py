# SPDX-License-Identifier: Apache-2.0
"""Say how the cloud is, for people and for monitoring."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.caisson.openstack.plugins.module_utils import plans, private_file
from ansible_collections.caisson.openstack.plugins.module_utils import status as statuses

_display = Display()


class ActionModule(ActionBase):
    """Runs on the controller only, once for all hosts of the play."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the status, or fail with what is wrong; see the documentation of the module."""
        super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            argument_spec={
                "cloud": {"type": "str", "required": True},
                "all_hosts": {"type": "list", "elements": "str", "required": True},
                "containers": {"type": "dict", "required": True},
                "plans": {"type": "dict", "required": True},
                "changes": {"type": "dict", "default": {}},
                "journals": {"type": "list", "elements": "dict", "default": []},
                "certificates": {"type": "dict", "default": {}},
                "file": {"type": "str", "default": ""},
            }
        )
        now = datetime.datetime.now(datetime.UTC)
        plan = plans.make(args["cloud"], args["plans"], args["changes"], args["journals"], now)
        status = statuses.make(plan, args["containers"], args["all_hosts"], statuses.expiries(args["certificates"], now))
        for line in statuses.lines(status):
            _display.display(line)
        if args["file"]:
            try:
                private_file.write(pathlib.Path(args["file"]), statuses.dump(status))
            except OSError as error:
                raise AnsibleActionFail(f"cannot write the status to {args['file']}: {error.strerror}") from None
        problems = [*status.faults, *(["something is not as the model says"] if status.drifted else [])]
        if problems:
            return {"failed": True, "msg": "; ".join(problems), "faults": status.faults, "drifted": status.drifted}
        return {"changed": False, "faults": [], "drifted": False}
