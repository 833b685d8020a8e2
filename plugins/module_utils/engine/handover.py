# SPDX-License-Identifier: Apache-2.0
"""How a running container leaves before it is stopped for a change, and how its successor shows that it has taken over."""

from __future__ import annotations

import json

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import ContainerCommand
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import LABEL_BEFORE_STOP, BeforeStop, ContainerSpec

#: Seconds that one try of a ready check may take.
_ONE_TRY = 30


def kept(state: ContainerState) -> BeforeStop:
    """Return what comes before the stop of a container that is not defined any more, as its label says."""
    return dataclass_spec.construct(BeforeStop, json.loads(state.labels.get(LABEL_BEFORE_STOP) or "{}"))


def check_stop(engine: Engine, state: ContainerState, before: BeforeStop) -> None:
    """Refuse to stop a running container that must not stop now.

    Raises:
        EngineError: with the output of its stop check.
    """
    if before.stop_check and state.status == "running":
        remedy = f"fix that and run it again; to change it anyway, stop it first (docker stop {state.name})"
        _succeed(engine, state, before.stop_check, "its stop check failed", remedy)


def other_members(engine: Engine, state: ContainerState, clustered: bool) -> list[str]:
    """Return the addresses of the members that a running one leaves behind if its successor is none; what they write would be lost.

    Args:
        clustered: whether its successor is a member too.

    Raises:
        EngineError: with the output of its leave command, if that fails.
    """
    if clustered or state.status != "running" or not (leave := kept(state).leave):
        return []
    return _succeed(engine, state, leave, "it must not leave its cluster", "fix that and run it again").split()


def drain(engine: Engine, state: ContainerState, before: BeforeStop) -> None:
    """Make a running container hand over its work.

    Raises:
        EngineError: with the output of its drain command, if that fails.
    """
    if before.drain and state.status == "running":
        _succeed(engine, state, before.drain, "its drain command failed", "fix that and run it again")


def not_ready(engine: Engine, spec: ContainerSpec) -> str:
    """Return why a healthy container has not taken up its work yet, or an empty text."""
    if spec.ready is None:
        return ""
    try:
        result = engine.exec(spec.name, spec.ready.command, timeout=_ONE_TRY)
    except EngineError as error:  # it stopped in between
        return str(error)
    return f"ready check says: {result.output or f'exit code {result.rc}'}" if result.rc else ""


def _succeed(engine: Engine, state: ContainerState, step: ContainerCommand, failure: str, remedy: str) -> str:
    result = engine.exec(state.name, step.command, timeout=step.timeout)
    if result.rc:
        why = f"no answer within {step.timeout} s" if result.rc == 124 else f"exit code {result.rc}"
        output = f": {result.output}" if result.output else ""
        raise EngineError(f"{state.name} is not stopped, because {failure} ({why}){output}; {remedy}")
    return result.stdout
