# SPDX-License-Identifier: Apache-2.0
"""The steps of a plan show no secret, and tell another secret from the same one."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.config_tree import Wanted, WantedFile
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, digest
from ansible_collections.caisson.openstack.plugins.modules import host_plan

_PATH = "prometheus/config/prometheus.yml"


def _step(root: pathlib.Path, content: str, secrets: list[str]) -> host_plan.Step:
    wanted = Wanted(["prometheus"], [WantedFile(_PATH, content, "0640", 0, sensitive=False)], secrets)
    (change,) = config_tree.plan(root, wanted)
    return host_plan._file_step(change, wanted, {})


def test_a_secret_of_an_override_is_in_no_step_of_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "prometheus/config").mkdir(parents=True)
    (tmp_path / _PATH).write_text("global: {}\n")
    one, other = (_step(tmp_path, f"basic_auth:\n  password: {word}\n", ["other"]) for word in ("hunter2", "hunter3"))
    assert "hunter" not in json.dumps(dataclasses.asdict(one))
    assert "+  password: ********" in one.diff
    assert one.digest != other.digest
    assert dataclasses.replace(one, digest="") == dataclasses.replace(other, digest="")


def test_a_digest_tells_nothing_to_who_does_not_know_the_secrets(tmp_path: pathlib.Path) -> None:
    one, other = (_step(tmp_path, "password: hunter2\n", [secret]) for secret in ("first", "second"))
    assert one.digest not in (other.digest, digest("password: hunter2\n"))


def test_a_secret_in_the_environment_is_in_no_step_of_a_container() -> None:
    outcome = Outcome(
        "prometheus", "container", "monitoring", "replace", ["env: none -> known"], {}, {"env": {"ADMIN_PASSWORD": "hunter2"}}
    )
    step = host_plan._step(outcome, None, ["known"])
    shown = json.dumps([dataclasses.asdict(step), host_plan._diff(pathlib.Path("/"), [], [outcome], ["known"])])
    assert "hunter2" not in shown
    assert "known" not in shown
    assert step.reasons == ["env: none -> ********"]


@pytest.mark.parametrize(
    ("action", "shared", "turn"),
    [
        ("replace", True, ("identity", "api")),
        ("restart", True, ("identity", "api")),
        ("replace", False, ("", "")),
        ("create", True, ("", "")),
        ("reload", True, ("", "")),
        ("start", True, ("", "")),
    ],
)
def test_only_a_stop_of_what_other_hosts_have_as_well_waits_for_a_turn(action: t.Any, shared: bool, turn: tuple[str, str]) -> None:
    spec = ContainerSpec(name="api", service="x", image="x:1", command=["run"], wave="identity", tier="api", shared=shared)
    step = host_plan._step(Outcome("api", "container", "x", action, ["why"]), spec, [])
    assert (step.wave, step.tier) == turn
