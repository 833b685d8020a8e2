# SPDX-License-Identifier: Apache-2.0
"""Say in few lines how a rollout went, and keep a page about it."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import RolloutError, load
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, show
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import report


class ActionModule(ControllerAction):
    """Runs on the controller only, once for all hosts of the play."""

    ARGUMENTS: t.ClassVar = {
        "journal": {"type": "dict", "required": True},
        "figures": {"type": "dict", "default": {}},
        "file": {"type": "str", "default": ""},
    }

    def act(self, args: Arguments) -> Result:
        """Return the report; see the documentation of the module."""
        try:
            rollout = load(args["journal"])
        except RolloutError as error:
            raise AnsibleActionFail(str(error)) from None
        if rollout is None:
            raise AnsibleActionFail("this is not a rollout journal: it is empty")
        figures = report.drawn(args["figures"])
        lines = report.summary(rollout, figures)
        show(lines)
        changed = bool(args["file"]) and self._write(pathlib.Path(args["file"]), report.page(rollout, figures))
        return {"changed": changed, "file": args["file"], "summary": lines}

    def _write(self, path: pathlib.Path, page: str) -> bool:
        """Write the page, except in check mode; return whether the file was another one."""
        try:
            if path.exists() and path.read_bytes() == page.encode():
                return False
            if not self._task.check_mode:
                atomic_write.write(path, page)
        except OSError as error:
            raise AnsibleActionFail(f"cannot write the report to {path}: {error.strerror}") from None
        return True
