# SPDX-License-Identifier: Apache-2.0
"""Order of work, and work side by side."""

from __future__ import annotations

import threading
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.common import graph


@st.composite
def _acyclic(draw: st.DrawFn) -> dict[str, list[str]]:
    """Draw dependencies in which each item depends only on items of lower number, listed in any order."""
    count = draw(st.integers(0, 7))
    dependencies = {f"i{item}": [f"i{other}" for other in range(item) if draw(st.booleans())] for item in range(count)}
    return {name: dependencies[name] for name in draw(st.permutations(list(dependencies)))}


@given(_acyclic())
def test_order_has_every_item_once_after_its_dependencies(dependencies: dict[str, list[str]]) -> None:
    found = graph.order(dependencies)
    assert sorted(found) == sorted(dependencies)
    assert all(found.index(other) < found.index(item) for item, others in dependencies.items() for other in others)


def test_what_is_not_there_is_not_waited_for() -> None:
    assert graph.order({"a": ["elsewhere"]}) == ["a"]


@pytest.mark.parametrize(
    ("dependencies", "words"),
    [({"a": ["a"]}, "a -> a"), ({"a": ["b"], "b": ["c"], "c": ["b"]}, "b -> c -> b")],
)
def test_a_circle_is_named(dependencies: dict[str, list[str]], words: str) -> None:
    with pytest.raises(graph.CycleError, match=words):
        graph.order(dependencies)


@given(_acyclic(), st.integers(1, 4), st.data())
def test_run_does_what_can_be_done_and_nothing_else(dependencies: dict[str, list[str]], parallel: int, data: st.DataObject) -> None:
    failing = {item for item in dependencies if data.draw(st.integers(0, 4), item) == 0}
    lock, started, done = threading.Lock(), list[str](), set[str]()
    active = peak = 0

    def work(item: str) -> bool:
        nonlocal active, peak
        with lock:
            assert all(other in done for other in dependencies[item])
            started.append(item)
            active += 1
            peak = max(peak, active)
        with lock:
            active -= 1
            if item not in failing:
                done.add(item)
        return item not in failing

    graph.run(dependencies, work, parallel)

    def reachable(item: str) -> bool:
        return all(other not in failing and reachable(other) for other in dependencies[item])

    assert sorted(started) == sorted(item for item in dependencies if reachable(item))
    assert peak <= parallel


def test_what_cannot_be_done_yet_is_done_when_another_has_ended() -> None:
    tried, done = list[str](), set[str]()

    def work(item: str) -> bool | None:
        tried.append(item)
        if item == "a" and "c" not in done:
            return None
        done.add(item)
        return item != "b"

    graph.run({"a": [], "b": [], "c": [], "d": ["a"]}, work, 1)
    assert (tried[0], tried[-1], tried.count("b"), tried.count("a") > 1) == ("a", "d", 1, True)
    assert done == {"a", "b", "c", "d"}


def test_what_ended_while_an_item_was_tried_counts() -> None:
    """It would else wait for an end that does not come."""
    looked, ended = threading.Event(), threading.Event()
    tried: list[str] = []

    def work(item: str) -> bool | None:
        if item == "b":
            assert looked.wait(10)
            threading.Timer(0.05, ended.set).start()
            return True
        tried.append(item)
        looked.set()
        assert ended.wait(10)
        return True if len(tried) > 1 else None

    graph.run({"a": [], "b": []}, work, 2)
    assert tried == ["a", "a"]


def test_what_can_never_be_done_is_not_tried_for_ever() -> None:
    tried: list[str] = []

    def work(item: str) -> bool | None:
        tried.append(item)
        return None if item == "a" else True

    graph.run({"a": [], "b": [], "c": ["a"]}, work, 2)
    assert (tried.count("a") <= 3, tried.count("b"), "c" in tried) == (True, 1, False)


def test_independent_work_runs_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=10)
    graph.run({"a": [], "b": [], "c": []}, lambda _item: barrier.wait() >= 0, 3)


def test_an_exception_comes_out() -> None:
    def work(_item: str) -> t.NoReturn:
        raise KeyError("x")

    with pytest.raises(KeyError):
        graph.run({"a": []}, work, 1)
