# SPDX-License-Identifier: Apache-2.0
"""What HAProxy says of the servers behind it. Pure; the format is that of ``show stat`` in its management guide, section 9.1."""

from __future__ import annotations

import csv
import typing as t

Rows = t.Sequence[t.Mapping[str, str]]


def parse(text: str) -> list[dict[str, str]]:
    """Return one row for each server, frontend and backend.

    Raises:
        ValueError: if the text is no such table.
    """
    lines = text.strip().splitlines()
    if not lines or not lines[0].startswith("# "):
        raise ValueError(f"this is not a table of servers: {text[:80]!r}")
    return list(csv.DictReader([lines[0][2:], *lines[1:]]))


def _server(rows: Rows, backend: str, server: str) -> t.Mapping[str, str]:
    return next((row for row in rows if (row["pxname"], row["svname"]) == (backend, server)), {})


def _up(row: t.Mapping[str, str]) -> bool:
    # "UP 1/2" is on its way down and still served
    return row.get("status", "").startswith(("UP", "no check"))


def drainable(rows: Rows, backends: t.Iterable[str], server: str) -> list[str]:
    """Return those of *backends* that are served by others than *server* too, and in which it is not drained yet."""
    found = []
    for backend in backends:
        others = [row for row in rows if row["pxname"] == backend and row["svname"] not in ("FRONTEND", "BACKEND", server)]
        if any(map(_up, others)) and _up(_server(rows, backend, server)):
            found.append(backend)
    return found


def drained(rows: Rows, backends: t.Iterable[str], server: str) -> list[str]:
    """Return those of *backends* in which *server* is kept out by hand: drained, or in maintenance."""
    return [backend for backend in backends if _server(rows, backend, server).get("status", "").startswith(("DRAIN", "MAINT"))]


def all_drained(rows: Rows) -> list[tuple[str, str]]:
    """Return backend and name of every server that is drained; maintenance is only ever an operator's wish."""
    return [(row["pxname"], row["svname"]) for row in rows if row["status"].startswith("DRAIN")]


def requests(rows: Rows, backends: t.Iterable[str], server: str) -> int:
    """Return how many requests *server* has in *backends*, queued ones included."""
    found = [_server(rows, backend, server) for backend in backends]
    return sum(int(row.get("scur") or 0) + int(row.get("qcur") or 0) for row in found)


def down(rows: Rows, backends: t.Iterable[str], server: str) -> int:
    """Return in how many of *backends* the server is not up."""
    return sum(not _up(_server(rows, backend, server)) for backend in backends)
