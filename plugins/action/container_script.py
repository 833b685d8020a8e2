# SPDX-License-Identifier: Apache-2.0
"""Read the script of a role on the controller, and pass on what it says while it runs."""

from __future__ import annotations

import pathlib
import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_display = Display()


class ActionModule(ActionBase):
    """Passes the text of the script to the module of the same name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module."""
        super().run(tmp, task_vars)
        modules = {name: self._text(file) for name, file in self._task.args.get("modules", {}).items()}
        args = {**self._task.args, "script": self._text(self._task.args["script"]), "modules": modules}
        started, heard = time.monotonic(), 0
        while True:
            call = {**args, "heard": heard, "elapsed": int(time.monotonic() - started)}
            result = self._execute_module(module_name="caisson.openstack.container_script", module_args=call, task_vars=task_vars)
            # the text of the script says nothing that the name does not
            result.pop("invocation", None)
            said = result.pop("said", [])
            for line in said:
                _display.display(f"{(task_vars or {}).get('inventory_hostname')}: {line}")
            if result.get("failed") or not result.get("running"):
                return result
            heard += len(said)

    def _text(self, file: str) -> str:
        """Return the content of a file of the role."""
        return pathlib.Path(self._find_needle("files", file)).read_text(encoding="utf-8")
