# SPDX-License-Identifier: Apache-2.0
"""The journal of a rollout: between which releases there is one, how it is kept, and who carries it on."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import LEASE, Holder, Rollout, RolloutError
from tests.unit.rollouts import BEGIN, CONTROL, a_rollout, event

LATER = dataclasses.replace(a_rollout(), id="20261201T101010")


def _holder(run: str = "mine", seen: float = BEGIN) -> Holder:
    return Holder(run=run, who="ada", where="desk", pid=4711, seen=seen)


def _held(run: str = "mine", **changes: t.Any) -> Rollout:
    return dataclasses.replace(a_rollout(), **{"holder": _holder(run), **changes})


# -- between which releases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2025.2", "2026.1"),
        ("2026.1", "2026.2"),
        ("2025.1", "2025.2"),
        ("2026.1", "2026.1"),
        # from one first release of a year to the next (SLURP)
        ("2025.1", "2026.1"),
    ],
)
def test_neighbours_and_first_releases_of_years_follow_each_other(before: str, after: str) -> None:
    assert journal.skew(before, after) == ""


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        ("2025.2", "2026.2", "2026.1"),
        ("2024.2", "2026.1", "2025.1"),
        ("2025.1", "2026.2", "2025.2"),
        ("2024.1", "2026.1", "2024.2"),
    ],
)
def test_a_release_between_is_named(before: str, after: str, between: str) -> None:
    assert journal.skew(before, after) == f"{before} cannot become {after} at once: upgrade to {between} first"
    assert journal.skew(before, between) == ""


@pytest.mark.parametrize(("before", "after"), [("2026.1", "2025.2"), ("2026.2", "2026.1"), ("2026.1", "2025.1")])
def test_an_older_release_is_refused(before: str, after: str) -> None:
    assert journal.skew(before, after).startswith(f"{after} is older than {before}; an upgrade is reverted with the playbook rollback")


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("zed", "2026.1", "cannot tell whether zed can become 2026.1"),
        ("2025.3", "2026.1", "cannot tell whether 2025.3 can become 2026.1"),
        ("", "2026.1", "cannot tell whether an unknown release can become 2026.1"),
        ("2026.1", "", "cannot tell whether 2026.1 can become an unknown release"),
        ("2026.1", "2026.2.1", "cannot tell whether 2026.1 can become 2026.2.1"),
    ],
)
def test_what_is_no_release_is_refused(before: str, after: str, error: str) -> None:
    assert journal.skew(before, after) == error


# -- how it is kept ---------------------------------------------------------------------------------------------


def test_a_journal_survives_being_kept() -> None:
    held = _held()
    assert journal.load(json.loads(json.dumps(journal.dump(held)))) == held


def test_an_empty_journal_is_none() -> None:
    assert journal.load({}) is None


def test_a_journal_of_another_form_is_refused() -> None:
    with pytest.raises(RolloutError, match="has format 3, this version of the collection writes 2"):
        journal.load({**journal.dump(a_rollout()), "format": 3})
    with pytest.raises(RolloutError, match="has format None"):
        journal.load({"id": "x"})


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ({"phase": "lost"}, "journal.phase: expected one of planned"),
        ({"updates": "none"}, "journal.updates: expected a list"),
        ({"id": None}, "journal.id: is required"),
        ({"more": 1}, "journal.more: unknown key"),
    ],
)
def test_a_damaged_journal_is_refused(damage: dict[str, t.Any], error: str) -> None:
    with pytest.raises(RolloutError, match=f"the journal of a rollout was edited or truncated: {error}"):
        journal.load({**journal.dump(a_rollout()), **damage})


def test_the_copy_that_knows_most_counts() -> None:
    old, new = _held(id="20260101T000000", revision=90), _held(id="20260701T000000", revision=3)
    newer = dataclasses.replace(new, revision=4)
    assert journal.newest([new, None, newer, old]) is newer
    assert journal.newest([None, None]) is None


# -- who carries it on ------------------------------------------------------------------------------------------


def test_a_new_plan_is_begun() -> None:
    for current in (None, _held("other", phase="finalized"), _held("other", phase="rolled_back")):
        begun = journal.claim(current, LATER, _holder(), gone=False)
        assert begun.holder == _holder()
        assert dataclasses.replace(begun, holder=None, revision=0) == dataclasses.replace(LATER, revision=0)


@pytest.mark.parametrize("holder", [None, _holder("mine", BEGIN - 5)])
def test_a_rollout_that_nobody_else_holds_is_gone_on_with(holder: Holder | None) -> None:
    current = _held(holder=holder)
    claimed = journal.claim(current, None, _holder(), gone=False)
    assert (claimed.holder, claimed.revision) == (_holder(), current.revision + 1)
    assert claimed.events == current.events


def test_a_rollout_that_another_run_holds_is_refused_and_says_whose_it_is() -> None:
    current = _held(holder=Holder(run="other", who="bob", where="attic", pid=42, seen=BEGIN - 77))
    for wanted in (None, a_rollout(), LATER):
        with pytest.raises(RolloutError, match=r"bob on attic \(pid 42\) holds the lock of .* 2025.2 -> 2026.1 and was last seen 77 s ago"):
            journal.claim(current, wanted, _holder(), gone=False)


def test_the_place_of_a_run_that_is_gone_is_taken() -> None:
    assert journal.claim(_held("other"), None, _holder(), gone=True).holder == _holder()


def test_the_place_of_a_run_that_was_not_heard_of_is_taken_when_its_lease_is_over() -> None:
    current = _held("other")
    with pytest.raises(RolloutError, match="holds the lock"):
        journal.claim(current, None, _holder(seen=BEGIN + LEASE - 1), gone=False)
    assert journal.claim(current, None, _holder(seen=BEGIN + LEASE), gone=False).holder == _holder(seen=BEGIN + LEASE)


def test_a_new_plan_is_refused_while_a_rollout_is_open() -> None:
    with pytest.raises(RolloutError, match=r"2025.2 -> 2026.1 is open \(rolled\): close it with the playbook finalize or rollback"):
        journal.claim(_held(phase="rolled"), LATER, _holder(), gone=False)


def test_what_is_planned_must_be_later_than_what_has_ended() -> None:
    # another run has ended it since, or the clock is slow
    for made in (a_rollout().id, "20260101T000000"):
        with pytest.raises(RolloutError, match=r"20261121-140200 has ended \(finalized\), and this one, .* is not later"):
            journal.claim(_held(phase="finalized"), dataclasses.replace(LATER, id=made), _holder(), gone=False)


@pytest.mark.parametrize("current", [None, _held(phase="finalized"), _held(phase="rolled_back")])
def test_there_must_be_something_to_go_on_with(current: Rollout | None) -> None:
    with pytest.raises(RolloutError, match="there is no open rollout"):
        journal.claim(current, None, _holder(), gone=False)


# -- what is noted ----------------------------------------------------------------------------------------------


def test_events_are_appended_and_renew_the_lease() -> None:
    happened = event(9, "rolled", "begun", "control-1", "api")
    noted = journal.note(_held(), "mine", BEGIN + 9, happened)
    assert noted.events == [*a_rollout().events, happened]
    assert (noted.phase, noted.revision, noted.holder) == ("verified", a_rollout().revision + 1, _holder(seen=BEGIN + 9))


def test_a_phase_is_reached() -> None:
    noted = journal.note(_held(), "mine", BEGIN, phase="finalizing")
    assert (noted.phase, noted.events) == ("finalizing", a_rollout().events)


def _updated() -> Rollout:
    """Return a rollout all of whose steps are done."""
    current = _held()
    steps = [(host, tier) for tier in current.tiers() for host in current.hosts(tier)]
    return dataclasses.replace(current, events=[event(1, "roll", "done", host, tier) for host, tier in steps])


@pytest.mark.parametrize("phase", ["rolled", "verified"])
def test_all_hosts_have_to_be_updated_before_it_is_said(phase: t.Any) -> None:
    expanded = dataclasses.replace(_updated(), phase="expanded")
    assert journal.note(expanded, "mine", BEGIN, phase=phase).phase == phase
    back = journal.note(expanded, "mine", BEGIN, event(2, "roll", "reverted", "control-2", "api"))
    with pytest.raises(RolloutError, match=r"not all containers are updated: api on control-2; run the playbook upgrade again$"):
        journal.note(back, "mine", BEGIN, phase=phase)


@pytest.mark.parametrize("phase", ["rolled", "verified"])
@pytest.mark.parametrize(("state", "after"), [("begun", "expanded"), ("failed", "expanded"), ("reverted", "expanded"), ("done", "")])
def test_a_step_that_is_not_done_any_more_takes_back_that_all_hosts_are_updated(phase: t.Any, state: t.Any, after: str) -> None:
    updated = dataclasses.replace(_updated(), phase=phase)
    noted = journal.note(updated, "mine", BEGIN, event(2, "roll", state, "control-2", "api"))
    assert noted.phase == (after or phase)
    # what is not of a step says nothing about hosts
    assert journal.note(updated, "mine", BEGIN, event(2, "expanded", "begun")).phase == phase
    # and a step back is one of its own
    assert journal.note(updated, "mine", BEGIN, event(2, "rolling_back", "reverted", "control-2", "api")).phase == phase


@pytest.mark.parametrize(("holder", "who"), [(_holder("other"), "ada on desk"), (None, "nobody")])
def test_a_run_that_lost_its_place_stops(holder: Holder | None, who: str) -> None:
    with pytest.raises(RolloutError, match=f"the rollout was taken over by {who}; this run stops"):
        journal.note(_held(holder=holder), "mine", BEGIN, phase="rolled")


def test_nothing_can_be_noted_without_a_rollout() -> None:
    with pytest.raises(RolloutError, match="there is no open rollout"):
        journal.note(None, "mine", BEGIN)


def test_only_its_holder_releases_a_rollout() -> None:
    held = _held()
    freed = journal.release(held, "mine")
    assert (freed.holder, freed.revision) == (None, held.revision + 1)
    assert journal.release(held, "other") is held
    assert journal.release(freed, "mine") is freed


def test_the_last_state_of_a_step_counts() -> None:
    current = a_rollout()
    assert journal.unfinished(current) == []  # compute-2 at the second try
    for state in ("begun", "failed", "reverted"):
        again = dataclasses.replace(current, events=[*current.events, event(1, "roll", state, "compute-2", "compute")])
        assert journal.unfinished(again) == [("compute", "compute-2")]
    # what is of the way back is no step of the rollout
    back = dataclasses.replace(current, events=[*current.events, event(1, "rolling_back", "reverted", "compute-2", "compute")])
    assert journal.unfinished(back) == []


def test_steps_that_are_not_done_come_in_the_order_of_the_rollout() -> None:
    current = dataclasses.replace(a_rollout(), updates=a_rollout().updates[::-1], events=[event(1, "roll", "done", "compute-1", "compute")])
    assert journal.unfinished(current)[:2] == [("switch", "compute-2"), ("switch", "compute-1")]
    assert journal.unfinished(current)[-1] == ("compute", "compute-2")


# -- in which order ---------------------------------------------------------------------------------------------


def test_tiers_come_in_the_order_of_a_rollout_whatever_the_order_of_moves() -> None:
    current = dataclasses.replace(a_rollout(), updates=a_rollout().updates[::-1])
    assert current.tiers() == ["switch", "ovn", "backend", "identity", "conductor", "worker", "api", "compute"]


def test_hosts_of_a_tier_are_named_once_in_the_order_of_moves() -> None:
    current = a_rollout()
    assert current.hosts("backend") == list(CONTROL)
    assert current.hosts("compute") == ["compute-1", "compute-2"]
    assert current.hosts("network") == []


@pytest.mark.parametrize(("phase", "is_open"), [("planned", True), ("rolling_back", True), ("finalized", False), ("rolled_back", False)])
def test_a_rollout_is_open_until_it_has_ended(phase: t.Any, is_open: bool) -> None:
    assert _held(phase=phase).open is is_open
