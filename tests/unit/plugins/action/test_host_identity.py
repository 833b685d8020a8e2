# SPDX-License-Identifier: Apache-2.0
"""A run that has ended on this machine gives its place up at once."""

from __future__ import annotations

import socket
import subprocess
import sys
import types
import typing as t
from unittest import mock

from ansible_collections.caisson.openstack.plugins.action import host_identity
from ansible_collections.caisson.openstack.plugins.plugin_utils.this_run import this_run


def _run(answer: dict[str, t.Any], **args: t.Any) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    """Return the result of the action, and what the module was asked; *answer* is what it says each time."""
    asked: list[dict[str, t.Any]] = []

    def execute(module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        asked.append(module_args)
        return dict(answer)

    task = types.SimpleNamespace(args=args, check_mode=False, async_val=0, action="host_identity")
    action = host_identity.ActionModule(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)])
    with mock.patch.object(action, "_execute_module", execute):
        return action.run(task_vars={}), asked


def test_the_module_is_told_which_run_it_is_once() -> None:
    result, (asked,) = _run({"turn": 1, "invocation": "long"}, state="claimed")
    assert (asked["holder"]["run"], result) == (this_run()["run"], {"turn": 1})


def test_only_the_place_of_a_run_that_has_ended_is_taken() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    here = socket.gethostname()
    dead = {"run": f"{here}/{process.pid}/boot/1", "who": "ada", "where": here, "pid": process.pid, "seen": 1.0}
    for holder, asked in ((dead, [None, True]), (this_run(), [None]), ({**dead, "where": "attic"}, [None])):
        _result, calls = _run({"failed": True, "msg": "held", "held_by": holder}, state="claimed")
        assert [call.get("takeover") for call in calls] == asked
