# SPDX-License-Identifier: Apache-2.0
"""Find out what the host's member of a cluster knows, and prepare it for its start."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine import handover
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import cluster
from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberReport, MemberStart, MemberState
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Cluster
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL_CLUSTER, BeforeStop, ContainerSpec, named_volumes


def report(engine: Engine, cloud: str, spec: ContainerSpec, definition: Cluster) -> MemberReport:
    """Return what the host's member says. Nothing is changed."""
    state = _state(engine, cloud, spec, definition)
    return MemberReport(
        cluster=definition.name or spec.name,
        container=spec.name,
        members=spec.members,
        state=state,
        recovers=definition.recover is not None,
        lost_hosts=definition.lost_hosts,
    )


def _state(engine: Engine, cloud: str, spec: ContainerSpec, definition: Cluster) -> MemberState:
    current = engine.container(spec.name)
    running = current is not None and current.status == "running"
    started_at = current.started_at if current else ""
    if not running and not engine.volumes(named_volumes(spec.volumes)):
        return MemberState(started_at=started_at)
    if current and LABEL_CLUSTER not in current.labels:
        # files of a cluster that it left may be there; they say nothing of what was written since
        return MemberState(running=running, data=True, standalone=True, started_at=started_at)
    try:
        if running:
            result = engine.exec(spec.name, definition.facts.command, timeout=definition.facts.timeout)
        else:
            result = _ask_volume(engine, cloud, spec, definition, current)
        if result.rc:
            raise ValueError(f"its facts command ended with exit code {result.rc}: {result.output[-500:]}")
        return dataclasses.replace(cluster.parse(result.stdout), running=running, started_at=started_at)
    except (EngineError, ValueError) as error:
        return MemberState(running=running, data=True, fault=str(error), started_at=started_at)


def _ask_volume(engine: Engine, cloud: str, spec: ContainerSpec, definition: Cluster, current: ContainerState | None) -> ExecResult:
    """Run the facts command in the place of a container that does not run, in the image that has made the data if that is known."""
    image_id = current.image_id if current else engine.image_id(spec.image)
    if image_id is None:
        raise EngineError(f"image {spec.image} is not on this host, so its data cannot be read; pull it (playbook pull)")
    # configuration that is not there yet would become an empty directory
    present = [mount for mount in spec.volumes if not mount.startswith("/") or pathlib.Path(mount.split(":")[0]).exists()]
    once = spec.once(f"{spec.name}_facts", definition.facts.command, volumes=present)
    return engine.run_once(once, image_id, cloud, timeout=definition.facts.timeout, name=f"{spec.name}.facts")


def before_stop(spec: ContainerSpec, current: ContainerState) -> BeforeStop:
    """Return what comes before the stop of a container; one that is no member of the cluster yet has nothing of it to hand over."""
    if spec.cluster and LABEL_CLUSTER not in current.labels:
        return handover.kept(current)
    # a program that is a file of the new definition is not in a container of the former one
    new = _targets(spec.volumes) - _targets(current.host_config.get("Binds") or [])
    steps = {step: command for step, command in vars(spec.before_stop).items() if command and command.command[0] not in new}
    return BeforeStop(**steps)


def _targets(mounts: t.Iterable[str]) -> set[str]:
    """Return where *mounts* are in their container; what is no mount is nowhere, and the engine will refuse it."""
    return {mount.split(":")[1] for mount in mounts if ":" in mount}


def check_turn(spec: ContainerSpec, current: ContainerState, start: MemberStart | None) -> None:
    """Refuse to stop a standalone server for its cluster if the decision on that was not made for the process that runs.

    Raises:
        EngineError: if so.
    """
    if not spec.cluster or LABEL_CLUSTER in current.labels or current.status != "running":
        return
    if not start:
        raise EngineError(f"{spec.name} is not replaced: it is to become a member of a cluster, which the playbook site does")
    if start.started_at != current.started_at:
        raise EngineError(f"{spec.name} is not replaced: it was restarted since this run looked at it; run it again")


def prepare(
    engine: Engine, cloud: str, spec: ContainerSpec, image_id: str, start: MemberStart | None, current: ContainerState | None = None
) -> None:
    """Run what the cluster wants before the host's member starts: its seed, join or recover command.

    A run may call this more than once, because it looks again at a member that has stopped while it waited. The decision holds for the
    process that the plan has found, *current*, and is not for another.

    Raises:
        EngineError: if that fails; the member must not start then.
    """
    command = getattr(spec.cluster, start.action, None) if start and spec.cluster else None
    if not start or not command or start.started_at != (current.started_at if current else ""):
        return
    once = spec.once(f"{spec.name}_{start.action}", command.command, env={**spec.env, **start.environment})
    result = engine.run_once(once, image_id, cloud, timeout=command.timeout, name=f"{spec.name}.{start.action}")
    if result.rc:
        raise EngineError(
            f"{spec.name} is not started, because its {start.action} command failed (exit code {result.rc}): {result.output[-2000:]}"
        )
