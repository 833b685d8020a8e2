# SPDX-License-Identifier: Apache-2.0
"""Whether containers stay up after a step of a rollout. No connection, no clock."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mark:
    """What a container was at the end of its step: its identifier, and how often the engine had started it again by then."""

    id: str
    restarts: int


def mark(state: ContainerState) -> Mark:
    """Return the mark of a container as it is."""
    return Mark(id=state.id, restarts=state.restarts)


def remaining(states: t.Iterable[ContainerState], soak: float, uptime: float, now: float) -> float:
    """Return for how many seconds containers have to be watched.

    Args:
        soak: seconds that they are watched in any case.
        uptime: seconds since its start after which each counts as steady.
        now: seconds since 1970.
    """
    return max([soak, *(uptime - (now - state.started) for state in states)])


def fault(before: Mark, state: ContainerState | None, healthy: t.Callable[[ContainerState], bool]) -> str:
    """Return why a container did not stay up, or nothing if it did.

    Args:
        state: what it is now; None if it is not there.
        healthy: asks a running one for work.
    """
    if state is None or state.id != before.id:
        return "removed or replaced by somebody else"
    # the engine counts anew after a start by hand, which is no crash
    restarts = state.restarts - before.restarts
    if restarts > 0:
        return f"restarted {restarts} times"
    if not state.running:
        return f"{state.status} with exit code {state.exit_code}"
    return "" if state.health != "unhealthy" and healthy(state) else "healthy before, and not any more"
