# SPDX-License-Identifier: Apache-2.0
"""Several calls of the module add up to one result."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.action.containers import _merge


def _result(changed: bool, *outcomes: tuple[str, str, str], diff: t.Any = None) -> dict[str, t.Any]:
    rows = [{"name": name, "action": action, "reasons": [f"why {action}"], "state": state} for name, action, state in outcomes]
    return {"changed": changed, "outcomes": rows, "diff": diff or {}}


def test_the_first_call_is_the_result() -> None:
    assert _merge({}, _result(True, ("a", "create", "done"))) == _result(True, ("a", "create", "done"))


def test_a_later_call_that_changes_nothing_hides_no_change() -> None:
    first = _result(True, ("a", "create", "waiting"), ("b", "none", "blocked"), diff={"before": "", "after": "a"})
    second = _result(True, ("a", "none", "done"), ("b", "create", "done"), diff={"before": "", "after": "b"})
    merged = _merge(_merge(first, second), _result(False, ("a", "none", "done"), ("b", "none", "done"), diff={"before": "", "after": ""}))
    assert merged["changed"] is True
    assert [(row["name"], row["action"], row["reasons"], row["state"]) for row in merged["outcomes"]] == [
        ("a", "create", ["why create"], "done"),
        ("b", "create", ["why create"], "done"),
    ]
    assert [item["after"] for item in merged["diff"]] == ["a", "b", ""]


def test_a_failure_without_outcomes_keeps_its_message() -> None:
    merged = _merge(_result(True, ("a", "create", "waiting")), {"failed": True, "msg": "no engine"})
    assert (merged["failed"], merged["msg"], merged["changed"]) == (True, "no engine", True)
