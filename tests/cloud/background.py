# SPDX-License-Identifier: Apache-2.0
"""Do something beside a test."""

from __future__ import annotations

import threading
import types
import typing as t


class Background:
    """Runs functions in threads while it is entered; they end soon after ``_stop`` is set."""

    def __init__(self, *work: t.Callable[[], None]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=function) for function in work]

    def __enter__(self) -> t.Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        """Wait for the last of it and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
