# SPDX-License-Identifier: Apache-2.0
"""Several calls of the module add up to one result."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.action.containers import _arguments, _merge


def _result(changed: bool, *outcomes: tuple[str, str, str], diff: t.Any = None) -> dict[str, t.Any]:
    rows = [
        {"name": name, "kind": "job" if "job" in name else "container", "action": action, "reasons": [f"why {action}"], "state": state}
        for name, action, state in outcomes
    ]
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


def test_what_the_first_call_removed_is_in_the_result() -> None:
    merged = _merge(_result(True, ("old", "remove", "done"), ("a", "create", "waiting")), _result(False, ("a", "none", "done")))
    assert [(row["name"], row["action"]) for row in merged["outcomes"]] == [("old", "remove"), ("a", "create")]


def test_an_update_that_two_calls_plan_counts_once() -> None:
    first = _result(True, ("a", "replace", "waiting"), ("b", "none", "blocked")) | {"updates": [{"container": "a"}, {"container": "b"}]}
    second = _result(True, ("a", "none", "done"), ("b", "replace", "done")) | {"updates": [{"container": "b"}, {"container": "c"}]}
    assert [update["container"] for update in _merge(first, second)["updates"]] == ["a", "b", "c"]


def test_a_further_call_knows_what_starts_and_what_has_run() -> None:
    args = {"created_databases": ["d"], "parallel": 2}
    first = _arguments(args, {}, 0)
    assert (first["starting"], first["finished_jobs"], first["elapsed"]) == ([], [], 0)
    merged = _merge(
        _result(True, ("a", "create", "waiting"), ("b", "create", "done"), ("job1", "run", "done"), ("job2", "none", "blocked")),
        _result(
            True,
            ("a", "none", "waiting"),
            ("b", "none", "waiting"),
            ("c", "none", "waiting"),
            ("job1", "none", "done"),
            ("job2", "run", "done"),
        ),
    )
    second = _arguments(args, merged, 12)
    assert second == {**args, "patience": 10, "elapsed": 12, "starting": ["a", "b"], "finished_jobs": ["job1", "job2"]}
    # a module that creates no databases has no such option
    assert "finished_jobs" not in _arguments({"parallel": 2}, merged, 12)
