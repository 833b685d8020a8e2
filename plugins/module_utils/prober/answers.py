# SPDX-License-Identifier: Apache-2.0
"""The files in which the prober keeps what was answered."""

from __future__ import annotations

import pathlib
import time

from ansible_collections.caisson.openstack.plugins.module_utils.prober import availability

#: The prober writes to this file, and renames it with the suffix ``.1`` when it is large.
FILE = "answers.jsonl"


def figures(directory: pathlib.Path, since: float | None, until: float | None) -> availability.Figures:
    """Return the figures of a time.

    Args:
        directory: where the answers are.
        since: seconds since 1970; without it the start of the latest prober.
        until: seconds since 1970; without it now.

    Raises:
        OSError: if the answers cannot be read.
        ValueError: if there are none, or *until* is not after *since*.
    """
    rows: list[availability.Row] = []
    for path in (directory / f"{FILE}.1", directory / FILE):
        if path.exists():
            with path.open(encoding="utf-8", errors="replace") as stream:
                rows += availability.parse(stream)
    began = availability.began(rows)
    if began is None:
        raise ValueError(f"no prober has written to {directory}; start it first")
    return availability.figures(rows, began if since is None else since, time.time() if until is None else until)
