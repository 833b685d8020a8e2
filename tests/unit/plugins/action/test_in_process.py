# SPDX-License-Identifier: Apache-2.0
"""A module that only reads needs no process of its own where the host is the controller; everywhere else it has one."""

from __future__ import annotations

import sys
import types
import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.caisson.openstack.plugins.action import host_check, host_plan
from ansible_collections.caisson.openstack.plugins.plugin_utils.in_process import InProcessAction

SENT = {"changed": False, "sent": True}
HERE = {"ansible_python_interpreter": sys.executable}


def look(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Return what was asked, as a careless module would."""
    return {"changed": False, "seen": f"{params['name']} with {params['password']}", "count": params["count"], "check_mode": check_mode}


ARGUMENTS = {"name": {"type": "str", "required": True}, "password": {"type": "str", "no_log": True}, "count": {"type": "int", "default": 3}}
MODULE = types.SimpleNamespace(__name__="plugins.modules.example", ARGUMENTS=ARGUMENTS, look=look)


class Example(InProcessAction):
    MODULE: t.ClassVar = t.cast(t.Any, MODULE)


def run(variables: dict[str, t.Any], transport: str = "local", become: bool = False, **task: t.Any) -> tuple[dict[str, t.Any], t.Any]:
    """Return the result of a task, and the mock that stands for sending the module to the host."""
    settings = {"args": {"name": "web", "password": "s3cret"}, "check_mode": True, "async_val": 0, "action": "example", "environment": []}
    templar = mock.MagicMock(template=lambda value: value)
    connection = mock.MagicMock(transport=transport, become=become)
    action = Example(
        t.cast(t.Any, types.SimpleNamespace(**{**settings, **task})), connection, mock.MagicMock(), mock.MagicMock(), templar, None
    )
    with mock.patch.object(action, "_execute_module", return_value=SENT) as sent:
        return action.run(task_vars=variables), sent


def test_on_the_controller_the_module_runs_in_the_process_of_the_task() -> None:
    result, sent = run(HERE)
    assert result == {"changed": False, "seen": "web with ********", "count": 3, "check_mode": True}
    sent.assert_not_called()


@pytest.mark.parametrize(
    "other",
    [
        {"transport": "ssh"},
        {"become": True},
        {"variables": {"ansible_python_interpreter": "/usr/bin/another-python"}},
        {"variables": {}},
        {"environment": [{"DOCKER_HOST": "tcp://192.0.2.1:2376"}]},
    ],
)
def test_everywhere_else_it_is_sent(other: dict[str, t.Any]) -> None:
    result, sent = run(**{"variables": HERE, **other})
    assert result == SENT
    assert sent.call_args.kwargs["module_name"] == "caisson.openstack.example"
    assert sent.call_args.kwargs["module_args"] == {"name": "web", "password": "s3cret"}


def test_it_is_sent_if_secrets_in_its_result_could_not_be_masked() -> None:
    unknown = types.SimpleNamespace(), {"name": "web"}
    with mock.patch.object(Example, "validate_argument_spec", return_value=unknown):
        assert run(HERE)[0] == SENT


def test_arguments_are_checked_as_the_module_would() -> None:
    with pytest.raises(AnsibleActionFail, match="nme"):
        run(HERE, args={"name": "web", "nme": "web"})


@pytest.mark.parametrize("action", [host_check, host_plan])
def test_the_two_looks_of_a_run_do_so(action: types.ModuleType) -> None:
    assert issubclass(action.ActionModule, InProcessAction)
    name = action.__name__.rpartition(".")[2]
    assert action.ActionModule.MODULE.__name__.endswith(f".modules.{name}")
    assert callable(action.ActionModule.MODULE.look)
