# SPDX-License-Identifier: Apache-2.0
"""Which containers stay up after a step, and for how long they are watched, against a fake engine; for a real one see tests/integration."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import wait
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import soak
from tests.unit.builders import a_state

NOW = a_state().started + 60


@pytest.mark.parametrize(
    ("minimum", "uptime", "seconds"),
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
def test_containers_are_watched_until_they_are_up_long_enough(minimum: float, uptime: float, seconds: float) -> None:
    assert soak.duration([a_state()], minimum, uptime, NOW) == seconds


def test_the_youngest_container_counts() -> None:
    young = a_state(started_at="2026-01-01T00:00:50.123456789Z")
    assert soak.duration([a_state(), young], 0, 75, NOW) == pytest.approx(65.123456)
    assert soak.duration([], 0, 75, NOW) == 0


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
        ({"health": "unhealthy"}, True, "was healthy, is unhealthy now"),
        ({}, False, "was healthy, is unhealthy now"),
        ({"id": "2"}, True, "removed or replaced by something other than this rollout"),
    ],
)
def test_a_container_is_stable_unless_something_happened_since_its_baseline(changes: dict[str, t.Any], healthy: bool, why: str) -> None:
    before = soak.Baseline.of(a_state(restarts=1))
    assert soak.check(before, a_state(**{"restarts": 1, **changes}), lambda _state: healthy) == why


def test_a_container_that_was_reupdated_is_not_stable() -> None:
    assert soak.check(soak.Baseline.of(a_state()), None, _unasked) == "removed or replaced by something other than this rollout"


def test_the_health_check_of_a_stopped_container_is_not_run() -> None:
    assert soak.check(soak.Baseline.of(a_state()), a_state(running=False), _unasked)


def _unasked(_state: ContainerState) -> bool:
    raise AssertionError("it was asked")


class Host:
    """Containers that change as time passes, which it does while the code under test sleeps. A fake."""

    def __init__(self, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.found = {"api": a_state(), "rpc": a_state("rpc")}
        #: What containers become, by the seconds after which.
        self.later: dict[float, ContainerState] = {}
        clock = types.SimpleNamespace(monotonic=lambda: self.seconds, time=lambda: NOW + self.seconds, sleep=self._sleep)
        monkeypatch.setattr(soak, "time", clock)
        monkeypatch.setattr(wait, "time", clock)
        self.path = str(directory / "state.json")

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        for state in [self.later.pop(at) for at in sorted(self.later) if at <= self.seconds]:
            self.found[state.name] = state

    def containers(self, _labels: t.Sequence[str]) -> dict[str, ContainerState]:
        return dict(self.found)

    def container(self, name: str) -> ContainerState | None:
        return self.found.get(name)

    def logs(self, name: str) -> str:
        return f"the last words of {name}"

    def watch(self, *names: str, minimum: float = 0, uptime: float = 0) -> dict[str, str]:
        return soak.watch(t.cast(Engine, self), "example", names, StateFile(self.path), minimum, uptime)

    def end_step(self, *names: str) -> None:
        """Record the baselines of containers, as a step does at its end."""
        soak.keep_baselines(StateFile(self.path), self.found, names)


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


@pytest.mark.parametrize(("minimum", "uptime", "seconds"), [(0, 60, 0), (0, 75, 15), (5, 0, 5), (0, 0, 0)])
def test_stable_containers_are_watched_no_longer_than_needed(host: Host, minimum: float, uptime: float, seconds: float) -> None:
    assert host.watch("api", "rpc", minimum=minimum, uptime=uptime) == {}
    assert host.seconds == seconds


def test_a_crash_is_found_at_once(host: Host) -> None:
    host.later = {8: a_state("rpc", restarts=1, started_at="2026-01-01T00:01:07Z")}
    assert host.watch("api", "rpc", uptime=75) == {"rpc": "rpc: restarted 1 times; its last output:\nthe last words of rpc"}
    assert host.seconds == 8


def test_a_restart_since_the_step_counts_however_long_ago(host: Host) -> None:
    host.end_step("api", "rpc")
    host.found["api"] = a_state(restarts=1)
    host.seconds = 3600
    assert list(host.watch("api", "rpc", uptime=75)) == ["api"]


def test_a_restart_before_the_end_of_the_step_does_not_count_nor_after_the_step_was_repeated(host: Host) -> None:
    # it came up at the second try
    host.found["api"] = a_state(restarts=1)
    host.end_step("api")
    assert host.watch("api", uptime=60) == {}
    # the operator fixed the cause of a crash and runs the rollout again: the step is repeated
    host.found["api"] = a_state(restarts=2)
    assert list(host.watch("api", uptime=60)) == ["api"]
    host.end_step("api")
    assert host.watch("api", uptime=60) == {}


def test_baselines_of_reupdated_containers_are_dropped(host: Host) -> None:
    host.end_step("api", "rpc")
    host.found = {"rpc": a_state("rpc", id="2"), "new": a_state("new", restarts=4)}
    host.end_step("new")
    assert StateFile(host.path).section("steps") == {"rpc": {"id": "1", "restarts": 0}, "new": {"id": "1", "restarts": 4}}
    # something else has created another one of that name since
    assert list(host.watch("rpc", "new")) == ["rpc"]


def test_a_container_that_does_not_exist_is_not_stable(host: Host) -> None:
    assert host.watch("api", "gone", uptime=75) == {"gone": "gone: it does not exist"}
