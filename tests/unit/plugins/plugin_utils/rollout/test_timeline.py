# SPDX-License-Identifier: Apache-2.0
"""Steps follow from events, and their drawing stays on its sheet."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import TIERS
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Event, Rollout
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import timeline as timelines
from tests.unit.rollouts import BEGIN, a_rollout, event, figures

DAY = 86400.0


def rollout(*events: Event) -> Rollout:
    return Rollout(cloud="c", id="1", release_from="a", release_to="b", events=list(events))


def drawing(*events: Event, **figures: t.Any) -> timelines.Timeline:
    found = timelines.timeline(rollout(*events), figures)
    assert found
    return found


def bars(found: timelines.Timeline) -> list[timelines.Bar]:
    """Return the bars of all steps."""
    return [item for group in found.groups if group.kind == "steps" for row in group.rows for item in row.bars]


def told(*states: tuple[float, str], phase: str = "rolled") -> list[tuple[float, float, str, bool]]:
    """Return the steps of one host of which these states are known, with seconds since the begin."""
    found = timelines.steps(event(at, phase, t.cast(t.Any, state), "h", "api") for at, state in states)
    return [(step.begun - BEGIN, step.ended - BEGIN, step.outcome, step.failed) for step in found]


def test_a_step_lasts_from_its_begin_to_its_end() -> None:
    assert told((3, "begun"), (9, "done")) == [(3, 9, "done", False)]


def test_what_is_put_back_is_one_step_that_failed() -> None:
    assert told((3, "begun"), (9, "failed"), (12, "reverted")) == [(3, 12, "failed, restored", True)]
    assert told((3, "begun"), (12, "reverted")) == [(3, 12, "failed, restored", True)]


def test_putting_back_is_no_failure_on_the_way_back() -> None:
    assert told((3, "begun"), (12, "reverted"), phase="rolling_back") == [(3, 12, "restored", False)]


def test_a_second_try_is_a_step_of_its_own() -> None:
    assert told((0, "begun"), (1, "failed"), (5, "begun"), (7, "done")) == [(0, 1, "failed", True), (5, 7, "done", False)]


def test_what_never_ended_lasts_to_the_last_event_before_it_was_begun_anew() -> None:
    other = event(4, "rolled", "done", "other", "api")
    found = timelines.steps([event(0, "rolled", "begun", "h", "api"), other, event(90, "rolled", "begun", "h", "api")])
    assert [(step.begun - BEGIN, step.ended - BEGIN, step.outcome) for step in found if step.host == "h"] == [
        (0, 4, "not ended"),
        (90, 90, "not ended"),
    ]


def test_a_phase_of_the_cloud_that_never_ended_ends_before_the_next() -> None:
    events = [event(0, "verified", "begun"), event(1, "roll", "begun", "h", "api"), event(5, "rolling_back", "done")]
    found = timelines.steps([*events, event(90, "rolled_back", "done")])
    assert [(step.phase, step.ended - BEGIN) for step in found] == [("verified", 1), ("roll", 90), ("rolling_back", 5), ("rolled_back", 90)]
    assert found[0].outcome == "not ended"


def test_the_detail_is_what_failed_not_what_was_done_about_it() -> None:
    events = [event(0, "rolled", "begun", detail="a"), event(1, "rolled", "failed", detail="b"), event(2, "rolled", "reverted", detail="c")]
    assert [step.detail for step in timelines.steps(events)] == ["b"]


def test_order_of_events_does_not_matter() -> None:
    events = a_rollout().events
    assert sorted(map(repr, timelines.steps(reversed(events)))) == sorted(map(repr, timelines.steps(events)))


def test_time_that_is_covered_twice_counts_once() -> None:
    assert timelines.covered([(0, 4), (2, 5), (8, 9)]) == 6


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.42, "0.4 s"), (10, "10 s"), (59.7, "1 min"), (542, "9 min 2 s"), (3900, "1 h 5 min"), (2 * DAY + 10805, "2 d 3 h")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert timelines.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(100, "100.00 %"), (99.9999, "> 99.99 %"), (99.987, "99.99 %"), (0, "0.00 %")])
def test_only_all_is_a_hundred_percent(value: float, text: str) -> None:
    assert timelines.percent(value) == text


def test_nothing_is_drawn_of_nothing() -> None:
    assert timelines.timeline(rollout(), {}) is None


def test_rows_are_the_cloud_and_all_hosts_that_have_moves() -> None:
    made = a_rollout()
    made.events = made.events[:2]
    (group,) = t.cast(timelines.Timeline, timelines.timeline(made, {})).groups
    assert [row.name for row in group.rows] == ["cloud", "control-1", "control-2", "control-3", "compute-1", "compute-2"]


@pytest.mark.parametrize(
    ("name", "note", "label"),
    [
        ("control-1", "", "control-1"),
        ("a-host-of-the-seventh-rack-017", "", "a-host-of-t…h-rack-017"),
        ("compute-017.rack-3.example.org", "", "compute-017"),
        ("2001:db8:2f:41::1:207", "999 lost", "2001:db…:1:207"),
    ],
)
def test_long_names_keep_their_end(name: str, note: str, label: str) -> None:
    assert timelines.Row(name, 0, 1, note).label == label


def test_a_rest_of_days_is_cut_short() -> None:
    steps = [event(0, "rolled", "begun"), event(100, "rolled", "done"), event(3 * DAY, "finalizing", "begun")]
    found = drawing(*steps, event(3 * DAY + 100, "finalizing", "done"))
    assert [bar.label for bar in found.pauses] == ["2 d 23 h"]
    assert all(bar.width > timelines.WIDTH / 3 for bar in bars(found))
    assert [tick.date for tick in found.ticks if tick.date] == ["21 Nov", "24 Nov"]


def test_a_failure_is_labelled_even_if_its_bar_is_narrow() -> None:
    found = drawing(
        event(0, "rolled", "begun"), event(900, "rolled", "done"), event(901, "verified", "begun"), event(902, "verified", "failed")
    )
    failed = bars(found)[1]
    assert (failed.state, failed.label, failed.anchor) == ("failed", "verified failed", "end")


def test_a_failure_that_fills_the_drawing_is_labelled_too() -> None:
    (failed,) = bars(drawing(event(0, "rolled", "begun"), event(900, "rolled", "failed")))
    assert (failed.label, failed.anchor) == ("rolled failed", "middle")


def test_a_strip_is_as_high_as_the_part_that_failed() -> None:
    api = {"name": "a", "asked": 20, "failed": 5, "availability": 75.0}
    api["timeline"] = [{"at": BEGIN, "asked": 10, "failed": 5}, {"at": BEGIN + 10, "asked": 10, "failed": 0}]
    found = drawing(event(0, "rolled", "begun"), event(100, "rolled", "done"), since=BEGIN, until=BEGIN + 20, apis=[api], pings=[])
    (row,) = found.groups[1].rows
    (bar,) = row.bars
    assert (bar.height, bar.y + bar.height) == (timelines.STRIP / 2, row.y + timelines.STRIP)
    assert bar.width == pytest.approx(bars(found)[0].width / 10, abs=0.2)


def test_a_gap_of_pings_stands_below_the_step_that_made_it() -> None:
    ping = {"address": "x", "sent": 9, "lost": 2, "gaps": [{"at": BEGIN + 20, "seconds": 10, "lost": 2}]}
    steps = [event(20, "rolled", "begun"), event(30, "rolled", "done"), event(40, "verified", "begun"), event(100, "verified", "done")]
    found = drawing(*steps, since=BEGIN, until=BEGIN + 100, apis=[], pings=[ping])
    gap = found.groups[1].rows[0].bars[0]
    assert (gap.x, gap.width) == (bars(found)[0].x, bars(found)[0].width)


_TIMES = st.floats(0, 20 * DAY).map(lambda seconds: BEGIN + seconds)
_EVENTS = st.lists(
    st.builds(
        Event,
        at=_TIMES,
        phase=st.sampled_from(["roll", "rolled", "rolling_back", "verified"]),
        state=st.sampled_from(["begun", "done", "failed", "reverted"]),
        host=st.sampled_from(["", "a", "b", "c"]),
        tier=st.sampled_from(["", *TIERS, "other"]),
    ),
    min_size=1,
    max_size=60,
)
_GAPS = st.lists(st.builds(lambda at, seconds: {"at": at, "seconds": seconds, "lost": 1}, _TIMES, st.floats(0, 90)), max_size=5)


@given(_EVENTS, _GAPS)
def test_the_drawing_stays_on_its_sheet(events: list[Event], gaps: list[dict[str, t.Any]]) -> None:
    ping = {"address": "x", "sent": 9, "lost": len(gaps), "gaps": gaps}
    found = drawing(*events, since=BEGIN - 50, until=BEGIN + 20 * DAY, apis=[], pings=[ping])
    assert len(bars(found)) == len(timelines.steps(events))
    for row in (row for group in found.groups for row in group.rows):
        for bar in [*row.bars, *([row.base] if row.base else [])]:
            assert 0 <= bar.x < bar.x + bar.width <= timelines.WIDTH + 0.2
            assert row.y <= bar.y < bar.y + bar.height <= row.y + row.height <= found.height
            assert 0 <= bar.label_x <= timelines.WIDTH
        for one, other in itertools.pairwise(sorted(row.bars, key=lambda bar: (bar.y, bar.x)) if not row.base else []):
            assert one.y != other.y or one.x + one.width <= other.x + 2.1
    assert all(-0.1 <= tick.x <= timelines.WIDTH + 0.1 for tick in found.ticks)
    assert all(other.x - one.x > 40 for one, other in itertools.pairwise(found.ticks))


@given(st.lists(st.tuples(_TIMES, st.floats(0, 3600)).map(lambda pair: (pair[0], sum(pair))), min_size=1), st.lists(_TIMES, min_size=2))
def test_later_is_further_to_the_right(busy: list[tuple[float, float]], times: list[float]) -> None:
    scale = timelines.Scale(busy)
    pixels = [scale(at) for at in sorted(times)]
    assert all(one <= other + 1e-6 for one, other in itertools.pairwise(pixels))


def test_rows_of_all_kinds_are_below_each_other() -> None:
    found = t.cast(timelines.Timeline, timelines.timeline(a_rollout(), figures()))
    rows = [row for group in found.groups for row in group.rows]
    assert [group.kind for group in found.groups] == ["steps", "apis", "pings"]
    assert all(one.y + one.height <= other.y for one, other in itertools.pairwise(rows))
