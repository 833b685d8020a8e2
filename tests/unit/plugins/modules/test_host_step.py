# SPDX-License-Identifier: Apache-2.0
"""Which containers of a host are steady, against an engine that says what it is told to. A fake; for a real one see tests/integration."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.modules import host_step
from tests.unit.builders import a_state

NOW = a_state().started + 60


class Host:
    """Containers that change as time passes, which it does while somebody sleeps. A fake."""

    def __init__(self, directory: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.found = {"api": a_state(), "rpc": a_state("rpc")}
        #: What containers become, by the seconds after which.
        self.later: dict[float, ContainerState] = {}
        clock = types.SimpleNamespace(monotonic=lambda: self.seconds, time=lambda: NOW + self.seconds, sleep=self._sleep)
        monkeypatch.setattr(host_step, "time", clock)
        self.path = directory / "state.json"
        monkeypatch.setattr(host_step, "StateFile", lambda: StateFile(str(self.path)))

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

    def step(self, *only: str, **params: int) -> host_step.Step:
        """Return a step for containers that are what they should be."""
        values: dict[str, t.Any] = {"cloud": "example", "rollout": "r1", "only": only, "root": "/nowhere", "files": ""}
        values |= {"containers": [], "jobs": [], "patience": 0, "elapsed": 0, "parallel": 1, "soak": 0, "uptime": 0, **params}
        return host_step.Step(t.cast(Engine, self), values, check_mode=False)

    def roll(self, monkeypatch: pytest.MonkeyPatch, *only: str) -> None:
        """Take a step that has nothing to move."""
        with monkeypatch.context() as patch:
            patch.setattr(host_step.config_tree, "unpack", lambda _files: None)
            patch.setattr(host_step.config_tree, "select", lambda _wanted, _names: None)
            for name in ("apply", "plan"):
                patch.setattr(host_step.config_tree, name, lambda *_arguments: [])
            patch.setattr(host_step.config_tree, "digests", lambda _wanted, _written: {})
            self.step(*only).roll()


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


@pytest.mark.parametrize(("params", "seconds"), [({"uptime": 60}, 0), ({"uptime": 75}, 16), ({"soak": 5}, 6), ({}, 0)])
def test_what_is_steady_is_watched_only_as_long_as_has_to_be(host: Host, params: dict[str, int], seconds: float) -> None:
    assert host.step("api", "rpc", **params).watch() == {}
    assert host.seconds == seconds


def test_a_container_that_crashes_before_it_is_up_long_enough_is_found_at_once(host: Host) -> None:
    host.later = {8: a_state("rpc", restarts=1, started_at="2026-01-01T00:01:07Z")}
    assert host.step("api", "rpc", uptime=75).watch() == {"rpc": "rpc: restarted 1 times; its last output:\nthe last words of rpc"}
    assert host.seconds == 8


def test_a_restart_since_the_step_counts_however_long_ago(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.roll(monkeypatch, "api", "rpc")
    host.found["api"] = a_state(restarts=1)
    host.seconds = 3600
    assert list(host.step("api", "rpc", uptime=75).watch()) == ["api"]


def test_a_restart_before_the_end_of_the_step_does_not_count_nor_after_it_was_taken_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    # it came up at the second try
    host.found["api"] = a_state(restarts=1)
    host.roll(monkeypatch, "api")
    assert host.step("api", uptime=60).watch() == {}
    # the operator mended the cause of a crash and runs the rollout again: the step is taken anew
    host.found["api"] = a_state(restarts=2)
    assert list(host.step("api", uptime=60).watch()) == ["api"]
    host.roll(monkeypatch, "api")
    assert host.step("api", uptime=60).watch() == {}


def test_a_step_marks_its_own_containers_and_forgets_those_that_are_gone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.roll(monkeypatch, "api", "rpc")
    host.found = {"rpc": a_state("rpc", id="2"), "new": a_state("new", restarts=4)}
    host.roll(monkeypatch, "new")
    marks = {"rpc": {"id": "1", "restarts": 0}, "new": {"id": "1", "restarts": 4}}
    assert StateFile(str(host.path)).section("steps") == marks
    # somebody made another one of that name since
    assert list(host.step("rpc", "new").watch()) == ["rpc"]


def test_a_container_that_is_not_there_is_not_steady(host: Host) -> None:
    assert host.step("api", "gone", uptime=75).watch() == {"gone": "gone is not there"}
