# SPDX-License-Identifier: Apache-2.0
"""One step of a rollout: update the containers of one tier on one host, or restore what they were before."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree, jobs
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import diff as outcomes_diff
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import soak
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshot, Snapshots


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerUpdate:
    """How a container differs from its target: action, reasons, and image, release and lock of packages before and after.

    ``new_image`` is true as well if the target image is not on the host yet.
    """

    container: str
    service: str
    action: str
    reasons: list[str]
    impact: str
    image_from: str
    image_to: str
    new_image: bool
    release_from: str
    release_to: str
    lock_from: str
    lock_to: str


@dataclasses.dataclass
class StepResult:
    """What a step changes, how the containers and jobs fared (nothing in check mode), and the changes as Ansible's diff."""

    updates: list[ContainerUpdate]
    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    diff: list[dict[str, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class HostStep:
    """A step on one host.

    Args:
        engine: the host's engine.
        cloud: name of the cloud.
        rollout: identifier of the rollout; without it no snapshots are kept.
        names: containers that the step is for.
        state: what the host remembers.
        snapshots: what the containers were before the rollout.
        root: directory of the configuration files.
        check_mode: plan only.
        patience: seconds after which a call returns even if some containers are not healthy yet.
        elapsed: seconds that earlier calls of the same run took.
        parallel: containers that are worked on, or are starting, at the same time.
        starting: containers that earlier calls of the same step changed and that were not healthy yet.
    """

    engine: Engine
    cloud: str
    rollout: str
    names: t.Sequence[str]
    state: StateFile
    snapshots: Snapshots
    root: pathlib.Path
    check_mode: bool = False
    patience: float = 0.0
    elapsed: float = 0.0
    parallel: int = 8
    starting: t.Sequence[str] = ()

    def roll(self, containers: t.Iterable[ContainerSpec], jobs_of_host: t.Iterable[JobSpec], files: config_tree.WantedTree) -> StepResult:
        """Bring the containers of the step to their specification; keep a snapshot of each before it changes.

        Raises:
            EngineError: if one of them must not be stopped.
        """
        targets = [spec for spec in containers if spec.name in self.names]
        planned = self._plan(targets)
        updates = self._updates(planned, targets)
        changing = {update.container for update in updates}
        wanted, written = config_tree.select(files, changing), self.state.section("files")
        changes = config_tree.plan(self.root, wanted, written)
        diff = [*_diff(planned), *(config_tree.diff(self.root, change) for change in changes)]
        if self.check_mode:
            return StepResult(updates, diff=diff)
        current = self._current()
        for spec in (spec for spec in targets if spec.name in changing and self.rollout):
            self.snapshots.keep(self.rollout, spec, current.get(spec.name), written)
        config_tree.apply(self.root, wanted, changes)
        self.state.replace("files", config_tree.digests(wanted, written))
        due = [job for job in jobs_of_host if job.place in self.names]
        outcomes = self._converger(check_mode=False).converge(targets, due, (), self.parallel)
        soak.keep_baselines(self.state, self._current(), self.names)
        return StepResult(updates, outcomes, diff)

    def revert(self) -> StepResult:
        """Restore the containers that this rollout has changed; what did not exist before it is removed.

        Raises:
            EngineError: if one of them must not be stopped.
        """
        kept = [found for name in self.names if (found := self.snapshots.of_rollout(name, self.rollout))]
        targets = [snapshot.spec for snapshot in kept if snapshot.spec]
        planned = self._plan(targets)
        updates, diff = self._updates(planned, targets), _diff(planned)
        if self.check_mode:
            return StepResult(updates, diff=diff)
        for snapshot in kept:
            self._put_back(snapshot)
        converger = self._converger(check_mode=False)
        outcomes = converger.converge(targets, [], (), self.parallel)
        new = {snapshot.name for snapshot in kept if not snapshot.spec}
        current = self._current()
        services = {state.labels.get(specs.LABEL_SERVICE, "") for name, state in current.items() if name in new}
        outcomes += converger.prune(services, current.keys() - new)
        return StepResult(updates, outcomes, diff)

    def _put_back(self, snapshot: Snapshot) -> None:
        self.snapshots.put_back(snapshot)
        others = {path: value for path, value in self.state.section("files").items() if path.partition("/")[0] != snapshot.name}
        self.state.replace("files", others | snapshot.digests)

    def _converger(self, check_mode: bool) -> Converger:
        return Converger(self.engine, self.cloud, self.state, check_mode, self.patience, self.elapsed, starting=self.starting)

    def _current(self) -> dict[str, ContainerState]:
        return self.engine.containers([f"{specs.LABEL_CLOUD}={self.cloud}", specs.LABEL_CONTAINER])

    def _plan(self, targets: list[ContainerSpec]) -> list[Outcome]:
        """Return what has to be done about each container; refuse the step if one of them must not be stopped."""
        planned = self._converger(check_mode=True).converge(targets, [], (), self.parallel)
        if refused := [f"{outcome.name}: {outcome.detail}" for outcome in planned if outcome.state == "failed"]:
            raise EngineError("; ".join(refused))
        return planned

    def _updates(self, planned: t.Iterable[Outcome], targets: t.Iterable[ContainerSpec]) -> list[ContainerUpdate]:
        current, by_name = self._current(), {spec.name: spec for spec in targets}
        return [self._update(outcome, current.get(outcome.name), by_name[outcome.name]) for outcome in planned if outcome.changed]

    def _update(self, outcome: Outcome, state: ContainerState | None, target: ContainerSpec) -> ContainerUpdate:
        before, after = self.engine.inspect(state.image_id) if state else None, self.engine.inspect(target.image)
        labels_before, labels_after = before.labels if before else {}, after.labels if after else {}
        return ContainerUpdate(
            container=outcome.name,
            service=outcome.service,
            action=outcome.action,
            reasons=outcome.reasons,
            impact=target.impact,
            image_from=before.id if before else "",
            image_to=after.id if after else "",
            new_image=not after or not before or after.id != before.id,
            release_from=recipes.release(labels_before),
            release_to=recipes.release(labels_after),
            lock_from=labels_before.get(recipes.LABEL_LOCK, ""),
            lock_to=labels_after.get(recipes.LABEL_LOCK, ""),
        )


def run_revert_jobs(
    engine: Engine, cloud: str, rollout: str, snapshots: Snapshots, jobs_of_host: t.Iterable[JobSpec], check_mode: bool
) -> list[str]:
    """Run the jobs that are due before containers go back, each as the container was before this rollout; return their names.

    A job whose container this rollout has not changed, or has created, is not due.

    Raises:
        EngineError: if one fails.
    """
    due = [(job, kept.spec) for job in jobs_of_host if (kept := snapshots.of_rollout(job.place, rollout)) and kept.spec]
    for job, spec in due if not check_mode else []:
        # the snapshot names the image by its identifier
        once = dataclasses.replace(job, container=spec.once(job.name, job.container.command))
        jobs.run(engine, once, spec.image, cloud)
    return [job.name for job, _spec in due]


def _diff(planned: t.Iterable[Outcome]) -> list[dict[str, str]]:
    """Return the planned changes of containers as Ansible's diff, if there are any."""
    changed = [outcome for outcome in planned if outcome.changed]
    return [outcomes_diff(changed)] if changed else []
