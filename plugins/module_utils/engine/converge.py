# SPDX-License-Identifier: Apache-2.0
"""Make the containers and jobs of one host what they should be: plan, apply, wait until healthy."""

from __future__ import annotations

import functools
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import graph
from ansible_collections.caisson.openstack.plugins.module_utils.engine import (
    capabilities,
    container_api,
    handover,
    health,
    jobs,
    limits,
    members,
    protected_processes,
)
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.outcomes import Outcome, plan_container, plan_job
from ansible_collections.caisson.openstack.plugins.module_utils.engine.start_slots import NoSlotError, StartSlots
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberStart
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, Difference, JobSpec

#: A container that was restarted this often, the last time a moment ago, will not get healthy by waiting.
_MANY_RESTARTS = 5
_MOMENT = 60.0
_PROBE_INTERVAL = 1.5
_NEXT = ".next"
#: Changed files that a reason names.
_SHOWN = 5


class Converger:
    """Brings containers and jobs of one host to their specification.

    Args:
        engine: the host's engine.
        cloud: name of the cloud, kept as a label.
        state: what the host remembers.
        check_mode: plan only.
        patience: seconds after which a call returns even if some containers are not healthy yet.
        elapsed: seconds that earlier calls of the same run took.
        edited: for each container the time, in seconds since 1970, since which its files are not what they should be.
        starts: by container, how a member of a cluster that does not run is to start.
        starting: containers that earlier calls of the same task changed and that were not healthy yet when those ended.
        finished_jobs: jobs that earlier calls of the same task ran.
    """

    def __init__(
        self,
        engine: Engine,
        cloud: str,
        state: StateFile,
        check_mode: bool,
        patience: float = 0.0,
        elapsed: float = 0.0,
        edited: t.Mapping[str, float] | None = None,
        starts: t.Mapping[str, MemberStart] | None = None,
        starting: t.Iterable[str] = (),
        finished_jobs: t.Container[str] = (),
    ) -> None:
        self._engine = engine
        self._cloud = cloud
        self._state = state
        self._check = check_mode
        self._began = time.monotonic() - elapsed
        self._deadline = time.monotonic() + patience
        self._current: dict[str, ContainerState] = {}
        self._cpus = limits.online()
        self._edited = edited or {}
        self._starts = starts or {}
        self._slots = StartSlots(starting)
        self._finished_jobs = finished_jobs

    def converge(
        self, containers: list[ContainerSpec], jobs: list[JobSpec], created_databases: t.Container[str] = (), parallel: int = 8
    ) -> list[Outcome]:
        """Run jobs and bring up containers in dependency order; return one outcome for each, in that order.

        At most *parallel* are worked on at the same time, and no more containers than that are starting, in all calls of a task together.
        """
        self._slots.limit = parallel
        self._current = self._engine.containers([f"{specs.LABEL_CLOUD}={self._cloud}"])
        work: dict[str, t.Callable[[Outcome], None]] = {}
        outcomes: dict[str, Outcome] = {}
        dependencies: dict[str, list[str]] = {}
        for spec in containers:
            work[spec.name] = functools.partial(self._container, spec)
            outcomes[spec.name] = Outcome(spec.name, "container", spec.service)
            dependencies[spec.name] = spec.after
        for job in jobs:
            work[job.name] = functools.partial(self._job, job, created_databases)
            outcomes[job.name] = Outcome(job.name, "job", job.service)
            dependencies[job.name] = job.after

        def attempt(name: str) -> bool | None:
            outcome = outcomes[name]
            try:
                work[name](outcome)
            except NoSlotError:
                outcomes[name] = Outcome(name, outcome.kind, outcome.service)
                return None
            except EngineError as error:
                outcome.state, outcome.detail = "failed", str(error)
            if outcome.state != "waiting":
                self._slots.release(name)
            return outcome.state == "done"

        graph.run(dependencies, attempt, parallel)
        return [outcomes[name] for name in graph.order(dependencies)]

    def prune(self, services: t.Container[str], keep: t.Container[str], only: t.Container[str] = ()) -> list[Outcome]:
        """Remove containers of *services* that are not named in *keep*.

        If there are names in *only*, no others than these. They leave together, so that none is asked whether the others can spare it.
        """
        outcomes = []
        for name, state in self._engine.containers([f"{specs.LABEL_CLOUD}={self._cloud}", specs.LABEL_CONTAINER]).items():
            service = state.labels.get(specs.LABEL_SERVICE, "")
            if service not in services or name in keep or (only and name not in only):
                continue
            outcome = Outcome(name, "container", service, "remove", ["it is not defined for this host"], {"status": state.status})
            outcome.state = "done"
            outcome.leaves = handover.kept(state).leave is not None
            if not self._check:
                _guarded(state.protected_processes, state)
                if not only:
                    handover.check_stop(self._engine, state, handover.kept(state))
                handover.drain(self._engine, state, handover.kept(state))
                self._engine.stop(name, state.stop_timeout)
                self._engine.remove(name)
            outcomes.append(outcome)
        return outcomes

    # -- containers ---------------------------------------------------------------------------------------------

    def _container(self, spec: ContainerSpec, outcome: Outcome) -> None:
        image_id = self._image(spec)
        current = self._current.get(spec.name)
        found = limits.differences(spec, current, self._cpus) if current else []
        limited = [difference for difference in found if not limits.needs_new_container(difference)]
        drifted = [difference for difference in found if difference not in limited]
        drifted += self._drift(spec, current) if current else []
        edited = current is not None and self._read_an_edit(spec.name, current)
        planned = plan_container(spec, image_id, current, self._loaded(spec, current), drifted, edited, limited)
        vars(outcome).update(vars(planned))
        # a plan says so too: what cannot be done should be known before anything is
        guarded = _guarded(spec.protected_processes, current) if current and outcome.action in ("replace", "restart") else []
        if outcome.action == "replace" and current:
            outcome.others = handover.other_members(self._engine, current, spec.cluster is not None)
            if outcome.others and not self._check:
                where = ", ".join(outcome.others)
                why = f"members of its cluster run on {where}, and what they write would be lost"
                raise EngineError(f"{spec.name} is not stopped, because {why}; stop them (docker stop {spec.name}) and run it again")
        if outcome.action in ("create", "replace"):
            self._engine.refuse_foreign(spec.name + (_NEXT if current else ""), self._cloud)
        if self._check:
            as_it_should_be = outcome.changed or (current and current.running and health.healthy(self._engine, current, spec.healthcheck))
            outcome.state = "done" if as_it_should_be else "waiting"
            return
        if outcome.changed:
            self._slots.take(spec.name)
        if limited and outcome.action != "replace":
            self._engine.update(spec.name, limits.update(spec, self._cpus))
        if outcome.action == "create":
            self._engine.create(spec, image_id, self._cloud)
            self._start(spec, image_id, None)
        elif outcome.action == "replace" and current:
            self._replace(spec, image_id, current)
            _survived(spec, guarded)
        elif outcome.action == "restart" and current:
            handover.check_stop(self._engine, current, members.before_stop(spec, current))
            self._stop(spec, current)
            self._engine.start(spec.name)
            _survived(spec, guarded)
        elif outcome.action == "start" and current:
            self._start(spec, image_id, current)
            self._note_loaded(spec, current)
        elif outcome.action == "reload" and current:
            self._engine.signal(spec.name, spec.reload_signal)
            self._note_loaded(spec, current)
        self._wait(spec, outcome)

    def _image(self, spec: ContainerSpec) -> str:
        if self._check:
            return self._engine.image_id(spec.image) or "an image that is not on this host yet"
        return self._engine.require_image(spec.image)

    def _loaded(self, spec: ContainerSpec, current: ContainerState | None) -> str:
        """Return the digest of the reloadable files as the running process knows them."""
        if current is None:
            return ""
        kept = self._state.get("reloads", spec.name)
        return kept["digest"] if kept and kept["container"] == current.id else current.labels.get(specs.LABEL_RELOAD, "")

    def _note_loaded(self, spec: ContainerSpec, current: ContainerState) -> None:
        """Remember which reloadable files the process has read, where that is not what the container was created with."""
        if self._loaded(spec, current) != spec.reload_digest:
            self._state.put("reloads", spec.name, {"container": current.id, "digest": spec.reload_digest})

    def _replace(self, spec: ContainerSpec, image_id: str, current: ContainerState) -> None:
        """Replace a container; whatever would refuse that is asked before the old one stops."""
        members.check_turn(spec, current, self._starts.get(spec.name))
        handover.check_stop(self._engine, current, members.before_stop(spec, current))
        self._engine.remove(spec.name + _NEXT)
        self._engine.create(spec, image_id, self._cloud, name=spec.name + _NEXT)
        self._stop(spec, current)
        self._engine.remove(spec.name)
        self._engine.rename(spec.name + _NEXT, spec.name)
        self._start(spec, image_id, current)

    def _start(self, spec: ContainerSpec, image_id: str, before: ContainerState | None) -> None:
        """Start a container; a member of a cluster that did not run, as *before* says, or not as a member is prepared for it."""
        members.prepare(self._engine, self._cloud, spec, image_id, self._starts.get(spec.name), before)
        self._engine.start(spec.name)

    def _stop(self, spec: ContainerSpec, current: ContainerState) -> None:
        """Stop a container that is about to change, after it has handed over its work."""
        handover.drain(self._engine, current, members.before_stop(spec, current))
        self._engine.stop(spec.name, spec.stop_timeout)

    def _drift(self, spec: ContainerSpec, current: ContainerState) -> list[Difference]:
        """Return what hands changed in a container since it was created."""
        found = container_api.drift(spec, current)
        bounding_set = capabilities.bounding_set(current.pid) if current.running else None
        if bounding_set is not None and bounding_set != sorted(spec.capabilities):
            found.append(Difference("capabilities of its process", sorted(spec.capabilities), bounding_set))
        # looking is slow, and what cannot be written to has not changed
        changed = [] if spec.read_only else container_api.written(self._engine.changes(current.id), current)
        if changed:
            found.append(Difference("files", "as in its image", f"{', '.join(changed[:_SHOWN])} changed"))
        return found

    def _read_an_edit(self, name: str, current: ContainerState) -> bool:
        """Return whether the process started while a file of its configuration was not what it should be."""
        started = current.started
        if name in self._edited and self._edited[name] <= started:
            return True
        kept = self._state.get("edited", name)
        return bool(kept) and kept["since"] <= started <= kept["until"]

    def _wait(self, spec: ContainerSpec, outcome: Outcome) -> None:
        """Wait until the container is healthy and ready, its own time is over, or this call's patience is."""
        while True:
            state = self._engine.container(spec.name)
            if state is None:
                raise EngineError(f"{spec.name} was removed by another process during this run")
            healthy = state.running and health.healthy(self._engine, state, spec.healthcheck)
            missing = handover.not_ready(self._engine, spec) if healthy else ""
            if healthy and not missing:
                outcome.state, outcome.detail = "done", ""
                return
            age = max(0.0, time.time() - state.started)
            # one that ran before this run gets its time too: what it depends on may have been replaced
            waited = min(age, time.monotonic() - self._began)
            looping = state.restarts >= _MANY_RESTARTS and (not state.running or age < _MOMENT)
            limit = spec.start_timeout + (spec.ready.timeout if healthy and spec.ready else 0)
            if state.status in ("exited", "dead") or looping or waited > limit:
                outcome.state, outcome.detail = "failed", self._explain(spec, state, waited, missing)
                return
            if time.monotonic() > self._deadline:
                outcome.state, outcome.detail = "waiting", f"{waited:.0f} s"
                return
            time.sleep(spec.ready.interval if missing and spec.ready else _PROBE_INTERVAL)

    def _explain(self, spec: ContainerSpec, state: ContainerState, waited: float, missing: str) -> str:
        if missing:
            what, probe = f"healthy, but not ready after {waited:.0f} s: {missing}", ""
        elif state.running:
            what = f"not healthy after {waited:.0f} s"
            probe = health.probe(self._engine, spec.name, spec.healthcheck).output if spec.healthcheck else ""
        else:
            what, probe = f"{state.status} with exit code {state.exit_code}", ""
        if state.restarts:
            what += f", restarted {state.restarts} times"
        parts = [what, f"health check says: {probe}" if probe else "", f"its last output:\n{self._engine.logs(spec.name)}"]
        return "; ".join(part for part in parts if part)

    # -- jobs ---------------------------------------------------------------------------------------------------

    def _job(self, job: JobSpec, created_databases: t.Container[str], outcome: Outcome) -> None:
        image_id = self._image(job.container)
        created = () if job.name in self._finished_jobs else created_databases
        planned = plan_job(job, image_id, self._state.get("jobs", job.name), created)
        vars(outcome).update(vars(planned))
        if outcome.changed:
            self._engine.refuse_foreign(jobs.container_name(job.name), self._cloud)
        if outcome.changed and not self._check:
            jobs.run(self._engine, job, image_id, self._cloud)
            self._state.put("jobs", job.name, job.marker(image_id))
        outcome.state = "done"


def _guarded(prefixes: list[str], current: ContainerState) -> list[protected_processes.Process]:
    """Return the processes that must outlive the container; refuse to stop it if it would take one of them with it."""
    guarded = protected_processes.find(prefixes) if prefixes else []
    refusal = protected_processes.error(guarded, current.id)
    if refusal:
        raise EngineError(f"{current.name} is not stopped: {refusal}")
    return guarded


def _survived(spec: ContainerSpec, guarded: list[protected_processes.Process]) -> None:
    lost = (
        {process.pid for process in guarded} - {process.pid for process in protected_processes.find(spec.protected_processes)}
        if guarded
        else set()
    )
    if lost:
        raise EngineError(f"replaced, but these processes did not survive: pid {', '.join(map(str, sorted(lost)))}")
