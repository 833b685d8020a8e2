# SPDX-License-Identifier: Apache-2.0
"""Bills of materials are written for what is stale, and only then."""

from __future__ import annotations

import json
import types
import typing as t
from unittest import mock

import pytest

from ansible_collections.caisson.openstack.plugins.action import image_sboms

STALE = {"mariadb": {"id": "sha256:" + "ab" * 32, "dpkg": "", "python": ""}}


def run(monkeypatch: pytest.MonkeyPatch, stale: dict[str, t.Any], check: bool = False) -> tuple[dict[str, t.Any], list[dict[str, t.Any]]]:
    """Return the result of the action and the documents of each call of the module."""
    calls: list[dict[str, t.Any]] = []

    def execute(_self: t.Any, module_args: dict[str, t.Any], **_kwargs: t.Any) -> dict[str, t.Any]:
        calls.append(module_args["documents"])
        return {"changed": bool(stale), "stale": {} if module_args["documents"] else stale}

    monkeypatch.setattr(image_sboms.ActionModule, "_execute_module", execute)
    task = types.SimpleNamespace(args={"version": "2026.1-0a1b2c3d"}, check_mode=check, async_val=0, action="image_sboms")
    action = image_sboms.ActionModule(t.cast(t.Any, task), *[mock.MagicMock() for _ in range(5)])
    return action.run(task_vars={}), calls


def test_nothing_is_written_when_nothing_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    result, calls = run(monkeypatch, {})
    assert result == {"changed": False}
    assert calls == [{}]


def test_what_is_stale_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    result, calls = run(monkeypatch, STALE)
    assert (result["changed"], result["made"]) == (True, ["mariadb"])
    assert json.loads(calls[1]["mariadb"])["metadata"]["component"]["version"] == "2026.1-0a1b2c3d"


def test_check_mode_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    result, calls = run(monkeypatch, STALE, check=True)
    assert (result["changed"], result["made"]) == (True, ["mariadb"])
    assert calls == [{}]


def test_a_missing_library_is_named_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_sboms.sbom, "LIBRARY_ERROR", "No module named 'cyclonedx'")
    with pytest.raises(Exception, match="pip install cyclonedx-python-lib"):
        run(monkeypatch, STALE)
