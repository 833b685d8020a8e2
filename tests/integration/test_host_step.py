# SPDX-License-Identifier: Apache-2.0
"""Steps of a rollout on a real engine: forward, back, and watched."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import threading
import time
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import ContainerState, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.config_tree import WantedFile, WantedTree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import soak, step
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshots
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.step import ContainerUpdate, HostStep, StepResult, run_revert_jobs

from .conftest import Lab


class Host:
    """A host with directories of its own. ``old`` and ``new`` are what its container ``api`` is and becomes."""

    def __init__(self, lab: Lab, directory: pathlib.Path) -> None:
        self.lab = lab
        self.config, self._state = directory / "etc", str(directory / "state.json")
        self.snapshots = Snapshots(self.config, directory / "kept")
        self.old = self.spec("api", env={"VERSION": "old"}, config_digest="old")
        self.new = self.spec("api", image=lab.image("openstack"), env={"VERSION": "new"}, config_digest="new")

    def spec(self, word: str, **options: t.Any) -> ContainerSpec:
        """Return the specification of a container that runs until it is stopped."""
        values = {"service": "test", "image": self.lab.image("base"), "command": ["sleep", "600"], "user": "1000:1000", "stop_timeout": 0}
        return ContainerSpec(name=self.lab.name(word), **{**values, **options})

    def step(self, only: str, rollout: str, check: bool) -> HostStep:
        """Return a step for the containers that *only* names."""
        return HostStep(
            engine=self.lab.engine,
            cloud=self.lab.cloud,
            rollout=rollout,
            names=[self.lab.name(word) for word in only.split()],
            state=StateFile(self._state),
            snapshots=self.snapshots,
            root=self.config,
            check_mode=check,
            patience=60,
        )

    def result(self, *containers: ContainerSpec, text: str = "", rollout: str = "r1", check: bool = False, only: str = "api") -> StepResult:
        """Take a step forward with one file for each container, which has *text*."""
        files = [WantedFile(f"{item.name}/config/x.conf", text, "0640", os.getgid(), False) for item in containers]
        return self.step(only, rollout, check).roll(containers, [], WantedTree([item.name for item in containers], files, []))

    def updates(self, *containers: ContainerSpec, **options: t.Any) -> list[ContainerUpdate]:
        """Return what a step forward would change."""
        return self.result(*containers, check=True, **options).updates

    def roll(self, *containers: ContainerSpec, **options: t.Any) -> list[str]:
        """Take a step forward and return the names of what was changed; all of it must be healthy then."""
        result = self.result(*containers, **options)
        assert {outcome.state for outcome in result.outcomes} <= {"done"}, result.outcomes
        return [update.container for update in result.updates]

    def revert(self, only: str = "api", rollout: str = "r1") -> list[tuple[str, str]]:
        """Take the step back and return what was done about each container; all of it must be healthy then."""
        outcomes = self.step(only, rollout, check=False).revert().outcomes
        assert {outcome.state for outcome in outcomes} <= {"done"}, outcomes
        return [(outcome.name.removeprefix(f"{self.lab.cloud}-"), outcome.action) for outcome in outcomes]

    def watch(self, only: str = "api", minimum: int = 0, uptime: int = 0) -> dict[str, str]:
        """Watch containers; return those that failed."""
        names = [self.lab.name(word) for word in only.split()]
        return soak.watch(self.lab.engine, self.lab.cloud, names, StateFile(self._state), minimum, uptime)

    def revert_jobs(self, *jobs: JobSpec, check: bool = False) -> list[str]:
        """Run the jobs that are due before the way back; return their names."""
        return run_revert_jobs(self.lab.engine, self.lab.cloud, "r1", self.snapshots, jobs, check)

    def state(self, word: str = "api") -> ContainerState:
        found = self.lab.engine.container(self.lab.name(word))
        assert found
        return found

    def text(self, word: str = "api") -> str:
        return (self.config / self.lab.name(word) / "config/x.conf").read_text()

    def wait_for_output(self, spec: ContainerSpec, word: str) -> None:
        deadline = time.monotonic() + 30
        while word not in self.lab.engine.logs(spec.name):
            assert time.monotonic() < deadline, self.lab.engine.logs(spec.name)
            time.sleep(0.1)

    def version(self) -> str:
        """Return which environment the container runs with."""
        return self.lab.engine.exec(self.old.name, ["sh", "-c", "echo $VERSION"]).stdout.strip()

    def remembered(self) -> dict[str, t.Any]:
        return StateFile(self._state).section("files")


@pytest.fixture
def host(lab: Lab, tmp_path: pathlib.Path) -> Host:
    """A host that runs what it did before a rollout."""
    made = Host(lab, tmp_path)
    made.roll(made.old, text="old", rollout="r0")
    return made


def test_a_step_goes_forward_and_back(host: Host) -> None:
    before, remembered = host.state(), host.remembered()
    assert host.roll(host.new, text="new") == [host.new.name]
    assert (host.text(), host.version()) == ("new", "new")
    assert host.state().image_id != before.image_id
    assert host.remembered() != remembered
    assert host.revert() == [("api", "replace")]
    after = host.state()
    assert (host.text(), host.version(), after.image_id) == ("old", "old", before.image_id)
    assert (after.labels, host.remembered()) == (before.labels, remembered)
    # what was restored is as the former release wants it
    assert host.updates(host.old, text="old") == []


def test_an_update_is_explained_before_it_is_made(host: Host) -> None:
    before = host.state()
    result = host.result(host.new, text="new", check=True)
    (update,) = result.updates
    assert (update.container, update.service, update.action) == (host.new.name, "test", "replace")
    assert (update.image_from, update.image_to) == (before.image_id, host.lab.engine.image_id(host.new.image))
    assert update.new_image
    # an image without packages of OpenStack is of no release
    assert update.release_from == ""
    assert update.release_to == host.new.image.rpartition(":")[2].partition("-")[0]
    assert 'env: {"VERSION": "old"} -> {"VERSION": "new"}' in update.reasons
    assert (result.outcomes, host.state(), host.text()) == ([], before, "old")
    found = host.snapshots.get(host.new.name)
    assert found and found.rollout == "r0"


def test_an_image_is_new_unless_it_is_the_one_that_runs(host: Host) -> None:
    same = dataclasses.replace(host.new, image=host.old.image)
    absent = dataclasses.replace(host.spec("absent"), image="caisson/nowhere:1")
    found = {update.container: update.new_image for update in host.updates(same, absent, text="new", only="api absent")}
    assert found == {same.name: False, absent.name: True}


def test_what_was_is_kept_before_files_are_written(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_arguments: t.Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(step.config_tree, "apply", cut_off)
        with pytest.raises(OSError, match="no space left"):
            host.roll(host.new, text="new")
    found = host.snapshots.get(host.new.name)
    assert found and found.spec
    assert (found.rollout, found.spec.env, found.spec.image) == ("r1", {"VERSION": "old"}, host.state().image_id)


def test_a_second_run_of_a_step_keeps_what_was_at_first(host: Host) -> None:
    before = host.state()
    host.roll(host.new, text="new")
    assert host.roll(host.new, text="new") == []
    newer = dataclasses.replace(host.new, env={"VERSION": "newer"})
    assert host.roll(newer, text="newer") == [newer.name]
    host.revert()
    assert (host.text(), host.version(), host.state().image_id) == ("old", "old", before.image_id)


def test_a_container_of_another_rollout_is_not_taken_back(host: Host) -> None:
    host.roll(host.new, text="new")
    assert host.revert(rollout="r2") == []
    assert (host.text(), host.version()) == ("new", "new")


def test_a_container_that_is_new_in_a_rollout_goes_again_and_others_stay(host: Host) -> None:
    more, other = host.spec("more"), host.spec("other")
    host.roll(other, rollout="r0", only="other")
    assert host.roll(host.new, more, text="new", only="api more") == [host.new.name, more.name]
    assert host.text("more") == "new"
    assert sorted(host.revert(only="api more")) == [("api", "replace"), ("more", "remove")]
    assert host.lab.engine.containers([host.lab.label]).keys() == {host.old.name, other.name}
    assert list((host.config / more.name).rglob("*")) == []


def test_only_what_the_step_is_for_is_touched(host: Host) -> None:
    other = host.spec("other")
    host.roll(host.new, other, text="new")
    assert host.lab.engine.container(other.name) is None
    assert not (host.config / other.name).exists()


def test_what_something_else_made_is_left_alone(host: Host) -> None:
    foreign = host.spec("foreign")
    host.roll(foreign, rollout="r0", only="foreign")
    client, name = host.lab.client, foreign.name
    labels = {**host.state("foreign").labels, "org.caisson.spec": "null"}
    client.remove_container(name, force=True)
    host.lab.client.create_container(foreign.image, ["sleep", "600"], name=name, labels=labels)
    with pytest.raises(ValueError, match=f"{name} was not made by this collection and could not be rolled back"):
        host.roll(foreign, text="new", only="foreign")
    assert host.text("foreign") == ""


@pytest.mark.parametrize("check", [True, False])
def test_what_would_kill_a_protected_process_is_refused_before_anything_is_written(host: Host, check: bool) -> None:
    word = f"x{host.lab.cloud[-8:]}"
    guarded = host.spec(
        "api",
        command=["sh", "-c", f"cp /bin/sleep /tmp/{word} && /tmp/{word} 600"],
        tmpfs=["/tmp:mode=1777,exec"],
        healthcheck=Healthcheck(["CMD-SHELL", f"grep -qx {word} /proc/[0-9]*/comm"], interval=600, timeout=2),
        protected_processes=[word],
    )
    host.roll(guarded, text="old", rollout="r0")
    before = host.state()
    with pytest.raises(EngineError, match=rf"^{host.old.name}: .* is not stopped: {word} \(pid \d+\) runs in the control group"):
        host.result(dataclasses.replace(guarded, image=host.new.image), text="new", check=check)
    assert (host.state(), host.text()) == (before, "old")
    kept = host.snapshots.get(host.old.name)
    assert kept is None or kept.rollout != "r1"


def test_revert_jobs_run_as_the_former_container_did(host: Host) -> None:
    def job(command: str) -> JobSpec:
        spec = host.new.once(host.lab.name("back"), ["sh", "-c", command])
        return JobSpec(name=spec.name, service="test", container=spec, place=host.new.name)

    # it has not been updated by this rollout
    assert host.revert_jobs(job("exit 7")) == []
    host.roll(host.new, text="new")
    assert host.revert_jobs(job("exit 7"), check=True) == [host.lab.name("back")]
    assert host.revert_jobs(job('test "$VERSION" = old')) == [host.lab.name("back")]
    with pytest.raises(EngineError, match="sh ended with exit code 7; its last output:\nlost"):
        host.revert_jobs(job("echo lost; exit 7"))


def test_a_container_that_stays_up_is_stable(host: Host) -> None:
    assert host.watch(minimum=3) == {}


def test_a_young_container_is_watched_until_it_is_old_enough(host: Host) -> None:
    host.roll(host.new, text="new")
    assert host.watch(uptime=6) == {}
    assert time.time() - host.state().started >= 6


def test_a_container_that_restarts_is_not_stable(host: Host) -> None:
    spec = host.spec("shaky", command=["sh", "-c", "echo cannot go on; sleep 2; exit 3"])
    host.roll(spec, rollout="r0", only="shaky")
    ((name, fault),) = host.watch("api shaky", minimum=60).items()
    assert (name, fault.startswith(f"{name}: ")) == (spec.name, True)
    assert "restarted 1 times" in fault or "exit code 3" in fault
    assert "cannot go on" in fault


def test_a_container_that_was_reupdated_meanwhile_is_not_stable(host: Host) -> None:
    remover = threading.Timer(1, host.lab.engine.remove, [host.old.name])
    remover.start()
    name = host.old.name
    assert host.watch(minimum=60) == {name: f"{name}: removed or replaced by something other than this rollout"}
    remover.join()
