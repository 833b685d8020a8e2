# SPDX-License-Identifier: Apache-2.0
"""A run in few lines: where its time went, and what it changed. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

#: Lines that fit a small terminal, with the recap of Ansible above them.
HEIGHT = 22
#: Seconds from which a task is worth a line, and a play without such tasks.
_TASK, _PLAY = 2.0, 0.1
_TASKS_OF_A_PLAY = 3
_NAMES = 5

_PAST = {
    "create": "created",
    "replace": "replaced",
    "restart": "restarted",
    "start": "started",
    "reload": "reloaded",
    "update": "updated without a restart",
    "run": "run",
    "remove": "removed",
}


@dataclasses.dataclass
class Play:
    """A play and its tasks, each with its seconds."""

    name: str
    seconds: float
    tasks: list[tuple[str, float]] = dataclasses.field(default_factory=list)


def changes(result: t.Mapping[str, t.Any]) -> list[tuple[str, str]]:
    """Return what a task changed, as pairs of a change such as ``container replaced`` and a name."""
    found = [
        (f"{item['kind']} {_PAST[item['action']]}", item["name"])
        for item in result.get("outcomes") or []
        if item.get("action", "none") != "none" and item.get("state") == "done"
    ]
    written = result.get("changes") or []
    return found + [("file written", item["path"]) for item in written if isinstance(item, dict) and "path" in item]


def lines(plays: t.Sequence[Play], changed: t.Mapping[str, t.Iterable[tuple[str, str]]], height: int = HEIGHT) -> list[str]:
    """Return the summary in at most *height* lines: changes by host, then plays, with as many of their slowest tasks as fit."""
    text = [f"  {host}: {_by_kind(found)}" for host, found in changed.items()]
    if len(text) > height // 2:
        text = [*text[: height // 2 - 1], f"  and {len(text) - height // 2 + 1} more hosts"]
    visible = [play for play in plays if play.seconds >= _PLAY]
    left = height - len(text) - len(visible) - 1
    slow = [
        (seconds, number, task)
        for number, play in enumerate(visible)
        for task, seconds in sorted(play.tasks, key=lambda item: -item[1])[:_TASKS_OF_A_PLAY]
        if seconds >= _TASK and len(play.tasks) > 1
    ]
    kept = sorted(slow, reverse=True)[: max(0, left)]
    for number, play in enumerate(visible):
        text.append(f"{play.seconds:7.1f} s  {play.name}")
        text += [f"{seconds:11.1f} s  {task}" for seconds, at, task in kept if at == number]
    return [*text, f"{sum(play.seconds for play in plays):7.1f} s  total"]


def _by_kind(changed: t.Iterable[tuple[str, str]]) -> str:
    """Return changes by kind, such as ``2 containers replaced (glance_api, memcached), 1 file written (...)``."""
    names: dict[str, list[str]] = {}
    for change, name in changed:
        if name not in names.setdefault(change, []):
            names[change].append(name)
    parts = []
    for change, who in names.items():
        noun, _space, verb = change.partition(" ")
        some = ", ".join(who[:_NAMES]) + (", ..." if len(who) > _NAMES else "")
        parts.append(f"{len(who)} {noun}{'' if len(who) == 1 else 's'} {verb} ({some})")
    return "; ".join(parts)
