# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""How long each phase of a run took."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: aggregate
short_description: How long each phase of a run took
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Prints the duration of each play and of its longest tasks when the run ends.
requirements: [enable in configuration]
"""

import time
import typing as t

from ansible.plugins.callback import CallbackBase

#: Tasks shown for a play, and the seconds from which one is worth showing.
_TASKS = 3
_SECONDS = 2.0


class CallbackModule(CallbackBase):
    """Keeps the time of plays and tasks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "caisson.openstack.phases"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Start the clock."""
        super().__init__()
        self._started = time.monotonic()
        self._plays: list[tuple[str, float, list[tuple[str, float]]]] = []

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Note the start of a play."""
        self._plays.append((play.get_name().strip(), time.monotonic(), []))

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """Note the start of a task."""
        self._plays[-1][2].append((task.get_name().rpartition(" : ")[2], time.monotonic()))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Print the durations."""
        now = time.monotonic()
        self._display.banner("TIME")
        ends = [*(started for _name, started, _tasks in self._plays[1:]), *([now] if self._plays else [])]
        for (name, started, tasks), end in zip(self._plays, ends, strict=True):
            self._display.display(f"{end - started:7.1f} s  {name}")
            marks = [*(begun for _task, begun in tasks[1:]), *([end] if tasks else [])]
            spent = sorted(((mark - begun, task) for (task, begun), mark in zip(tasks, marks, strict=True)), reverse=True)
            for seconds, task in spent[:_TASKS]:
                if seconds >= _SECONDS and len(tasks) > 1:
                    self._display.display(f"{seconds:11.1f} s  {task}")
        self._display.display(f"{now - self._started:7.1f} s  in all")
