# SPDX-License-Identifier: Apache-2.0
"""Show lines of the logs of several hosts in the order of time."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.caisson.openstack.plugins.module_utils import log_lines

_display = Display()


class ActionModule(ActionBase):
    """Runs on the controller only, once for all hosts of the play."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Print the lines; see the documentation of the module."""
        super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec={"hosts": {"type": "dict", "required": True}})
        entries = log_lines.merge([log_lines.Entry(**entry) for entry in found["entries"]] for found in args["hosts"].values())
        for line in log_lines.table(entries):
            _display.display(line)
        for host, found in args["hosts"].items():
            if found["left_out"]:
                _display.display(
                    f"{host}: {found['left_out']} earlier lines were left out; -e limit=NUMBER shows more, a request or a service fewer"
                )
        summary = log_lines.summary(entries)
        _display.display(summary)
        return {"changed": False, "summary": summary}
