# SPDX-License-Identifier: Apache-2.0
"""How long a rollout will take is what earlier ones have noted, carried from journal to journal."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.rollout import journal
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import DurationSample, Event, PlannedUpdate, Rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import estimate as rollout_estimate
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout.estimate import KEPT, Estimate, estimate, remembered, words
from tests.unit.rollouts import a_rollout, event

LAST = "2025.2 -> 2026.1 of 2026-11-21"


def _updates(**containers: tuple[str, list[str]]) -> list[PlannedUpdate]:
    """Return updates of containers, each with its tier and its hosts."""
    return [
        PlannedUpdate(host=host, tier=tier, container=name, service="s") for name, (tier, hosts) in containers.items() for host in hosts
    ]


def _journal(
    *events: Event, updates: t.Sequence[PlannedUpdate] = (), day: str = "20261121", durations: t.Sequence[DurationSample] = ()
) -> Rollout:
    values: dict[str, t.Any] = {"events": list(events), "updates": list(updates), "durations": list(durations)}
    return Rollout(cloud="c", id=f"{day}T140200", release_from="2025.2", release_to="2026.1", **values)


def _sample(container: str, seconds: float, rollout: str = LAST, phase: str = "roll") -> DurationSample:
    return DurationSample(phase=phase, container=container, seconds=seconds, rollout=rollout)


def _known(*events: Event, updates: t.Sequence[PlannedUpdate]) -> dict[str, float]:
    return {sample.container or sample.phase: sample.seconds for sample in remembered(_journal(*events, updates=updates))}


# -- what is remembered -------------------------------------------------------------------------------------------


def test_of_a_rollout_its_phases_and_what_each_container_took_on_a_host_are_remembered() -> None:
    found = {sample.container or sample.phase: sample.seconds for sample in remembered(a_rollout())}
    # what was restored does not count, its second try does
    expected = {"backed_up": 151, "expanded": 35, "verified": 92, "openvswitch": 6, "mariadb": 38, "rabbitmq": 38, "nova_compute": 46}
    assert {name: found.get(name) for name in expected} == expected
    assert {sample.rollout for sample in remembered(a_rollout())} == {LAST}


def test_hosts_that_took_unlike_long_count_as_their_mean() -> None:
    steps = [event(0, "roll", "begun", "a", "api"), event(90, "roll", "done", "a", "api")]
    steps += [event(100, "roll", "begun", "b", "api"), event(110, "roll", "done", "b", "api")]
    assert _known(*steps, updates=_updates(nova_api=("api", ["a", "b"]))) == {"nova_api": 50}


def test_a_step_that_was_looked_at_again_counts_once_with_the_time_that_it_took() -> None:
    steps = [event(0, "roll", "begun", "a", "api"), event(90, "roll", "done", "a", "api")]
    again = [event(100, "roll", "begun", "a", "api"), event(104, "roll", "done", "a", "api")]
    assert _known(*steps, *again, updates=_updates(nova_api=("api", ["a"]))) == {"nova_api": 90}


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [event(0, "roll", "begun", "a", "api")],
        [event(0, "roll", "begun", "a", "api"), event(9, "roll", "failed", "a", "api"), event(12, "roll", "reverted", "a", "api")],
        # the way back is no step of an upgrade
        [event(0, "rolling_back", "begun", "a", "api"), event(9, "rolling_back", "done", "a", "api")],
        # when it began was not noted
        [event(9, "verified", "done"), event(9, "expanded", "done")],
    ],
)
def test_what_was_not_done_or_not_timed_is_not_remembered(steps: list[Event]) -> None:
    assert _known(*steps, updates=_updates(nova_api=("api", ["a"]))) == {}


def test_what_the_last_rollout_did_not_move_is_still_known_from_those_before() -> None:
    durations = [_sample("nova_api", 7, "older"), _sample("horizon", 5, "older"), _sample("", 3, "older", phase="expanded")]
    steps = [event(0, "roll", "begun", "a", "api"), event(90, "roll", "done", "a", "api")]
    assert remembered(_journal(*steps, updates=_updates(nova_api=("api", ["a"])), durations=durations)) == [
        _sample("nova_api", 90),
        _sample("horizon", 5, "older"),
        _sample("", 3, "older", phase="expanded"),
    ]


def test_nothing_is_remembered_without_a_rollout_before() -> None:
    assert remembered(None) == []


@pytest.mark.parametrize("first", [range(KEPT + 50), range(0), range(40, 90)])
def test_a_journal_does_not_grow_from_rollout_to_rollout_and_keeps_the_newest(first: range) -> None:
    last = None
    for seconds, numbers in enumerate((range(30, 130), first, range(20, 60)), start=1):
        steps = [event(0, "roll", "begun", "a", "api"), event(seconds, "roll", "done", "a", "api")]
        last = _journal(*steps, updates=_updates(**{f"c{number}": ("api", ["a"]) for number in numbers}), durations=remembered(last))
    found = remembered(last)
    assert len(found) == len({sample.container for sample in found}) == KEPT
    assert [(sample.container, sample.seconds) for sample in found[:40]] == [(f"c{number}", 3) for number in range(20, 60)]
    assert sorted((sample.seconds for sample in found), reverse=True) == [sample.seconds for sample in found]


def test_a_journal_of_a_version_that_remembered_nothing_is_read() -> None:
    plain = journal.dump(a_rollout())
    del plain["durations"]
    assert journal.load(plain) == a_rollout()
    kept = dataclasses.replace(a_rollout(), durations=[_sample("nova_api", 7)])
    assert journal.load(json.loads(json.dumps(journal.dump(kept)))) == kept


# -- what is told -------------------------------------------------------------------------------------------------


def _plan(*durations: DurationSample, **containers: tuple[str, list[str]]) -> Rollout:
    return _journal(updates=_updates(**containers), durations=durations)


def test_hosts_move_one_after_the_other_and_containers_of_a_tier_together() -> None:
    durations = [_sample("nova_api", 30), _sample("glance_api", 20), _sample("nova_compute", 40)]
    plan = _plan(*durations, nova_api=("api", ["a", "b"]), glance_api=("api", ["a", "b", "c"]), nova_compute=("compute", ["d"]))
    assert estimate(plan, backup=True) == Estimate(seconds=30 + 30 + 20 + 40, rollouts=[LAST], guessed=[])


def test_phases_count_as_far_as_they_are_known_and_are_to_come() -> None:
    phases = [_sample("", seconds, phase=phase) for phase, seconds in (("backed_up", 1000), ("expanded", 200), ("verified", 30))]
    plan = _plan(_sample("nova_api", 4), *phases, nova_api=("api", ["a"]))
    for phase, backup, seconds in (("planned", True, 1234), ("planned", False, 234), ("backed_up", True, 234)):
        found = estimate(dataclasses.replace(plan, phase=t.cast(t.Any, phase)), backup)
        assert found
        assert found.seconds == seconds


def test_a_container_that_never_updated_counts_as_the_mean_of_the_others() -> None:
    durations = [_sample("nova_api", 30), _sample("horizon", 10, "older"), _sample("", 500, phase="finalized")]
    found = estimate(_plan(*durations, new=("network", ["a", "b"])), backup=False)
    assert found == Estimate(seconds=40, rollouts=[LAST, "older"], guessed=["new"])
    assert words(found) == (
        f"About 40 s, one host after the other, by the durations of earlier rollouts ({LAST}, older); "
        "containers never updated before count as the mean of the others: new."
    )


def test_only_what_is_left_of_an_open_rollout_counts() -> None:
    plan = _plan(_sample("nova_api", 30), nova_api=("api", ["a", "b"]))
    plan.events = [event(0, "roll", "begun", "a", "api"), event(3, "roll", "done", "a", "api"), event(4, "roll", "begun", "b", "api")]
    found = estimate(plan, backup=False)
    assert found
    assert found.seconds == 30


def test_only_rollouts_that_know_of_what_moves_are_named() -> None:
    found = estimate(_plan(_sample("nova_api", 30, "newer"), _sample("horizon", 10, "older"), horizon=("api", ["a"])), backup=False)
    assert found
    assert found.rollouts == ["older"]


def test_without_any_container_that_updated_before_nothing_is_told() -> None:
    found = estimate(_plan(_sample("", 30, phase="verified"), nova_api=("api", ["a"])), backup=True)
    assert found is None
    assert words(found) == "The duration is unknown: no earlier rollout has recorded it."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.3, "10 s"), (43, "40 s"), (119, "2 min"), (121, "2 min"), (307, "5 min"), (3 * 3600 + 310, "3 h 5 min")],
)
def test_it_is_said_no_more_exactly_than_it_is_known(seconds: float, text: str) -> None:
    assert words(Estimate(seconds=seconds, rollouts=["x"], guessed=[])).startswith(f"About {text}, one host")


def test_it_is_one_line_however_much_it_is_about() -> None:
    text = words(Estimate(seconds=1, rollouts=list("abcde"), guessed=list("uvwxyz")))
    assert "(a, b, c and 2 more); containers never updated before count as the mean of the others: u, v, w and 3 more." in text


def test_what_is_remembered_fits_what_is_asked() -> None:
    last = a_rollout()
    found = estimate(_journal(updates=last.updates, durations=rollout_estimate.remembered(last), day="20261201"), backup=True)
    assert found
    # all that it did but the host that was restored, without what lay between
    assert (round(found.seconds), found.guessed) == (151 + 35 + 92 + 5 * 6 + 5 * 9 + 3 * (38 + 24 + 17 + 15 + 33) + 2 * 46, [])
