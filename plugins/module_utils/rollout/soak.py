# SPDX-License-Identifier: Apache-2.0
"""Whether containers stay up after a step of a rollout: compare each with its baseline for as long as it has to be watched."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine import health
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs

_INTERVAL = 2.0  # seconds between two checks
#: Section of the state file with the baselines.
_SECTION = "steps"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
    """A container at the end of its step: its identifier, and how often the engine had restarted it by then."""

    id: str
    restarts: int

    @classmethod
    def of(cls, state: ContainerState) -> Baseline:
        """Return the baseline of a container as it is now."""
        return cls(id=state.id, restarts=state.restarts)


def keep_baselines(file: StateFile, current: t.Mapping[str, ContainerState], names: t.Container[str]) -> None:
    """Record the baselines of the containers *names*, and drop those of containers that do not exist any more."""
    kept = {name: value for name, value in file.section(_SECTION).items() if name in current}
    new = {name: dataclasses.asdict(Baseline.of(state)) for name, state in current.items() if name in names}
    file.replace(_SECTION, kept | new)


def _baselines(file: StateFile, current: t.Mapping[str, ContainerState]) -> dict[str, Baseline]:
    """Return the recorded baseline of each current container; without one its present state is the baseline."""
    kept = file.section(_SECTION)
    return {name: Baseline(**kept[name]) if name in kept else Baseline.of(state) for name, state in current.items()}


def duration(states: t.Iterable[ContainerState], soak: float, uptime: float, now: float) -> float:
    """Return for how many seconds containers have to be watched.

    Args:
        soak: seconds that they are watched in any case.
        uptime: seconds that each has to be up since its start.
        now: seconds since 1970.
    """
    return max([soak, *(uptime - (now - state.started) for state in states)])


def check(baseline: Baseline, state: ContainerState | None, healthy: t.Callable[[ContainerState], bool]) -> str:
    """Return why a container counts as failed, or nothing if it is still up and healthy.

    Args:
        state: what it is now; None if it does not exist.
        healthy: runs the health check of a running container.
    """
    if state is None or state.id != baseline.id:
        return "removed or replaced by something other than this rollout"
    # the engine resets its counter when an operator starts a container, which is no crash
    restarts = state.restarts - baseline.restarts
    if restarts > 0:
        return f"restarted {restarts} times"
    if not state.running:
        return f"{state.status} with exit code {state.exit_code}"
    return "" if state.health != "unhealthy" and healthy(state) else "was healthy, is unhealthy now"


def watch(engine: Engine, cloud: str, names: t.Sequence[str], file: StateFile, soak: float, uptime: float) -> dict[str, str]:
    """Watch containers; return, as soon as there are any, those that failed, each with the reason and the end of its log.

    Args:
        names: containers of *cloud* to watch.
        file: the state file with their baselines.
        soak: seconds that they are watched in any case.
        uptime: seconds that each has to be up since its start.

    Raises:
        EngineError: if the engine does not answer.
    """
    present = engine.containers([f"{specs.LABEL_CLOUD}={cloud}", specs.LABEL_CONTAINER])
    current = {name: state for name, state in present.items() if name in names}
    known = _baselines(file, current)
    missing = {name: f"{name}: it does not exist" for name in names if name not in current}

    def failures() -> dict[str, str]:
        return missing | {name: why for name, baseline in known.items() if (why := _failure(engine, name, baseline))}

    return wait_until(failures, duration(current.values(), soak, uptime, time.time()), _INTERVAL)


def _failure(engine: Engine, name: str, baseline: Baseline) -> str:
    state = engine.container(name)
    why = check(baseline, state, lambda state: health.healthy(engine, state, state.healthcheck))
    output = f"; its last output:\n{engine.logs(name)}" if state else ""
    return f"{name}: {why}{output}" if why else ""
