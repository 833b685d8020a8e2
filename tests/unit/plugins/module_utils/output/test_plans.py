# SPDX-License-Identifier: Apache-2.0
"""Plans: read by people, kept as JSON, held against the world."""

from __future__ import annotations

import datetime
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.output import plans
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal

_NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
_REPLACE = {
    "kind": "container",
    "name": "glance_api",
    "action": "replace",
    "service": "glance",
    "reasons": ["memory: none -> 1g"],
    "impact": "requests fail for some seconds",
    "digest": "a",
}
_WRITE = {
    "kind": "file",
    "name": "glance_api/config/x.conf",
    "action": "write",
    "reasons": ["content"],
    "digest": "b",
    "diff": "-old\n+new",
}


def _plan(steps: list[dict[str, t.Any]] | None = None, catalog: t.Sequence[str] = (), hosts: t.Sequence[str] = ("c1",)) -> plans.Plan:
    return plans.make("caisson", {host: {"steps": steps or []} for host in hosts}, {"catalog": list(catalog)}, [], _NOW)


def test_nothing_to_change_is_one_line() -> None:
    plan = _plan(hosts=["c1", "c2"])
    assert plan.no_changes
    assert plans.summary(plan) == ["Plan: nothing to change on 2 hosts."]


def test_a_summary_says_what_why_and_what_users_notice() -> None:
    lines = plans.summary(_plan([_WRITE, _REPLACE]))
    assert lines[0] == "c1: 1 file to write, 1 container to replace"
    assert "           | -old" in lines
    assert any("glance_api" in line and "memory: none -> 1g" in line for line in lines)
    assert lines[-2:] == ["What users notice:", "  glance_api on c1: requests fail for some seconds"]
    assert "           | -old" not in plans.summary(_plan([_WRITE]), diff=False)


def test_what_is_of_no_host_is_shown_apart() -> None:
    lines = plans.summary(_plan(catalog=["service glance (image): it does not exist"]))
    assert lines[0] == "(cloud): 1 catalog to change"
    assert lines[-2:] == ["c1: nothing to change", "Users notice nothing."]


def test_a_plan_survives_being_kept() -> None:
    plan = _plan([_WRITE, _REPLACE], ["x"])
    assert plans.parse(plans.dump(plan), "caisson") == plan


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is not JSON"),
        ("[]", "not a plan of this version"),
        ('{"format": 99}', "not a plan of this version"),
        (plans.dump(_plan()).replace("caisson", "other"), "it is a plan of cloud 'other', not of 'caisson'"),
        ('{"format": 1, "cloud": "caisson"}', "edited or truncated"),
        ('{"format": 1, "cloud": "caisson", "hosts": {"c1": [{"kind": "x"}]}}', "edited or truncated"),
        ('{"format": 1, "cloud": "caisson", "hosts": {"c1": 5}}', "edited or truncated"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, fault: str) -> None:
    with pytest.raises(plans.PlanError, match=fault):
        plans.parse(text, "caisson")


@given(
    st.text()
    | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(str)
)
def test_nothing_but_a_plan_error_comes_of_any_text(text: str) -> None:
    with pytest.raises(plans.PlanError):
        plans.parse(text, "caisson")


@pytest.mark.parametrize(
    ("approved", "now", "fault"),
    [
        (_plan([_REPLACE]), _plan([_REPLACE]), None),
        (_plan([_REPLACE]), _plan(), "c1: container glance_api: planned was to replace it (memory: none -> 1g), now it would be nothing"),
        (_plan(), _plan([_WRITE]), "c1: file glance_api/config/x.conf: planned was nothing, now it would be to write it (content)"),
        # the same words for another content
        (_plan([_WRITE]), _plan([{**_WRITE, "digest": "c"}]), "planned was to write it (content), now it would be to write it (content)"),
        (_plan(hosts=["c1"]), _plan(hosts=["c1", "c2"]), "c2: is not in the plan"),
        (_plan(hosts=["c1", "c2"]), _plan(hosts=["c1"]), "c2: is in the plan, but not part of this run"),
        (_plan(catalog=["a"]), _plan(catalog=["b"]), "(cloud): catalog a: planned was to change it"),
    ],
)
def test_a_world_that_moved_is_told(approved: plans.Plan, now: plans.Plan, fault: str | None) -> None:
    found = plans.moved(approved, now)
    assert (fault is None and found == []) or (fault is not None and fault in found[0])


