# SPDX-License-Identifier: Apache-2.0
"""Write files in one step: a killed run, or a loss of power, leaves the old file or the new one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import stat
import tempfile
import typing as t

MODE = 0o600


def write(path: pathlib.Path, content: str | bytes, mode: int = MODE, owner: tuple[int, int] | None = None) -> None:
    """Write *content*; without an *owner* (user and group) the file belongs to this process's user.

    Raises:
        OSError: if the directory or the file system refuses; the old file is still there then.
    """
    with _replacing(path, mode, owner) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def copy(source: pathlib.Path, path: pathlib.Path) -> None:
    """Write what *source* holds, with its mode and owner.

    Raises:
        OSError: if *source* cannot be read, or the directory or the file system refuses.
    """
    status = source.stat()
    with source.open("rb") as data, _replacing(path, stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)) as stream:
        shutil.copyfileobj(data, stream)


def sync(path: pathlib.Path) -> None:
    """Have a file, or the names in a directory, on the disk, so that they outlive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _replacing(path: pathlib.Path, mode: int, owner: tuple[int, int] | None) -> t.Iterator[t.IO[bytes]]:
    """Give a stream for the new content of a file, which takes the place of the old one at the end."""
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if owner:
                os.fchown(stream.fileno(), *owner)
            os.fchmod(stream.fileno(), mode)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        pathlib.Path(scratch).replace(path)
        sync(path.parent)
    except BaseException:
        pathlib.Path(scratch).unlink(missing_ok=True)
        raise
