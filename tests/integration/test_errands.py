# SPDX-License-Identifier: Apache-2.0
"""One-shot containers that are asked how far they are, on a real engine."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.detached import Errands, Progress
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec

from .conftest import Lab


def _begin(lab: Lab, script: str, stdin: bytes = b"") -> tuple[Errands, ContainerSpec]:
    errands = Errands(lab.client)
    spec = ContainerSpec(name=lab.name("errand"), service="test", image=lab.image("base"), command=["sh", "-c", script], user="1000:1000")
    errands.begin(spec, lab.engine.image_id(spec.image) or "", lab.cloud, stdin)
    return errands, spec


def _ended(errands: Errands, name: str) -> Progress:
    deadline = time.monotonic() + 20
    while (progress := errands.progress(name)).rc is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return progress


def test_it_is_heard_while_it_runs_and_afterwards(lab: Lab) -> None:
    errands, spec = _begin(lab, "read word; echo first $word >&2; sleep 3; echo last >&2; echo answer; exit 3", b"of all\n")
    deadline = time.monotonic() + 2.5
    while not (progress := errands.progress(spec.name)).stderr and time.monotonic() < deadline:
        time.sleep(0.1)
    assert progress == Progress(None, "", "first of all\n")
    assert _ended(errands, spec.name) == Progress(3, "answer\n", "first of all\nlast\n")


def test_its_input_ends_and_is_seen_nowhere(lab: Lab) -> None:
    # more than a pipe holds
    errands, spec = _begin(lab, "sleep 1; wc -c", b"hush" * 50_000)
    assert "hush" not in json.dumps(lab.client.inspect_container(spec.name))
    assert _ended(errands, spec.name).stdout.split() == ["200000"]


def test_one_that_a_killed_run_left_behind_makes_way(lab: Lab) -> None:
    errands, _spec = _begin(lab, "sleep 600")
    _errands, spec = _begin(lab, "echo new")
    assert _ended(errands, spec.name).stdout == "new\n"


def test_one_that_is_gone_is_a_clear_error(lab: Lab) -> None:
    errands, spec = _begin(lab, "sleep 600")
    errands.remove(spec.name)
    with pytest.raises(EngineError, match=r"was removed by somebody while it ran"):
        errands.progress(spec.name)


def test_one_that_cannot_start_leaves_nothing(lab: Lab) -> None:
    errands = Errands(lab.client)
    spec = ContainerSpec(name=lab.name("errand"), service="test", image=lab.image("base"), command=["/no/such/program"])
    with pytest.raises(EngineError, match="cannot start"):
        errands.begin(spec, lab.engine.image_id(spec.image) or "", lab.cloud, b"")
    assert lab.engine.container(spec.name) is None
