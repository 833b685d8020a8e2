# SPDX-License-Identifier: Apache-2.0
"""What HAProxy says of the servers behind it. Pure; the format is that of ``show stat`` in its management guide, section 9.1."""

from __future__ import annotations

import csv
import re
import typing as t

_ADMIN_STATE = "srv_admin_state"
#: Bits of the administrative state: by a command or an agent, not by the configuration.
_FORCED_MAINTENANCE = 1
_FORCED_DRAIN = 8

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


def lasting(rows: Rows, backends: t.Iterable[str], server: str) -> list[str]:
    """Return those of *backends* in which a connection is no request, so that it may last for ever."""
    return [backend for backend in backends if _server(rows, backend, server).get("mode") == "tcp"]


def drained(text: str, backends: t.Iterable[str], server: str) -> list[str]:
    """Return those of *backends* in which *server* is kept out by hand, drained or in maintenance, whether it is up or not.

    Args:
        text: the answer to ``show servers state``. The table of ``show stat`` calls one that is down and drained just down.
    """
    kept_out = {
        row["be_name"]
        for row in _states(text)
        if row["srv_name"] == server and int(row[_ADMIN_STATE]) & (_FORCED_DRAIN | _FORCED_MAINTENANCE)
    }
    return [backend for backend in backends if backend in kept_out]


def all_drained(text: str) -> list[tuple[str, str]]:
    """Return backend and name of every server that is drained by the answer *text* to ``show servers state``.

    Maintenance is only ever an operator's wish.
    """
    return [(row["be_name"], row["srv_name"]) for row in _states(text) if int(row[_ADMIN_STATE]) & _FORCED_DRAIN]


def drained_states(text: str) -> str:
    """Return what HAProxy reads at its start of the answer *text* to ``show servers state``: only servers that were drained by hand.

    Of all others the health checks tell more than a file from the past.

    Raises:
        ValueError: if the text is no such table.
    """
    drained = [" ".join(row.values()) for row in _states(text) if int(row[_ADMIN_STATE]) & _FORCED_DRAIN]
    return "\n".join([*text.strip().splitlines()[:2], *drained, ""])


def _states(text: str) -> list[dict[str, str]]:
    """Return a row for each server. The format is that of HAProxy's management guide, section 9.3.

    Raises:
        ValueError: if the text is no such table.
    """
    lines = text.strip().splitlines()
    if len(lines) < 2 or not lines[1].startswith("# ") or _ADMIN_STATE not in lines[1].split():
        raise ValueError(f"this is not a table of the states of servers: {text[:80]!r}")
    names = lines[1][2:].split()
    return [dict(zip(names, line.split(), strict=False)) for line in lines[2:]]


def former_workers(text: str) -> list[str]:
    """Return the process ids of the workers of former configurations in the answer *text* of the master to ``show proc``."""
    former = text.partition("# old workers\n")[2]
    rows = former.partition("\n#")[0].splitlines()
    return [row.split()[0] for row in rows if row.strip()]


def sessions(text: str, backends: t.Collection[str], server: str) -> list[str]:
    """Return those in the answer *text* to ``show sess`` that connect a client with *server* in one of *backends*."""
    found = re.findall(r"^(0x[0-9a-f]+): .* be=(\S+) srv=(\S+) ", text, re.MULTILINE)
    return [session for session, backend, name in found if backend in backends and name == server]


def requests(rows: Rows, backends: t.Iterable[str], server: str) -> int:
    """Return how many requests *server* has in *backends*, queued ones included."""
    found = [_server(rows, backend, server) for backend in backends]
    return sum(int(row.get("scur") or 0) + int(row.get("qcur") or 0) for row in found)


def down(rows: Rows, backends: t.Iterable[str], server: str) -> int:
    """Return in how many of *backends* the server is not up."""
    return sum(not _up(_server(rows, backend, server)) for backend in backends)
