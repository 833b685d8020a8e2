# SPDX-License-Identifier: Apache-2.0
"""Keep two runs from working on the same thing at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import typing as t


@contextlib.contextmanager
def exclusive(directory: pathlib.Path, make: bool = True) -> t.Iterator[None]:
    """Wait until no other process works on a directory; the lock ends with the process that has it.

    A directory that does not exist is made, or, where nothing may be changed, means that nobody is at work.

    Raises:
        OSError: if the directory cannot be made or opened.
    """
    if make:
        directory.mkdir(parents=True, exist_ok=True)
    elif not directory.is_dir():
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
