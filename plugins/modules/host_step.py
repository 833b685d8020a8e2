#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Move some containers of a host to another image and configuration, or back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_step
short_description: Move some containers of a host to another image and configuration, or back
version_added: 0.1.0
description:
  - One step of a rollout, the containers of one tier on one host.
  - Before a container is changed, its specification, image and configuration are kept on the host. With O(state=reverted) it is put back
    to these, whatever the inventory says by then.
  - A container that is there already is left alone, so a step that was cut off can be taken again.
author: The caisson authors (@caisson)
options:
  cloud:
    description: Name of the cloud.
    type: str
    required: true
  rollout:
    description: Identifier of the rollout; what was kept for another one is replaced.
    type: str
    required: true
  only:
    description: Names of the containers that the step is for.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(rolled) moves the containers to what O(containers) and O(files) say.
      - V(reverted) puts back those that this rollout has moved.
      - V(prepared) runs O(jobs), those before a way back, in the images from which this rollout has moved their containers.
      - V(unpinned) sends those that have one their signal to ask anew which versions the others have.
      - V(steady) watches them for O(soak) seconds, and until each is up for O(uptime) seconds. It fails as soon as one is down, unhealthy
        or was restarted since it was V(rolled) the last time.
    type: str
    choices: [rolled, prepared, reverted, steady, unpinned]
    default: rolled
  files:
    description: Files and directories of the host, packed by M(caisson.openstack.model).
    type: str
    required: true
  root:
    description: Directory of the host below which the files live.
    type: path
    default: /etc/caisson
  soak:
    description: Seconds to watch the containers with O(state=steady).
    type: int
    default: 0
  uptime:
    description: Seconds since its start that each container has to be up with O(state=steady); for what is left of them they are watched.
    type: int
    default: 0
  patience:
    description:
      - Seconds after which the call returns although some containers are not healthy yet; RV(waiting) names them.
      - A further call goes on where this one stopped.
    type: int
    default: 600
  elapsed:
    description: Seconds that earlier calls of the same run took; they count against O(containers[].start_timeout).
    type: int
    default: 0
  parallel:
    description: Containers that are worked on at the same time.
    type: int
    default: 8
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.specifications]
attributes:
  check_mode: {support: full, description: Says in RV(moves) what would be moved and why.}
  diff_mode: {support: none, description: RV(moves) is the difference.}
"""

EXAMPLES = r"""
- name: Update the API to its new release
  caisson.openstack.host_step:
    cloud: example
    rollout: 2026.1-1a2b
    only: [nova_api, nova_metadata]
    containers: "{{ host_model.waves.service.containers }}"
    files: "{{ host_model.files }}"
"""

RETURN = r"""
moves:
  description: Containers that were moved, or would be, with image and release before and after and the reasons.
  returned: success
  type: list
  elements: dict
  sample:
    - container: nova_api
      service: nova
      image_from: sha256:0a1b
      image_to: sha256:2c3d
      new_image: true
      release_from: '2025.2'
      release_to: '2026.1'
      reasons: ['image: 0a1b -> 2c3d']
room:
  description: Directory of the engine, and the MiB that are free there.
  returned: success in check mode with O(state=rolled)
  type: dict
  sample: {directory: /var/lib/docker, free: 51200}
outcomes:
  description: What was done about each container and job, with the reasons.
  returned: always
  type: list
  elements: dict
waiting:
  description: Containers that are not healthy yet.
  returned: always
  type: list
  elements: str
unsteady:
  description: Containers that did not stay up.
  returned: failure with O(state=steady)
  type: list
  elements: str
