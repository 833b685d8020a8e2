# SPDX-License-Identifier: Apache-2.0
"""How many containers of a host may start at the same time."""

from __future__ import annotations

import threading
import typing as t


class NoSlotError(Exception):
    """As many containers are starting as may: this one has to wait until another is healthy."""


class StartSlots:
    """Bounds the containers that were changed and are not healthy yet.

    A call that ends before they are healthy frees no slot: the next call of the same task names them in *starting*.
    """

    def __init__(self, starting: t.Iterable[str] = ()) -> None:
        self.limit = 1
        self._starting = set(starting)
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Count a container among those that start.

        Raises:
            NoSlotError: if ``limit`` others do.
        """
        with self._lock:
            if len(self._starting - {name}) >= self.limit:
                raise NoSlotError
            self._starting.add(name)

    def release(self, name: str) -> None:
        """Free the slot of a container, if it has one."""
        with self._lock:
            self._starting.discard(name)
