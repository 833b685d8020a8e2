# SPDX-License-Identifier: Apache-2.0
"""The steps of a plan show no secret, and tell another secret from the same one; what a selection needs is checked."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import socket
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, ImageState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.config_tree import WantedFile, WantedTree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import RemoteDependency
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, digest
from ansible_collections.caisson.openstack.plugins.module_utils.output import plan_steps
from ansible_collections.caisson.openstack.plugins.module_utils.output.plans import PlanStep
from tests.unit.builders import a_state

_PATH = "prometheus/config/prometheus.yml"


def _step(root: pathlib.Path, content: str, secrets: list[str]) -> PlanStep:
    wanted = WantedTree(["prometheus"], [WantedFile(_PATH, content, "0640", 0, sensitive=False)], secrets)
    (change,) = config_tree.plan(root, wanted)
    return plan_steps.file_step(change, wanted, {})


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
    step = plan_steps.outcome_step(outcome, None, ["known"])
    shown = json.dumps([dataclasses.asdict(step), plan_steps.diff(pathlib.Path("/"), [], [outcome], ["known"])])
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
    spec = ContainerSpec(name="api", service="x", image="x:1", command=["run"], stage="identity", tier="api", shared=shared)
    step = plan_steps.outcome_step(Outcome("api", "container", "x", action, ["why"]), spec, [])
    assert (step.stage, step.tier) == turn


def test_required_containers_must_be_as_defined_and_healthy() -> None:
    outcomes = [
        Outcome("good", "container", "x", state="done"),
        Outcome("old", "container", "x", "replace", ["image: i -> j", "memory: none -> 1g"], state="done"),
        Outcome("ill", "container", "y", state="waiting"),
    ]
    assert plan_steps.unmet(outcomes, []) == [
        "old of service x differs from its definition: replace, because image: i -> j; memory: none -> 1g",
        "ill of service y is not healthy",
    ]


def test_services_of_other_hosts_must_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        port, other = server.getsockname()[1], closed.getsockname()[1]
        closed.close()
        answers = RemoteDependency(service="mariadb", host="control1", address="127.0.0.1", port=port)
        silent = RemoteDependency(service="rabbitmq", host="control2", address="127.0.0.1", port=other)
        (fault,) = plan_steps.unmet([], [answers, silent])
    assert fault == f"rabbitmq on control2 does not answer at 127.0.0.1:{other} (Connection refused)"


def test_releases_are_named_where_image_and_definition_differ() -> None:
    def image(release: str) -> ImageState:
        return ImageState(release, {recipes.LABEL_RELEASE: release, recipes.LABEL_LOCK: "l"})

    images = {"i": image("2025.2"), "x:2": image("2026.1"), "x:1": image("2025.2"), "unlocked": ImageState("u", {})}
    engine = types.SimpleNamespace(containers=lambda _labels: {name: a_state(name) for name in ("api", "rpc", "db")}, inspect=images.get)

    def found(**containers: str) -> list[list[str]]:
        specs = [ContainerSpec(name=name, service="x", image=reference, command=["run"]) for name, reference in containers.items()]
        return plan_steps.releases(t.cast(Engine, engine), "demo", specs)

    assert found(api="x:2", rpc="x:2") == [["2025.2", "2026.1"]]
    # the same, without a release of its own, not on the host yet, and new
    assert found(api="x:1", rpc="unlocked", db="absent", new="x:2") == []