"""

import dataclasses
import pathlib
import shutil
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree, health, lock, metrics
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import DEFAULT_URL, Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.converge import Converger, Outcome, report
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import DEFAULT_PATH, StateError, StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import soak
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshot, Snapshots

_WATCH_INTERVAL = 2.0  # seconds
_MEBIBYTE = 2**20
#: Section of the host's memory: what containers were at the end of their step.
_MARKS = "steps"


class Step:
    """A step on one host.

    Args:
        engine: the host's engine.
        params: parameters of the module.
    """

    def __init__(self, engine: Engine, params: t.Mapping[str, t.Any], check_mode: bool) -> None:
        self._engine = engine
        self._params = params
        self._check = check_mode
        self._root = pathlib.Path(params["root"])
        self._state = StateFile()
        self._snapshots = Snapshots(self._root)
        only = set(params["only"])
        self._specs = [dataclass_spec.construct(ContainerSpec, item) for item in params["containers"] if item["name"] in only]
        self._jobs = [dataclass_spec.construct(JobSpec, item) for item in params["jobs"] if item["place"] in only]

    def _converger(self, check_mode: bool) -> Converger:
        return Converger(self._engine, self._params["cloud"], self._state, check_mode, self._params["patience"], self._params["elapsed"])

    def _current(self) -> dict[str, ContainerState]:
        return self._engine.containers([f"{specs.LABEL_CLOUD}={self._params['cloud']}", specs.LABEL_CONTAINER])

    def moves(self) -> list[dict[str, t.Any]]:
        """Return the containers that are not where the step leads.

        Raises:
            EngineError: if one of them must not be stopped.
        """
        planned = self._converger(check_mode=True).converge(self._specs, [], (), self._params["parallel"])
        if refused := [f"{outcome.name}: {outcome.detail}" for outcome in planned if outcome.state == "failed"]:
            raise EngineError("; ".join(refused))
        current, wanted = self._current(), {spec.name: spec for spec in self._specs}
        return [self._move(outcome, current.get(outcome.name), wanted[outcome.name]) for outcome in planned if outcome.changed]

    def _move(self, outcome: Outcome, state: ContainerState | None, wanted: ContainerSpec) -> dict[str, t.Any]:
        sides = {"from": self._engine.inspect(state.image_id) if state else None, "to": self._engine.inspect(wanted.image)}
        labels = {side: image.labels if image else {} for side, image in sides.items()}
        ids = {side: image.id if image else "" for side, image in sides.items()}
        return {
            "container": outcome.name,
            "service": outcome.service,
            "action": outcome.action,
            "reasons": outcome.reasons,
            "impact": wanted.impact,
            **{f"image_{side}": found for side, found in ids.items()},
            # one that is not here yet is new: whoever is asked then says so
            "new_image": not ids["to"] or ids["to"] != ids["from"],
            **{f"release_{side}": recipes.release(found) for side, found in labels.items()},
            **{f"lock_{side}": found.get(recipes.LABEL_LOCK, "") for side, found in labels.items()},
        }

    def roll(self) -> tuple[list[dict[str, t.Any]], list[Outcome]]:
        """Move the containers forward; return what was moved and the outcomes."""
        moves = self.moves()
        if self._check:
            return moves, []
        moving = {move["container"] for move in moves}
        wanted = config_tree.select(config_tree.unpack(self._params["files"]), moving)
        current, written = self._current(), self._state.section("files")
        for spec in (spec for spec in self._specs if spec.name in moving):
            self._snapshots.keep(self._params["rollout"], spec, current.get(spec.name), written)
        config_tree.apply(self._root, wanted, config_tree.plan(self._root, wanted, written))
        self._state.replace("files", config_tree.digests(wanted, written))
        outcomes = self._converger(check_mode=False).converge(self._specs, self._jobs, (), self._params["parallel"])
        self._mark()
        return moves, outcomes

    def _mark(self) -> None:
        """Remember what the containers are now, and forget those that are not there any more."""
        current, known = self._current(), self._state.section(_MARKS)
        marks = {name: dataclasses.asdict(soak.mark(state)) for name, state in current.items() if name in self._params["only"]}
        self._state.replace(_MARKS, {name: value for name, value in known.items() if name in current} | marks)

    def revert(self) -> tuple[list[dict[str, t.Any]], list[Outcome]]:
        """Put back what this rollout moved; return what was moved and the outcomes."""
        kept = [snapshot for name in self._params["only"] if (snapshot := self._kept(name))]
        self._specs = [snapshot.spec for snapshot in kept if snapshot.spec]
        new = [snapshot.name for snapshot in kept if not snapshot.spec]
        moves = self.moves()
        if self._check:
            return moves, []
        for snapshot in kept:
            self._snapshots.put_back(snapshot)
            others = {path: value for path, value in self._state.section("files").items() if path.partition("/")[0] != snapshot.name}
            self._state.replace("files", others | snapshot.digests)
        converger = self._converger(check_mode=False)
        outcomes = converger.converge(self._specs, [], (), self._params["parallel"])
        current = self._current()
        services = {state.labels.get(specs.LABEL_SERVICE, "") for name, state in current.items() if name in new}
        outcomes += converger.prune(services, current.keys() - set(new))
        return moves, outcomes

    def prepare(self) -> list[str]:
        """Run the jobs before a way back; return their names.

        Raises:
            EngineError: if one fails.
        """
        kept = {job.name: self._kept(job.place) for job in self._jobs}
        due = [(job, snapshot.spec) for job in self._jobs if (snapshot := kept[job.name]) and snapshot.spec]
        for job, spec in due if not self._check else []:
            once = spec.once(job.name, job.container.command)
            done = self._engine.run_once(once, spec.image, self._params["cloud"], job.stdin.encode() or None, job.timeout)
            if done.rc not in job.ok_codes:
                raise EngineError(f"job {job.name} before the way back ended with exit code {done.rc}: {done.output[-2000:]}")
        return [job.name for job, _spec in due]

    def _kept(self, name: str) -> Snapshot | None:
        """Return the snapshot of a container, if it is of this rollout."""
        found = self._snapshots.get(name)
        return found if found and found.rollout == self._params["rollout"] else None

    def unpin(self) -> list[str]:
        """Send the containers that have one their signal; return their names."""
        names = [spec.name for spec in self._specs if spec.unpin_signal]
        for spec in (spec for spec in self._specs if spec.unpin_signal and not self._check):
            self._engine.signal(spec.name, spec.unpin_signal)
        return names

    def watch(self) -> dict[str, str]:
        """Return, as soon as there are any, the containers that do not stay up, and why, with the end of their logs."""
        current = {name: state for name, state in self._current().items() if name in self._params["only"]}
        kept = self._state.section(_MARKS)
        marks = {name: soak.Mark(**kept[name]) if name in kept else soak.mark(state) for name, state in current.items()}
        absent = {name: f"{name} is not there" for name in self._params["only"] if name not in current}
        until = time.monotonic() + soak.remaining(current.values(), self._params["soak"], self._params["uptime"], time.time())
        while True:
            faults = absent | {name: fault for name, mark in marks.items() if (fault := self._unsteady(name, mark))}
            if faults or time.monotonic() >= until:
                return faults
            time.sleep(_WATCH_INTERVAL)

    def _unsteady(self, name: str, mark: soak.Mark) -> str:
        state = self._engine.container(name)
        why = soak.fault(mark, state, lambda state: health.healthy(self._engine, state, state.healthcheck))
        output = f"; its last output:\n{self._engine.logs(name)}" if state else ""
        return f"{name}: {why}{output}" if why else ""


def _run(module: AnsibleModule) -> None:
    params = module.params
    try:
        engine = Engine(connect(params["engine_url"]))
        step = Step(engine, params, module.check_mode)
        if params["state"] == "steady":
            faults = step.watch()
            if faults:
                module.fail_json(msg="not steady: " + "\n".join(faults.values()), unsteady=list(faults))
            module.exit_json(changed=False, moves=[], outcomes=[], waiting=[])
        if params["state"] in ("prepared", "unpinned"):
            names = step.prepare() if params["state"] == "prepared" else step.unpin()
            module.exit_json(changed=bool(names), moves=[], outcomes=[], waiting=[])
        moves, outcomes = step.roll() if params["state"] == "rolled" else step.revert()
        if not module.check_mode:
            metrics.write(engine, params["cloud"])
    except (EngineError, StateError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    result, failure = report(outcomes)
    result |= {"changed": bool(moves) or result["changed"], "moves": moves}
    if module.check_mode and params["state"] == "rolled":
        directory = engine.directory()
        result["room"] = {"directory": directory, "free": shutil.disk_usage(directory).free // _MEBIBYTE}
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "cloud": {"type": "str", "required": True},
            "rollout": {"type": "str", "required": True},
            "only": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["rolled", "prepared", "reverted", "steady", "unpinned"], "default": "rolled"},
            "files": {"type": "str", "required": True, "no_log": True},
            "root": {"type": "path", "default": "/etc/caisson"},
            "containers": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(ContainerSpec)},
            "jobs": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(JobSpec)},
            "soak": {"type": "int", "default": 0},
            "uptime": {"type": "int", "default": 0},
            "patience": {"type": "int", "default": 600},
            "elapsed": {"type": "int", "default": 0},
            "parallel": {"type": "int", "default": 8},
            "engine_url": {"type": "str", "default": DEFAULT_URL},
        },
        supports_check_mode=True,
    )
    # a run whose controller was killed may still be at work on the host
    with lock.exclusive(pathlib.Path(DEFAULT_PATH).parent, make=not module.check_mode):
        _run(module)


if __name__ == "__main__":
    main()
