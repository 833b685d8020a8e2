# SPDX-License-Identifier: Apache-2.0
"""Runs of Ansible that are killed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import typing as t


def kill(run: subprocess.Popen[t.Any]) -> None:
    """Kill a run with its workers, as a machine that goes off does; each worker has a session of its own."""
    children = [int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/stat") if _parent(path) == run.pid]
    for pid in [run.pid, *children]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.wait()


def _parent(path: pathlib.Path) -> int:
    """Return the process that started the one of ``/proc/PID/stat``."""
    try:
        # the name, in brackets, may hold anything
        return int(path.read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
