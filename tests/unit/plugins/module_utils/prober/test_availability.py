# SPDX-License-Identifier: Apache-2.0
"""Figures of what the prober kept."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.prober import availability
from ansible_collections.caisson.openstack.plugins.module_utils.prober.availability import Gap, Row, figures

START: Row = {"kind": "start", "begin": 100.0}


def row(second: int, what: str = "compute", kind: str = "read", **values: t.Any) -> Row:
    return {"second": second, "what": what, "kind": kind, "asked": 1, "failed": 0, "retried": 0, "slowest": 0.1, "error": "", **values}


def tick(begin: float, end: float) -> Row:
    return {"kind": "tick", "begin": begin, "end": end}


def gap(begin: float, end: float | None = None, what: str = "compute", kind: str = "read", lost: int = 2) -> Row:
    return {"kind": kind, "what": what, "begin": begin, **({} if end is None else {"end": end, "lost": lost})}


def test_reads_and_writes_of_an_api_add_up() -> None:
    rows = [
        row(100, asked=3, slowest=0.2),
        row(100, kind="write", asked=2, failed=1, retried=2, error="HTTP 503"),
        row(101, kind="write", asked=3, failed=1, retried=1, error="HTTP 500", slowest=0.5),
    ]
    api = figures(rows, 100, 110).apis["compute"]
    assert (api.asked, api.failed, api.retried, api.availability, api.slowest) == (8, 2, 3, 75.0, 0.5)
    assert api.error == "HTTP 503"


def test_what_lies_outside_does_not_count() -> None:
    found = figures([row(99), row(100), row(109), row(110)], 100.5, 110)
    # of the second in which it begins a part lies inside
    assert found.apis["compute"].asked == 2


def test_addresses_are_apart_from_apis() -> None:
    found = figures([row(100), row(100, "192.0.2.1", "ping", asked=50, failed=3)], 100, 110)
    assert list(found.apis) == ["compute"]
    assert [(ping.sent, ping.lost) for ping in found.pings.values()] == [(50, 3)]


def test_gaps_are_cut_to_the_time_and_the_longest_is_named() -> None:
    rows = [gap(90.0, 102.0), gap(103.0, 104.5), gap(99.0, 100.0), gap(109.0, 120.0), gap(120.0, 121.0), row(100)]
    api = figures(rows, 100, 110).apis["compute"]
    assert [(item.begin, item.end) for item in api.gaps] == [(100, 102.0), (103.0, 104.5), (109.0, 110)]
    assert api.longest_gap == 2.0


def test_a_gap_is_one_though_its_begin_was_told_before() -> None:
    rows = [gap(101.0), tick(100, 102), gap(101.0, 103.0), tick(102, 104)]
    assert figures(rows, 100, 110).apis["compute"].gaps == [Gap(begin=101.0, end=103.0, lost=2, kind="read")]


def test_a_gap_that_goes_on_lasts_as_long_as_somebody_looked() -> None:
    rows = [START, gap(101.0), tick(100, 102), tick(102, 105), START, tick(107, 109), row(108)]
    api = figures(rows, 100, 110).apis["compute"]
    assert [(item.begin, item.end) for item in api.gaps] == [(101.0, 105)]


def test_an_api_of_which_only_a_gap_is_known_was_not_available() -> None:
    found = figures([gap(90.0), tick(90, 130), gap(90.0, 131.0), gap(90.0, 131.0, "192.0.2.1", "ping")], 100, 110)
    assert (found.apis["compute"].availability, found.apis["compute"].longest_gap) == (0.0, 10)
    assert found.pings["192.0.2.1"].longest_gap == 10


def test_a_time_in_which_no_prober_ran_is_told() -> None:
    found = figures([tick(95, 101), tick(101, 104), tick(108, 120)], 100, 110)
    assert found.unwatched == 4.0
    assert "in 4 s of them no prober ran, and nothing is known about these" in availability.table(found)


def test_a_timeline_has_each_second_of_a_short_time() -> None:
    found = figures([row(100), row(102, asked=5, failed=2, slowest=0.7), row(102)], 100, 104)
    series = found.timeline["compute"]
    assert (found.step, series.asked, series.failed, series.slowest) == (1, [1, 0, 6, 0], [0, 0, 2, 0], [0.1, 0.0, 0.7, 0.0])


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="not after it begins"):
        figures([], 100, 100)


def test_lines_that_were_cut_off_are_left_out() -> None:
    lines = ["", json.dumps(START), '{"kind": "rea', "7", json.dumps(tick(1, 2))]
    assert list(availability.parse(lines)) == [START, tick(1, 2)]


def test_the_latest_prober_counts() -> None:
    assert availability.began([START, tick(100, 101), {"kind": "start", "begin": 200.0}]) == 200.0
    assert availability.began([]) is None


def test_people_are_told_the_same() -> None:
    rows = [
        row(100, asked=1000, failed=1, retried=2, slowest=0.31, error="HTTP 503"),
        gap(100.0, 100.5),
        row(100, "192.0.2.1", "ping", asked=50, failed=3),
        tick(100, 110),
    ]
    assert availability.table(figures(rows, 100, 110)) == [
        "10 s were measured",
        "compute    99.900 % of 1000 requests answered, 1 failed (HTTP 503), 2 needed a second try, longest gap 0.50 s, slowest 0.31 s",
        "192.0.2.1  3 of 50 pings lost, longest gap 0.00 s",
    ]


ROWS = st.lists(st.builds(row, st.integers(0, 5000), st.sampled_from(["compute", "image"]), failed=st.integers(0, 1)), max_size=40)
TIMES = st.floats(0, 5000, allow_nan=False)


@given(ROWS, TIMES, st.floats(0.001, 5000, allow_nan=False))
def test_a_timeline_has_all_answers_and_not_too_many_points(rows: list[Row], since: float, length: float) -> None:
    found = figures(rows, since, since + length)
    for what, series in found.timeline.items():
        assert len(series.asked) == len(series.failed) == len(series.slowest) <= availability.POINTS
        assert (sum(series.asked), sum(series.failed)) == (found.apis[what].asked, found.apis[what].failed)


@given(ROWS, st.integers(0, 5000), st.integers(1, 2500), st.integers(1, 2500))
def test_two_times_side_by_side_add_up(rows: list[Row], since: int, first: int, second: int) -> None:
    parts = [figures(rows, since, since + first), figures(rows, since + first, since + first + second)]
    whole = figures(rows, since, since + first + second)
    for what, api in whole.apis.items():
        assert api.asked == sum(part.apis[what].asked for part in parts if what in part.apis)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 50)), max_size=20), st.floats(0, 150), st.floats(0.1, 100))
def test_no_gap_leaves_the_time(gaps: list[tuple[float, float]], since: float, length: float) -> None:
    found = figures([gap(begin, begin + seconds) for begin, seconds in gaps], since, since + length)
    for api in found.apis.values():
        assert all(since <= item.begin <= item.end <= since + length for item in api.gaps)
        assert api.longest_gap <= length + 0.001
