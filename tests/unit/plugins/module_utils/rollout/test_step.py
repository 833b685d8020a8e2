# SPDX-License-Identifier: Apache-2.0
"""What a step of a rollout decides, against a fake engine; what it does is tested on a real one: tests/integration."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult, ImageState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshots
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.step import HostStep, run_revert_jobs
from tests.unit.builders import a_state

SPEC = ContainerSpec(name="api", service="nova", image="nova:2", command=["run"], impact="requests wait")
IMAGES = {
    "nova:1": ImageState("old", {recipes.LABEL_RELEASE: "2025.2", recipes.LABEL_LOCK: "l1"}),
    "nova:2": ImageState("new", {recipes.LABEL_RELEASE: "2026.1", recipes.LABEL_LOCK: "l2"}),
}


class Host:
    """A host whose engine has two images and some containers, and runs jobs that end with *code*. A fake."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.root = directory / "etc"
        self.state = StateFile(str(directory / "state.json"))
        self.snapshots = Snapshots(self.root, directory / "kept")
        labels = {specs.LABEL_SPEC: dataclasses.replace(SPEC, image="nova:1").label(), specs.LABEL_SERVICE: "nova"}
        self.found = {"api": a_state(image_id="old", labels=labels)}
        self.code = 0
        self.jobs: list[tuple[t.Any, ...]] = []

    def containers(self, _labels: t.Sequence[str]) -> dict[str, ContainerState]:
        return dict(self.found)

    def inspect(self, reference: str) -> ImageState | None:
        return next((image for name, image in IMAGES.items() if reference in (name, image.id)), None)

    def image_id(self, reference: str) -> str | None:
        image = self.inspect(reference)
        return image.id if image else None

    def refuse_foreign(self, name: str, cloud: str) -> None:
        if name in self.found:
            raise EngineError(f"{name} is not of {cloud}")

    def run_once(self, spec: ContainerSpec, image: str, cloud: str, _stdin: bytes | None, _timeout: int, name: str) -> ExecResult:
        self.jobs.append((name, spec.command, spec.env, image, cloud))
        return ExecResult(self.code, "lost", "")

    def step(self, *names: str, rollout: str = "r1") -> HostStep:
        """Return a step that changes nothing."""
        return HostStep(
            engine=t.cast(Engine, self),
            cloud="example",
            rollout=rollout,
            names=names,
            state=self.state,
            snapshots=self.snapshots,
            root=self.root,
            check_mode=True,
        )

    def revert_jobs(self, *jobs: JobSpec, check_mode: bool = False) -> list[str]:
        return run_revert_jobs(t.cast(Engine, self), "example", "r1", self.snapshots, jobs, check_mode)


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path)


def _files(*names: str) -> config_tree.WantedTree:
    files = [config_tree.WantedFile(f"{name}/x.conf", "new\n", "0640", os.getgid(), False) for name in names]
    return config_tree.WantedTree(list(names), files, [])


def test_an_update_names_images_and_releases_before_and_after(host: Host) -> None:
    result = host.step("api").roll([SPEC], [], _files("api"))
    (update,) = result.updates
    assert dataclasses.asdict(update) == {
        "container": "api",
        "service": "nova",
        "action": "replace",
        "reasons": ["image: old -> new"],
        "impact": "requests wait",
        "image_from": "old",
        "image_to": "new",
        "new_image": True,
        "release_from": "2025.2",
        "release_to": "2026.1",
        "lock_from": "l1",
        "lock_to": "l2",
    }
    assert result.outcomes == []


def test_the_diff_shows_options_and_files_and_check_mode_changes_nothing(host: Host) -> None:
    options, file = host.step("api").roll([SPEC], [], _files("api", "other")).diff
    assert (options["before"], options["after"]) == ('{\n "api": {\n  "image": "old"\n }\n}\n', '{\n "api": {\n  "image": "new"\n }\n}\n')
    assert (file["before_header"], file["after"]) == (f"{host.root}/api/x.conf", "new\n")
    assert not host.root.exists()
    assert host.snapshots.get("api") is None


def test_a_container_that_is_up_to_date_or_of_another_step_is_left_alone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    # the fake engine does not know what a container may do
    monkeypatch.setattr(Converger, "_drift", lambda *_arguments: [])
    same, other = dataclasses.replace(SPEC, image="nova:1"), dataclasses.replace(SPEC, name="other")
    result = host.step("api").roll([same, other], [], _files("api", "other"))
    assert (result.updates, result.diff) == ([], [])


@pytest.mark.parametrize(("name", "image", "new"), [("api", "nova:1", False), ("absent", "nova:1", True), ("api", "nowhere:1", True)])
def test_an_image_is_new_unless_the_container_runs_it(host: Host, name: str, image: str, new: bool) -> None:
    target = dataclasses.replace(SPEC, name=name, image=image, env={"A": "1"})
    (update,) = host.step(name).roll([target], [], _files()).updates
    assert update.new_image == new


def test_a_step_that_must_not_be_taken_is_refused(host: Host) -> None:
    host.found["api.next"] = a_state("api.next")
    with pytest.raises(EngineError, match=r"^api: api\.next is not of example$"):
        host.step("api").roll([SPEC], [], _files("api"))


def test_only_what_this_rollout_has_changed_is_reverted(host: Host) -> None:
    host.snapshots.keep("r1", SPEC, host.found["api"], {})
    host.found["api"] = dataclasses.replace(host.found["api"], image_id="new", id="2")
    assert [update.image_to for update in host.step("api", "never").revert().updates] == ["old"]
    assert host.step("api", rollout="r2").revert().updates == []


def test_revert_jobs_run_as_their_container_was_before_the_rollout(host: Host) -> None:
    host.snapshots.keep("r1", dataclasses.replace(SPEC, env={"NEW": "1"}), host.found["api"], {})
    host.snapshots.keep("r0", dataclasses.replace(SPEC, name="older"), None, {})
    host.snapshots.keep("r1", dataclasses.replace(SPEC, name="created"), None, {})
    jobs = [
        JobSpec(name=f"{place}_back", service="nova", container=SPEC.once(f"{place}_back", ["back"]), place=place)
        for place in ("api", "older", "created", "untouched")
    ]
    assert host.revert_jobs(*jobs, check_mode=True) == ["api_back"]
    assert host.jobs == []
    assert host.revert_jobs(*jobs) == ["api_back"]
    assert host.jobs == [("api_back.job", ["back"], {}, "old", "example")]
    host.code = 7
    with pytest.raises(EngineError, match="back ended with exit code 7; its last output:\nlost"):
        host.revert_jobs(*jobs)
