# SPDX-License-Identifier: Apache-2.0
"""Files that are written in one step, and that only their owner may read unless something else is said."""

from __future__ import annotations

import os
import pathlib
import tempfile

MODE = 0o600


def write(path: pathlib.Path, content: str | bytes, mode: int = MODE) -> None:
    """Write *content* in one step, so that a killed run leaves the old file or the new one.

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
    except BaseException:
        pathlib.Path(scratch).unlink(missing_ok=True)
        raise
