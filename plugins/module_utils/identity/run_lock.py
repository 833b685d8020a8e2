# SPDX-License-Identifier: Apache-2.0
"""Which run changes a host. The lock has a lease: a run that was killed does not keep others away for longer. No clock here."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import LEASE, Holder

#: Where a host keeps it.
DEFAULT_PATH = "/var/lib/caisson/run.json"


class LockError(ValueError):
    """Another run changes the host, or has since the plan was made; ``holder`` is that run if it may be alive."""

    def __init__(self, message: str, holder: Holder | None = None) -> None:
        super().__init__(message)
        self.holder = holder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lock:
    """``turn`` grows with each run that changes the host, ``since`` when the holder began, in seconds since 1970."""

    turn: int = 0
    since: float = 0.0
    holder: t.Optional[Holder] = None


def read(path: str) -> Lock:
    """Return the lock of this host; a damaged one is held by nobody."""
    try:
        return dataclass_spec.load(Lock, json.loads(pathlib.Path(path).read_text(encoding="utf-8")), path)
    except (OSError, ValueError, dataclass_spec.SchemaError):
        return Lock()


def claim(lock: Lock, run: Holder, seen: int, takeover: bool) -> Lock:
    """Return the lock in the hands of *run*.

    Args:
        lock: as it is.
        run: who wants it, and the time.
        seen: the turn when the plan was made; negative if there was none.
        takeover: whether the holder is known to have ended, or its place may be taken.

    Raises:
        LockError: if another run has it, or another one had its turn since the plan was made.
    """
    other = lock.holder
    if other and other.run == run.run:
        return dataclasses.replace(lock, holder=run)
    if other and not takeover and run.seen - other.seen < LEASE:
        raise LockError(
            f"{_who(other)} has been changing this host since {_time(lock.since)} and was last seen {int(run.seen - other.seen)} s ago. "
            f"Wait for it. If that run is dead, its lock expires after {int(LEASE / 60)} minutes, or at once with -e host_takeover=true",
            other,
        )
    if 0 <= seen != lock.turn:
        by = f" ({_who(other)})" if other else ""
        raise LockError(f"another run{by} has changed this host since the plan was made: run the same command again to make a new plan")
    return Lock(turn=lock.turn + 1, since=run.seen, holder=run)


def renew(lock: Lock, run: Holder) -> Lock:
    """Return the lock with the time of *run*, which has it.

    Raises:
        LockError: if it has it no more.
    """
    if lock.holder is None or lock.holder.run != run.run:
        by = _who(lock.holder) if lock.holder else "another run"
        raise LockError(f"{by} has taken over the changes of this host; this run stops")
    return dataclasses.replace(lock, holder=run)


def release(lock: Lock, run: Holder) -> Lock:
    """Return the lock without a holder, if *run* was that."""
    return dataclasses.replace(lock, holder=None) if lock.holder and lock.holder.run == run.run else lock


def dump(lock: Lock) -> str:
    """Return the text to keep."""
    return json.dumps(dataclasses.asdict(lock), indent=1) + "\n"


def _who(holder: Holder) -> str:
    return f"{holder.who} on {holder.where} (pid {holder.pid})"


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
