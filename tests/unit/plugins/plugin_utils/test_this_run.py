# SPDX-License-Identifier: Apache-2.0
"""Which run this is, and whether another one has ended."""

from __future__ import annotations

import os
import socket

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Holder
from ansible_collections.caisson.openstack.plugins.plugin_utils import this_run

HERE = socket.gethostname()


def test_tasks_of_one_run_are_the_same_run() -> None:
    one, other = this_run.this_run(), this_run.this_run()
    assert one["run"] == other["run"]
    assert (one["where"], one["pid"]) == (HERE, os.getppid())
    assert other["seen"] >= one["seen"]


def test_a_run_is_told_from_one_that_had_its_number_before_or_before_a_reboot() -> None:
    _where, pid, boot, ticks = this_run.this_run()["run"].rsplit("/", 3)
    assert int(pid) == os.getppid()
    assert (len(boot), int(ticks) > 0) == (36, True)


def test_a_run_that_is_alive_has_not_ended() -> None:
    assert not this_run.has_ended(Holder(**this_run.this_run()), HERE)


def test_a_run_whose_process_is_gone_has_ended(gone: int) -> None:
    assert this_run.has_ended(_holder(gone), HERE)


def test_a_run_whose_number_another_process_has_now_has_ended() -> None:
    run = this_run.this_run()
    assert this_run.has_ended(Holder(**{**run, "run": f"{run['run']}0"}), HERE)


def test_of_a_run_on_another_machine_nothing_is_known(gone: int) -> None:
    assert not this_run.has_ended(_holder(gone, "attic"), HERE)


def test_nobody_has_not_ended() -> None:
    assert not this_run.has_ended(None, HERE)


def _holder(pid: int, where: str = HERE) -> Holder:
    return Holder(run=f"{where}/{pid}/boot/1", who="ada", where=where, pid=pid, seen=0)
