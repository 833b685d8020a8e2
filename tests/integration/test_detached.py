# SPDX-License-Identifier: Apache-2.0
"""Detached one-shot containers on a real engine."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import DetachedRunner, Progress
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

from .conftest import Lab


def _launch(lab: Lab, script: str, stdin: bytes = b"") -> tuple[DetachedRunner, ContainerSpec]:
    runner = DetachedRunner(lab.client)
    spec = ContainerSpec(name=lab.name("detached"), service="test", image=lab.image("base"), command=["sh", "-c", script], user="1000:1000")
    runner.launch(spec, lab.engine.image_id(spec.image) or "", lab.cloud, stdin)
    return runner, spec


def _ended(runner: DetachedRunner, name: str) -> Progress:
    deadline = time.monotonic() + 20
    while (progress := runner.progress(name)).rc is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return progress


def test_it_is_heard_while_it_runs_and_afterwards(lab: Lab) -> None:
    runner, spec = _launch(lab, "read word; echo first $word >&2; sleep 3; echo last >&2; echo answer; exit 3", b"of all\n")
    deadline = time.monotonic() + 2.5
    while not (progress := runner.progress(spec.name)).stderr and time.monotonic() < deadline:
        time.sleep(0.1)
    assert progress == Progress(None, "", "first of all\n")
    assert _ended(runner, spec.name) == Progress(3, "answer\n", "first of all\nlast\n")


def test_its_input_ends_and_is_seen_nowhere(lab: Lab) -> None:
    # more than a pipe holds
    runner, spec = _launch(lab, "sleep 1; wc -c", b"hush" * 50_000)
    assert "hush" not in json.dumps(lab.client.inspect_container(spec.name))
    assert _ended(runner, spec.name).stdout.split() == ["200000"]


def test_one_that_a_killed_run_left_behind_makes_way(lab: Lab) -> None:
    runner, _spec = _launch(lab, "sleep 600")
    _older, spec = _launch(lab, "echo new")
    assert _ended(runner, spec.name).stdout == "new\n"


def test_one_that_is_gone_is_a_clear_error(lab: Lab) -> None:
    runner, spec = _launch(lab, "sleep 600")
    runner.remove(spec.name)
    with pytest.raises(EngineError, match=r"was removed by another process while it ran"):
        runner.progress(spec.name)


def test_one_that_cannot_start_leaves_nothing(lab: Lab) -> None:
    runner = DetachedRunner(lab.client)
    spec = ContainerSpec(name=lab.name("detached"), service="test", image=lab.image("base"), command=["/no/such/program"])
    with pytest.raises(EngineError, match="cannot start"):
        runner.launch(spec, lab.engine.image_id(spec.image) or "", lab.cloud, b"")
    assert lab.engine.container(spec.name) is None
