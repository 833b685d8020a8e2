# SPDX-License-Identifier: Apache-2.0
"""Polling, with a clock that advances only while somebody sleeps."""

from __future__ import annotations

import types

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import wait


class Clock:
    """Counts the seconds that were slept. A fake."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(wait, "time", types.SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("true_at", "timeout", "found", "slept"), [(0, 10, True, 0), (5, 10, True, 6), (10, 10, True, 10), (11, 10, False, 10)]
)
def test_the_condition_is_polled_until_it_is_true_or_the_time_is_over(
    clock: Clock, true_at: float, timeout: float, found: bool, slept: float
) -> None:
    assert wait.wait_until(lambda: clock.now >= true_at, timeout, 3) == found
    assert clock.now == slept


def test_the_value_of_the_condition_is_returned(clock: Clock) -> None:
    assert wait.wait_until(lambda: ["what was found"], 10, 1) == ["what was found"]
    assert wait.wait_until(list, 2, 1) == []


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_time_the_condition_is_checked_once(clock: Clock, timeout: float) -> None:
    calls = []
    wait.wait_until(lambda: calls.append(1), timeout, 1)
    assert (len(calls), clock.now) == (1, 0)
