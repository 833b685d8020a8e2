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
    """Return what a task changed, as pairs of a deed such as ``container replaced`` and a name."""
    found = [
        (f"{item['kind']} {_PAST[item['action']]}", item["name"])
        for item in result.get("outcomes") or []
        if item.get("action", "none") != "none" and item.get("state") == "done"
    ]
    written = result.get("changes") or []
    return found + [("file written", item["path"]) for item in written if isinstance(item, dict) and "path" in item]


def lines(plays: t.Sequence[Play], changed: t.Mapping[str, t.Iterable[tuple[str, str]]], height: int = HEIGHT) -> list[str]:
    """Return the summary in at most *height* lines: changes by host, then plays, with as many of their slowest tasks as fit."""
    told = [f"  {host}: {_deeds(deeds)}" for host, deeds in changed.items()]
    if len(told) > height // 2:
        told = [*told[: height // 2 - 1], f"  and {len(told) - height // 2 + 1} hosts more"]
    shown = [play for play in plays if play.seconds >= _PLAY]
    room = height - len(told) - len(shown) - 1
    slow = [
        (seconds, number, task)
        for number, play in enumerate(shown)
        for task, seconds in sorted(play.tasks, key=lambda item: -item[1])[:_TASKS_OF_A_PLAY]
        if seconds >= _TASK and len(play.tasks) > 1
    ]
    kept = sorted(slow, reverse=True)[: max(0, room)]
    for number, play in enumerate(shown):
        told.append(f"{play.seconds:7.1f} s  {play.name}")
        told += [f"{seconds:11.1f} s  {task}" for seconds, at, task in kept if at == number]
    return [*told, f"{sum(play.seconds for play in plays):7.1f} s  in all"]


def _deeds(deeds: t.Iterable[tuple[str, str]]) -> str:
    """Return deeds by kind, such as ``2 containers replaced (glance_api, memcached), 1 file written (...)``."""
    names: dict[str, list[str]] = {}
    for deed, name in deeds:
        if name not in names.setdefault(deed, []):
            names[deed].append(name)
    parts = []
    for deed, who in names.items():
        noun, _space, verb = deed.partition(" ")
        some = ", ".join(who[:_NAMES]) + (", ..." if len(who) > _NAMES else "")
        parts.append(f"{len(who)} {noun}{'' if len(who) == 1 else 's'} {verb} ({some})")
    return "; ".join(parts)
