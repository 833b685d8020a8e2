# SPDX-License-Identifier: Apache-2.0
"""A script that takes long is called again until it has ended, and each of its lines is shown once."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.action import container_script


def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, answers: list[dict[str, t.Any]]
) -> tuple[dict[str, t.Any], list[dict[str, t.Any]], list[str]]:
    """Run the action over *answers* of the module; return its result, the arguments of each call, and what was shown."""
    script = tmp_path / "script.py"
    script.write_text("the text", encoding="utf-8")
    action = container_script.ActionModule.__new__(container_script.ActionModule)
    action._task = types.SimpleNamespace(args={"script": "script.py", "name": "tempest"})  # type: ignore[assignment]
    calls: list[dict[str, t.Any]] = []
    shown: list[str] = []

    def execute(module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        calls.append(module_args)
        return {"invocation": {}, **answers[len(calls) - 1]}

    monkeypatch.setattr(container_script.ActionBase, "run", lambda *_args: {})
    monkeypatch.setattr(action, "_find_needle", lambda *_args: str(script))
    monkeypatch.setattr(action, "_execute_module", execute)
    monkeypatch.setattr(container_script._display, "display", shown.append)
    return action.run(None, {"inventory_hostname": "one"}), calls, shown


def test_each_line_is_shown_once_and_the_last_answer_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    answers: list[dict[str, t.Any]] = [
        {"running": True, "said": ["a", "b"]},
        {"running": True, "said": []},
        {"result": {"x": 1}, "said": ["c"]},
    ]
    result, calls, shown = run(monkeypatch, tmp_path, answers)
    assert result == {"result": {"x": 1}}
    assert shown == ["one: a", "one: b", "one: c"]
    assert [call["heard"] for call in calls] == [0, 2, 2]
    assert {(call["script"], call["name"]) for call in calls} == {("the text", "tempest")}


def test_a_failure_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    result, calls, _shown = run(monkeypatch, tmp_path, [{"running": True, "said": []}, {"failed": True, "msg": "why"}])
    assert (result["msg"], len(calls)) == ("why", 2)


def test_a_script_without_a_name_is_called_once(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    assert run(monkeypatch, tmp_path, [{"result": {}}])[0] == {"result": {}}
