# SPDX-License-Identifier: Apache-2.0
"""Kill what a container runs, and see it come back."""

from __future__ import annotations

import os
import signal
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine import health
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine

_PATIENCE = 180  # seconds


def unsound(engine: Engine, names: t.Iterable[str]) -> list[str]:
    """Return those containers that do not run or do not do their work, asked now."""
    states = [(name, engine.container(name)) for name in names]
    return [name for name, state in states if not (state and state.running and health.healthy(engine, _unknown(state), state.healthcheck))]


def _unknown(state: t.Any) -> t.Any:
    """Return a state as if the engine had not looked yet: it looks only every half minute."""
    return type(state)(**{**vars(state), "health": "starting"})


def wait(what: str, done: t.Callable[[], bool]) -> float:
    """Return seconds until *done*."""
    started = time.monotonic()
    while not done():
        assert time.monotonic() - started < _PATIENCE, f"not within {_PATIENCE} s: {what}"
        time.sleep(0.5)
    return time.monotonic() - started


def kill(engine: Engine, name: str) -> float:
    """Kill the first process of a container; return seconds until it is there again and does its work."""
    before = engine.container(name)
    assert before
    # as the kernel does it: a kill by the engine's own command counts as the operator's wish
    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        state = engine.container(name)
        return state is not None and state.started_at != before.started_at and not unsound(engine, [name])

    return wait(f"{name} is healthy again", back)
