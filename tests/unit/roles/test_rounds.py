# SPDX-License-Identifier: Apache-2.0
"""The tasks that a run without changes takes."""

from __future__ import annotations

import pathlib

from tests import plays

ROOT = pathlib.Path(__file__).parents[3]
#: The tasks of a run without changes, in their order. Each costs every run and every host, also where it is skipped.
ROUNDS = [
    "check | Check the inventory",
    "check | Read the secrets",
    "check | Check the host",
    "check | Check that hosts share the same directories",
    "check | Compare the hosts with each other",
    "read | Read the journals of the rollout",
    "host_capabilities | Detect what the host offers",
    "secrets | Generate missing secrets",
    "model | Validate and template the definitions",
    "observe | Compare the host, the databases and the catalog with the model",
    "plan | Make the plan",
    "claim | Lock the host for this run",
]


def test_a_run_without_changes_takes_no_more_tasks_than_it_has_to() -> None:
    command = plays.command(str(ROOT / "inventory/aio/hosts.yml"), "caisson.openstack.site", "--list-tasks")
    text = plays.run(ROOT, command, check=True).stdout
    tasks = [line.partition("\tTAGS:")[0].rpartition(" : ")[2] for line in text.splitlines() if " : " in line]
    assert tasks[: tasks.index("End here in check mode or without changes")] == ROUNDS
