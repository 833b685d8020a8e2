# SPDX-License-Identifier: Apache-2.0
"""Tests that use the engine of this machine, and one that kills it, take turns: both may run at the same time.

A test that uses the engine shares the lock with others. The one that kills it waits until they have ended, and keeps new ones waiting
meanwhile: without that second lock, tests that overlap would keep it waiting for ever.
"""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import tempfile
import typing as t

_LOCK, _QUEUE = (pathlib.Path(tempfile.gettempdir()) / f"caisson-test-engine.{kind}" for kind in ("lock", "queue"))


@contextlib.contextmanager
def held(path: pathlib.Path, kind: int) -> t.Iterator[None]:
    """Hold a lock of a kind of flock(2) on a file."""
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


@contextlib.contextmanager
def shared() -> t.Iterator[None]:
    """Use the engine; nobody stops it meanwhile."""
    with contextlib.ExitStack() as stack:
        with held(_QUEUE, fcntl.LOCK_EX):
            stack.enter_context(held(_LOCK, fcntl.LOCK_SH))
        yield


@contextlib.contextmanager
def exclusive() -> t.Iterator[None]:
    """Stop the engine; nobody uses it meanwhile."""
    with held(_QUEUE, fcntl.LOCK_EX), held(_LOCK, fcntl.LOCK_EX):
        yield
