# SPDX-License-Identifier: Apache-2.0
"""How a job is run and judged, against a fake engine."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import jobs
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec


class FakeEngine:
    """Ends each job with the next of *codes*."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.calls: list[tuple[t.Any, ...]] = []

    def run_once(self, spec: ContainerSpec, image: str, cloud: str, stdin: bytes | None, timeout: int, name: str) -> ExecResult:
        self.calls.append((spec.name, image, cloud, stdin, timeout, name))
        return ExecResult(self.codes.pop(0), "\n".join(f"line {number}" for number in range(30)), "")


def _job(**options: t.Any) -> JobSpec:
    spec = ContainerSpec(name="api", service="x", image="x:1", command=["sync", "--all"])
    return JobSpec(name="api_sync", service="x", container=spec, **options)


def _run(engine: FakeEngine, job: JobSpec) -> int:
    return jobs.run(t.cast(Engine, engine), job, "i", "example").rc


def test_a_job_gets_its_input_its_time_and_a_name_of_its_own() -> None:
    engine = FakeEngine(0)
    assert _run(engine, _job(stdin="secret", timeout=7)) == 0
    assert engine.calls == [("api", "i", "example", b"secret", 7, "api_sync.job")]


def test_a_job_without_input_gets_none() -> None:
    engine = FakeEngine(3)
    assert _run(engine, _job(ok_codes=[0, 3])) == 3
    assert engine.calls[0][3] is None


def test_a_failed_job_is_run_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(jobs, "time", types.SimpleNamespace(sleep=slept.append))
    assert _run(FakeEngine(1, 1, 0), _job(retries=2, delay=5)) == 0
    assert slept == [5, 5]


def test_the_last_failure_is_reported_with_the_end_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "time", types.SimpleNamespace(sleep=lambda _seconds: None))
    with pytest.raises(EngineError, match=r"^sync ended with exit code 2; its last output:\nline 5\n") as caught:
        _run(FakeEngine(1, 2), _job(retries=1))
    assert str(caught.value).endswith("line 29")
