# SPDX-License-Identifier: Apache-2.0
"""Files that are written in one step, and that only their owner may read unless something else is said."""

from __future__ import annotations

import os
import pathlib
import tempfile

MODE = 0o600


def write(path: pathlib.Path, content: str | bytes, mode: int = MODE) -> None:
    """Write *content* in one step, so that a killed run, or a loss of power, leaves the old file or the new one.

    Raises:
        OSError: if the directory or the file system refuses.
    """
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content.encode() if isinstance(content, str) else content)
            os.fsync(stream.fileno())
        pathlib.Path(scratch).replace(path)
        _sync(path.parent)
    except BaseException:
        pathlib.Path(scratch).unlink(missing_ok=True)
        raise


def _sync(directory: pathlib.Path) -> None:
    """Have a directory on the disk, so that a name in it outlives a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
