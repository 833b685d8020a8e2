# SPDX-License-Identifier: Apache-2.0
"""Several calls of one task against a fake engine, on which nothing gets healthy before it is told. A real one: tests/integration."""

from __future__ import annotations

import dataclasses
import pathlib
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from tests.unit.builders import a_state

NOW = "2026-01-01T00:00:00Z"


class Host:
    """A host on which containers are healthy once they are in *ready*, and jobs end at once. A fake."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.path = str(directory / "state.json")
        self.found: dict[str, ContainerState] = {}
        self.ready: set[str] = set()
        self.ran: list[str] = []

    def containers(self, _labels: t.Sequence[str]) -> dict[str, ContainerState]:
        return dict(self.found)

    def container(self, name: str) -> ContainerState | None:
        return self.found.get(name)

    def require_image(self, _reference: str) -> str:
        return "i"

    def refuse_foreign(self, name: str, cloud: str) -> None:
        pass

    def create(self, spec: ContainerSpec, image_id: str, _cloud: str) -> None:
        labels = {specs.LABEL_SPEC: spec.label()}
        state = a_state(spec.name, image_id=image_id, labels=labels, health="starting", pid=0, healthcheck=spec.healthcheck)
        self.found[spec.name] = dataclasses.replace(state, started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))

    def start(self, name: str) -> None:
        pass

    def exec(self, name: str, _command: list[str], **_options: t.Any) -> ExecResult:
        return ExecResult(int(name not in self.ready), "", "")

    def run_once(self, spec: ContainerSpec, *_args: t.Any, **_options: t.Any) -> ExecResult:
        self.ran.append(spec.name)
        return ExecResult(0, "", "")

    def call(
        self, *items: ContainerSpec | JobSpec, created: t.Sequence[str] = (), parallel: int = 8, **earlier: t.Any
    ) -> dict[str, Outcome]:
        """Return the outcomes of one call, which waits for nothing; *earlier* are ``starting`` and ``finished_jobs``."""
        converger = Converger(t.cast(Engine, self), "example", StateFile(self.path), check_mode=False, **earlier)
        containers = [item for item in items if isinstance(item, ContainerSpec)]
        jobs = [item for item in items if isinstance(item, JobSpec)]
        return {outcome.name: outcome for outcome in converger.converge(containers, jobs, created, parallel)}


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(Converger, "_drift", lambda *_args: [])
    return Host(tmp_path)


def _container(name: str, *after: str) -> ContainerSpec:
    return ContainerSpec(
        name=name, service="x", image="x:1", command=["run"], after=list(after), healthcheck=Healthcheck(["CMD", "ask"], interval=600)
    )


def _job(name: str, *after: str) -> JobSpec:
    container = ContainerSpec(name=name, service="x", image="x:1", command=["sync"])
    return JobSpec(name=name, service="x", container=container, database="d", after=list(after))


def _starting(outcomes: dict[str, Outcome]) -> list[str]:
    return sorted(name for name, outcome in outcomes.items() if outcome.changed and outcome.state == "waiting")


def test_a_job_of_a_new_database_runs_once_and_one_that_was_blocked_runs_later(host: Host) -> None:
    host.call(_job("first"), _job("second"))
    host.ran.clear()
    items = (_job("first"), _container("slow", "first"), _job("second", "slow"))
    outcomes = host.call(*items, created=["d"])
    assert (outcomes["first"].reasons, outcomes["second"].state, host.ran) == (["database d is new"], "blocked", ["first"])
    host.ready.add("slow")
    outcomes = host.call(*items, created=["d"], finished_jobs=["first"])
    assert (outcomes["first"].changed, outcomes["second"].reasons, host.ran) == (False, ["database d is new"], ["first", "second"])


def test_a_job_that_has_run_runs_again_for_another_reason(host: Host) -> None:
    host.call(_job("first"))
    outcomes = host.call(dataclasses.replace(_job("first"), triggers=["new"]), created=["d"], finished_jobs=["first"])
    assert outcomes["first"].reasons == ["triggers changed"]


def test_a_call_whose_time_is_over_starts_no_more_than_may_start(host: Host) -> None:
    items = [_container(f"c{number}") for number in range(6)]
    outcomes = host.call(*items, parallel=2)
    starting = _starting(outcomes)
    assert (len(starting), len(host.found)) == (2, 2)
    assert {outcomes[item.name].state for item in items} == {"waiting", "blocked"}
    # nothing is ready, so nothing more starts, whatever comes first
    again = host.call(*reversed(items), parallel=2, starting=starting)
    assert (_starting(again), len(host.found)) == ([], 2)
    # each that is ready makes place for one
    host.ready.add(starting[0])
    later = host.call(*reversed(items), parallel=2, starting=starting)
    assert (later[starting[0]].state, len(_starting(later)), len(host.found)) == ("done", 1, 3)


def test_what_failed_or_was_not_changed_takes_no_place(host: Host) -> None:
    host.call(_container("old1"), _container("old2"))
    outcomes = host.call(_container("old1"), _container("old2"), _container("new"), parallel=1)
    assert [outcomes[name].state for name in ("old1", "old2", "new")] == ["waiting", "waiting", "waiting"]
    assert _starting(outcomes) == ["new"]


def test_a_dependency_that_has_to_start_again_gets_a_place(host: Host) -> None:
    """Those that wait for it are blocked, and hold none in the next call."""
    items = (_container("base"), _container("a", "base"), _container("b", "base"))
    host.ready.add("base")
    starting = _starting(host.call(*items, parallel=2))
    assert starting == ["a", "b"]
    del host.found["base"]
    outcomes = host.call(*items, parallel=2, starting=starting)
    assert [outcomes[name].state for name in ("base", "a", "b")] == ["blocked"] * 3
    assert host.call(*items, parallel=2, starting=[])["base"].action == "create"
