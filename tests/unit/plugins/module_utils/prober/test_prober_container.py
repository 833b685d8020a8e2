# SPDX-License-Identifier: Apache-2.0
"""When the prober is started, restarted and stopped, against a fake engine; on a real one: tests/integration/test_prober.py."""

from __future__ import annotations

import dataclasses
import pathlib
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.common import wait
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import DetachedRunner, Progress
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.prober import answers
from ansible_collections.caisson.openstack.plugins.module_utils.prober.container import ProberContainer, ProberSettings
from tests.unit.builders import a_state


class FakeEngine:
    """Has at most one container; one that is launched writes an answer, unless ``silent``."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.file = directory / answers.FILE
        self.current: ContainerState | None = None
        self.silent = False
        self.calls: list[str] = []

    def container(self, _name: str) -> ContainerState | None:
        return self.current

    def require_image(self, _reference: str) -> str:
        return "i"

    def launch(self, spec: ContainerSpec, _image: str, _cloud: str, stdin: bytes, labels: dict[str, str]) -> None:
        self.calls.append("launch")
        self.source = stdin.decode()
        self.current = a_state(spec.name, labels=labels)
        if not self.silent:
            self.file.write_text("{}\n")

    def stop(self, _name: str, _timeout: int) -> None:
        self.calls.append("stop")

    def remove(self, _name: str) -> None:
        self.calls.append("remove")
        self.current = None

    def progress(self, _name: str) -> Progress:
        return Progress(None, "", "Traceback\nRuntimeError: as the test wants it\n" if self.silent else "")


@pytest.fixture
def engine(tmp_path: pathlib.Path) -> FakeEngine:
    return FakeEngine(tmp_path / "answers")


@pytest.fixture
def settings(engine: FakeEngine) -> ProberSettings:
    return ProberSettings(
        script="def main(parameters): ...",
        image="client:1",
        directory=str(engine.file.parent),
        region="RegionOne",
        auth={"password": "secret"},
        probes={"greeting": {"read": "/greetings"}},
        addresses=["198.51.100.1"],
        interval=0.2,
        ping_interval=0.02,
        limit=5,
    )


def _prober(engine: FakeEngine) -> ProberContainer:
    return ProberContainer(t.cast(DetachedRunner, engine), "example", "prober")


def test_it_is_started_once(engine: FakeEngine, settings: ProberSettings) -> None:
    assert _prober(engine).start(settings, check=True) == ("absent", "runs")
    assert (engine.calls, engine.file.parent.exists()) == ([], False)
    assert _prober(engine).start(settings, check=False) == ("absent", "runs")
    assert _prober(engine).start(settings, check=False) == ("runs", "runs")
    assert engine.calls == ["launch"]
    assert '"file": "/answers/answers.jsonl"' in engine.source
    assert '"probes": {"greeting": {"read": "/greetings"}}' in engine.source


def test_it_is_restarted_for_other_settings_and_after_its_end(engine: FakeEngine, settings: ProberSettings) -> None:
    _prober(engine).start(settings, check=False)
    engine.file.unlink()
    assert _prober(engine).start(dataclasses.replace(settings, limit=6), check=False) == ("runs with other parameters", "runs")
    assert engine.calls == ["launch", "stop", "remove", "launch"]
    engine.current = a_state("prober", running=False)
    engine.file.unlink()
    assert _prober(engine).start(settings, check=False) == ("ended", "runs")
    assert engine.calls[4:] == ["remove", "launch"]


def test_one_that_writes_nothing_did_not_start(engine: FakeEngine, settings: ProberSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    clock = types.SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(wait, "time", clock)
    engine.silent = True
    with pytest.raises(EngineError, match=r"^the prober did not start: RuntimeError: as the test wants it$"):
        _prober(engine).start(settings, check=False)
    assert now[0] >= 20


def test_only_pings_need_a_raw_socket_and_only_addresses_are_pinged(settings: ProberSettings) -> None:
    assert settings.spec("prober").capabilities == ["NET_RAW"]
    assert dataclasses.replace(settings, addresses=[]).spec("prober").capabilities == []
    with pytest.raises(ValueError, match="'no address'"):
        dataclasses.replace(settings, addresses=["no address"]).source()


def test_stopping_what_is_absent_changes_nothing(engine: FakeEngine, settings: ProberSettings) -> None:
    assert _prober(engine).stop(check=False) == ("absent", "absent")
    _prober(engine).start(settings, check=False)
    assert _prober(engine).stop(check=True) == ("runs", "absent")
    assert engine.calls == ["launch"]
    assert _prober(engine).stop(check=False) == ("runs", "absent")
    assert engine.calls == ["launch", "stop", "remove"]
