# SPDX-License-Identifier: Apache-2.0
"""Polling: ask again and again until something is true or the time is over."""

from __future__ import annotations

import time
import typing as t

T = t.TypeVar("T")


def wait_until(condition: t.Callable[[], T], timeout: float, interval: float) -> T:
    """Return the first true value of *condition*, or, after *timeout* seconds, its last one.

    Args:
        condition: is called at least once, and once more at the very end.
        timeout: seconds.
        interval: seconds between two calls.
    """
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        time.sleep(min(interval, left))
    return found