def test_the_time_of_a_plan_does_not_matter() -> None:
    later = plans.make("caisson", {"c1": {"steps": [_REPLACE]}}, {}, [], _NOW + datetime.timedelta(days=1))
    assert plans.moved(_plan([_REPLACE]), later) == []


def _journal(phase: journal.Phase = "rolled", revision: int = 7, cloud: str = "caisson", made: str = "20261121T140205") -> dict[str, t.Any]:
    """Return a copy of the journal, as a control host has it."""
    known = journal.Rollout(cloud=cloud, id=made, release_from="2026.1", release_to="2026.2", phase=phase, revision=revision)
    return journal.dump(known)


def test_no_other_change_is_made_while_a_rollout_is_open() -> None:
    plan = plans.make("caisson", {"c1": {"steps": [_REPLACE]}, "c2": {"steps": []}}, {}, [{}, _journal()], _NOW)
    assert plans.summary(plan)[0] == "The rollout 2026.1 -> 2026.2 is open (rolled)."
    assert plans.refusal(plan, finalizing=False).startswith(
        "the rollout 2026.1 -> 2026.2 is open (rolled): resume it with the playbook upgrade"
    )
    assert plans.refusal(plan, finalizing=True) == ""


@pytest.mark.parametrize(
    ("journals", "open_phase"),
    [
        ([], ""),
        # a control host was away when the rollout ended
        ([_journal("finalized", 9), _journal("rolled", 7), _journal("finalized", 9)], ""),
        ([_journal("rolled", 7), _journal("rolled_back", 9)], ""),
        # or for a whole rollout
        ([_journal("rolled", 99), _journal("finalized", 9, made="20261201T101010")], ""),
        # or while it went on
        ([_journal("expanded", 7), _journal("rolled", 8), _journal("expanded", 7)], "rolled"),
        ([_journal("finalized", 99), _journal("expanded", 2, made="20261201T101010")], "expanded"),
        # or lost its copy
        ([{}, _journal("rolled"), {}], "rolled"),
        ([{}, _journal("finalized"), {}], ""),
        # the hosts were those of another cloud
        ([_journal("rolled", cloud="other", made="20261201T101010"), _journal("finalized")], ""),
        ([_journal("finalized", cloud="other", made="20261201T101010"), _journal("rolled")], "rolled"),
    ],
)
def test_whether_a_rollout_is_open_is_what_the_newest_copy_of_all_control_hosts_says(journals: list[t.Any], open_phase: str) -> None:
    for copies in itertools.permutations(journals):
        plan = plans.make("caisson", {"c3": {"steps": [_REPLACE]}}, {}, copies, _NOW)
        assert plan.rollout == (f"rollout 2026.1 -> 2026.2 is open ({open_phase})" if open_phase else "")
        assert bool(plans.refusal(plan, finalizing=False)) is bool(open_phase)


def test_another_release_takes_a_rollout() -> None:
    plan = plans.make("caisson", {"c1": {"steps": [_REPLACE], "releases": [["2025.2", "2026.1"]]}}, {}, [], _NOW)
    assert "another release (2025.2 -> 2026.1): the playbook upgrade" in plans.refusal(plan, finalizing=False)
    assert plans.refusal(plan, finalizing=True) == ""


def test_an_ordinary_change_is_not_refused() -> None:
    assert plans.refusal(_plan([_WRITE, _REPLACE]), finalizing=False) == ""
