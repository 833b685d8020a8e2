# SPDX-License-Identifier: Apache-2.0
"""Directories that a host has once, such as /etc/caisson: tests that remove them and tests that use them take turns."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import tempfile
import typing as t

from tests.cloud import records
from tests.engine_lock import held

_LOCK = pathlib.Path(tempfile.gettempdir()) / "caisson-test-host.lock"


@contextlib.contextmanager
def exclusive() -> t.Iterator[None]:
    """Use the directories alone; what a test cloud left in them is removed before and afterwards."""
    with held(_LOCK, fcntl.LOCK_EX):
        records.clear()
        try:
            yield
        finally:
            records.clear()


@contextlib.contextmanager
def shared() -> t.Iterator[None]:
    """Use the directories while nobody removes them: what is mounted on one that is removed is gone from there everywhere."""
    with held(_LOCK, fcntl.LOCK_SH):
        yield


def clear() -> None:
    """Remove what a test cloud left in them, when nobody uses them."""
    with exclusive():
        pass
