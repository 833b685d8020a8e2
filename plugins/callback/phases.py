# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""How far a run is, and what it did in which time."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: aggregate
short_description: How far a run is, and what it did in which time
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Says at each task how many of the play have begun and how long the run has taken.
  - Ends with a summary that fits a screen, containers and files that were changed on each host, and where the time went.
requirements: [enable in configuration]
"""

import time
import typing as t

from ansible.plugins.callback import CallbackBase

from ansible_collections.caisson.openstack.plugins.plugin_utils.output import run_summary


class CallbackModule(CallbackBase):
    """Keeps the time of plays and tasks, and what was changed."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "caisson.openstack.phases"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Start the clock."""
        super().__init__()
        self._started = self._mark = time.monotonic()
        self._plays: list[run_summary.Play] = []
        self._tasks = 0
        self._changes: dict[str, list[tuple[str, str]]] = {}

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Note the start of a play, and how many tasks it has."""
        self._lap()
        self._plays.append(run_summary.Play(play.get_name().strip(), 0.0))
        # without the flushes of handlers that the engine of Ansible puts between
        self._tasks = sum(
            1 for block in play.compile() for task in block.get_tasks() if task.action not in ("meta", "ansible.builtin.meta")
        )

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """Note the start of a task and say how far the run is."""
        self._lap()
        tasks, name = self._plays[-1].tasks, task.get_name().rpartition(" : ")[2]
        tasks.append((name, 0.0))
        seconds = time.monotonic() - self._started
        # Ansible's own line comes with the first result where it is told not to show what is skipped
        self._display.display(f"{seconds:.0f} s, task {len(tasks)} of {max(self._tasks, len(tasks))}: {name}")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Note what a task changed."""
        found = run_summary.changes(result._result) if result._result.get("changed") and not result._task.check_mode else []
        if found:
            self._changes.setdefault(result._host.get_name(), []).extend(found)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Print the summary."""
        self._lap()
        self._display.banner("SUMMARY")
        for line in run_summary.lines(self._plays, self._changes):
            self._display.display(line)

    def _lap(self) -> None:
        """Give the time since the last mark to the play and the task that had it."""
        now = time.monotonic()
        if self._plays:
            play = self._plays[-1]
            play.seconds += now - self._mark
            if play.tasks:
                name, seconds = play.tasks[-1]
                play.tasks[-1] = (name, seconds + now - self._mark)
        self._mark = now
