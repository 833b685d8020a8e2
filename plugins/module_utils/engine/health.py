# SPDX-License-Identifier: Apache-2.0
"""Whether a container does its work, asked at once rather than waited for."""

from __future__ import annotations

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck


def healthy(engine: Engine, state: ContainerState, check: Healthcheck | None) -> bool:
    """Return whether a running container is healthy by its own *check*.

    The engine looks only once in an interval: unless it found the container healthy the check is run here and now.
    """
    return check is None or state.health == "healthy" or probe(engine, state.name, check).rc == 0


def probe(engine: Engine, name: str, check: Healthcheck) -> ExecResult:
    """Run a health check in a container; one that stopped in between is a failed check."""
    kind, *command = check.test
    if kind == "CMD-SHELL":
        command = ["sh", "-c", *command]
    try:
        return engine.exec(name, command, timeout=check.timeout)
    except EngineError as error:
        return ExecResult(1, "", str(error))
