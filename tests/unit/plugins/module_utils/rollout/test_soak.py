# SPDX-License-Identifier: Apache-2.0
"""Which containers count as steady after a step, and for how long they are watched."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import soak as steadiness
from tests.unit.builders import a_state

NOW = a_state().started + 60


@pytest.mark.parametrize(
    ("soak", "uptime", "seconds"),
    [
        # nobody waits for what is up long enough
        (0, 0, 0),
        (0, 60, 0),
        (0, 75, 15),
        # a soak is as long as it is, whatever was before
        (75, 0, 75),
        (10, 75, 15),
        (30, 75, 30),
    ],
)
def test_containers_are_watched_until_they_are_up_long_enough(soak: float, uptime: float, seconds: float) -> None:
    assert steadiness.remaining([a_state()], soak, uptime, NOW) == seconds


def test_the_youngest_container_counts() -> None:
    young = a_state(started_at="2026-01-01T00:00:50.123456789Z")
    assert steadiness.remaining([a_state(), young], 0, 75, NOW) == pytest.approx(65.123456)
    assert steadiness.remaining([], 0, 75, NOW) == 0


@pytest.mark.parametrize(
    ("changes", "healthy", "why"),
    [
        ({}, True, ""),
        # it was restarted before it got healthy, and was started by hand since
        ({"restarts": 1}, True, ""),
        ({"restarts": 0}, True, ""),
        ({"restarts": 3}, True, "restarted 2 times"),
        ({"restarts": 2, "running": False, "status": "restarting"}, True, "restarted 1 times"),
        ({"running": False, "status": "exited", "exit_code": 3}, True, "exited with exit code 3"),
        ({"health": "unhealthy"}, True, "healthy before, and not any more"),
        ({}, False, "healthy before, and not any more"),
        ({"id": "2"}, True, "removed or replaced by somebody else"),
    ],
)
def test_a_container_is_steady_unless_something_happened_since_its_mark(changes: dict[str, t.Any], healthy: bool, why: str) -> None:
    before = steadiness.mark(a_state(restarts=1))
    assert steadiness.fault(before, a_state(**{"restarts": 1, **changes}), lambda _state: healthy) == why


def test_a_container_that_is_gone_is_not_steady() -> None:
    assert steadiness.fault(steadiness.mark(a_state()), None, _unasked) == "removed or replaced by somebody else"


def test_what_does_not_run_is_not_asked_for_work() -> None:
    assert steadiness.fault(steadiness.mark(a_state()), a_state(running=False), _unasked)


def _unasked(_state: ContainerState) -> bool:
    raise AssertionError("it was asked")
