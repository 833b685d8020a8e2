# SPDX-License-Identifier: Apache-2.0
"""What is decided about containers and jobs. What then happens is tested on a real engine: tests/integration."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome, plan_container, plan_job, report
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, Difference, JobSpec
from tests.unit.builders import a_state

_SPEC = ContainerSpec(name="api", service="x", image="x:1", command=["run"], reload_digest="new")


def _state(spec: ContainerSpec = _SPEC, **changes: t.Any) -> ContainerState:
    labels = {specs.LABEL_SPEC: spec.label(), specs.LABEL_RELOAD: spec.reload_digest}
    return a_state(spec.name, **{"labels": labels, **changes})


@pytest.mark.parametrize(
    ("current", "loaded", "action", "reason"),
    [
        (None, "", "create", "it does not exist"),
        (_state(), "new", "none", None),
        (_state(image_id="j"), "new", "replace", "image: j -> i"),
        (_state(dataclasses.replace(_SPEC, user="5:5")), "new", "replace", "user: 5:5 -> 0:0"),
        (_state(labels={}), "new", "replace", "specification: created by something else -> as defined"),
        (_state(running=False, status="exited", exit_code=3), "new", "start", "it is exited (exit code 3)"),
        (_state(running=False, status="created"), "new", "start", "it is created (exit code 0)"),
        (_state(), "old", "reload", "its configuration changed"),
        # one that restarts by itself needs no start, cannot get a signal, and reads its files anyway
        (_state(running=False, status="restarting"), "new", "none", None),
        (_state(running=False, status="restarting"), "old", "none", None),
        # the stronger remedy covers the weaker
        (_state(running=False, status="exited"), "old", "start", "it is exited (exit code 0)"),
        (_state(image_id="j", running=False, status="exited"), "old", "replace", "image: j -> i"),
    ],
)
def test_the_mildest_remedy_that_helps_is_chosen(current: ContainerState | None, loaded: str, action: str, reason: str | None) -> None:
    outcome = plan_container(_SPEC, "i", current, loaded)
    assert (outcome.action, outcome.reasons) == (action, [reason] if reason else [])
    assert outcome.changed == (action != "none")
    assert bool(outcome.after) == outcome.changed


def test_a_replacement_shows_each_option_that_differs() -> None:
    current = _state(dataclasses.replace(_SPEC, pid_mode="host", env={"A": "1"}))
    outcome = plan_container(_SPEC, "i", current, "new")
    assert outcome.reasons == ['env: {"A": "1"} -> none', "pid_mode: host -> none"]
    assert (outcome.before, outcome.after) == ({"env": {"A": "1"}, "pid_mode": "host"}, {"env": {}, "pid_mode": ""})


@pytest.mark.parametrize(
    ("current", "loaded", "action", "other"),
    [
        (_state(), "new", "update", []),
        (_state(), "old", "reload", ["its configuration changed"]),
        (_state(running=False, status="exited"), "new", "start", ["it is exited (exit code 0)"]),
        (_state(image_id="j"), "new", "replace", ["image: j -> i"]),
    ],
)
def test_limits_are_put_right_beside_what_else_is_done(current: ContainerState, loaded: str, action: str, other: list[str]) -> None:
    outcome = plan_container(_SPEC, "i", current, loaded, limits=[Difference("memory", "2g", "1g")])
    assert (outcome.action, outcome.reasons) == (action, [*other, "memory: 1g -> 2g"])
    assert (outcome.before["memory"], outcome.after["memory"]) == ("1g", "2g")


def test_a_container_that_an_earlier_release_made_with_a_limit_is_not_replaced() -> None:
    """Limits were a part of what was kept of its specification."""
    label = json.dumps({**_SPEC.compared(), "memory": "1g"})
    labels = {specs.LABEL_SPEC: label, specs.LABEL_RELOAD: "new"}
    assert plan_container(_SPEC, "i", _state(labels=labels), "new").action == "none"


_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["0:0", "1:1"]),
        "env": st.dictionaries(st.sampled_from("AB"), st.integers() | st.text(max_size=2), max_size=2),
        "pid_mode": st.sampled_from(["", "host"]),
        "read_only": st.booleans(),
        "config_digest": st.sampled_from(["", "x"]),
    },
)


@given(_OPTIONS, _OPTIONS)
def test_a_container_is_replaced_if_and_only_if_it_differs(one: dict[str, t.Any], other: dict[str, t.Any]) -> None:
    wanted, there = dataclasses.replace(_SPEC, **one), dataclasses.replace(_SPEC, **other)
    outcome = plan_container(wanted, "i", _state(there), "new")
    assert outcome.action == ("none" if wanted.compared() == there.compared() else "replace")
    assert plan_container(wanted, "i", _state(wanted), "new").action == "none"


_JOB = JobSpec(name="sync", service="x", container=_SPEC, database="d", triggers=["t"])


@pytest.mark.parametrize(
    ("done", "created", "reasons"),
    [
        (None, [], ["it never ran"]),
        (None, ["d"], ["it never ran"]),
        (_JOB.marker("i"), [], []),
        (_JOB.marker("i"), ["other"], []),
        (_JOB.marker("i"), ["d"], ["database d is new"]),
        (_JOB.marker("j"), [], ["image changed"]),
        (dataclasses.replace(_JOB, triggers=[]).marker("j"), [], ["image changed", "triggers changed"]),
        ({}, [], ["image changed", "command changed", "triggers changed"]),
    ],
)
def test_a_job_runs_for_a_reason(done: dict[str, t.Any] | None, created: list[str], reasons: list[str]) -> None:
    outcome = plan_job(_JOB, "i", done, created)
    assert outcome.reasons == reasons
    assert outcome.action == ("run" if reasons else "none")


def test_a_report_says_what_was_done_what_is_awaited_and_what_failed() -> None:
    outcomes = [
        Outcome("db", "container", "x", state="done"),
        Outcome("api", "container", "x", "replace", ["image: i -> j"], {"env": "secret"}, {"env": "secret"}, "waiting", "5 s"),
        Outcome("sync", "job", "x", "run", ["it never ran"], state="failed", detail="exit code 1"),
        Outcome("start", "job", "y", state="blocked"),
    ]
    result, failure = report(outcomes)
    assert (result["changed"], result["waiting"]) == (True, ["api", "start"])
    assert [item["name"] for item in result["outcomes"]] == ["db", "api", "sync", "start"]
    # both sides may hold secrets
    assert "secret" not in str(result)
    assert result["outcomes"][1]["reasons"] == ["image: i -> j"]
    assert failure == "1 of 4 containers and jobs failed:\n  - job sync of service x: exit code 1"


def test_a_report_without_a_failure_has_none() -> None:
    assert report([Outcome("db", "container", "x", state="done")])[1] == ""
    assert report([]) == ({"changed": False, "outcomes": [], "waiting": []}, "")
