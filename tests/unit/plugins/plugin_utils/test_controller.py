# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pathlib
import types
import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result, keep


class Greeting(ControllerAction):
    ARGUMENTS: t.ClassVar = {"word": {"type": "str", "default": "hello"}, "times": {"type": "int", "required": True}}

    def act(self, args: Arguments) -> Result:
        return {"changed": False, "text": " ".join([args["word"]] * args["times"] + [self._vars["inventory_hostname"]])}


def run(**args: t.Any) -> Result:
    task = types.SimpleNamespace(args=args, check_mode=True, async_val=0, action="greeting")
    action = Greeting(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)])
    return action.run(task_vars={"inventory_hostname": "aio"})


def test_it_acts_with_arguments_that_were_checked_and_with_the_variables() -> None:
    assert run(times="2") == {"changed": False, "text": "hello hello aio"}


@pytest.mark.parametrize(("args", "message"), [({}, "missing required arguments: times"), ({"times": 1, "wrod": ""}, "wrod")])
def test_wrong_arguments_are_refused(args: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleActionFail, match=message):
        run(**args)


def test_a_file_is_for_its_owner_and_one_that_cannot_be_written_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "plan.json"
    keep("plan", str(path), "{}")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("{}", 0o600)
    with pytest.raises(AnsibleActionFail, match=r"cannot write the plan to /nowhere/plan.json: No such file or directory"):
        keep("plan", "/nowhere/plan.json", "{}")
