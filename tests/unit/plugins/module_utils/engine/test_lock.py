# SPDX-License-Identifier: Apache-2.0
"""Locks between processes."""

from __future__ import annotations

import multiprocessing
import pathlib
import time

from ansible_collections.caisson.openstack.plugins.module_utils.engine.lock import exclusive


def test_where_nothing_may_be_changed_no_directory_is_made(tmp_path: pathlib.Path) -> None:
    with exclusive(tmp_path / "new", make=False):
        assert not (tmp_path / "new").exists()


def _hold(directory: str, ready: object, seconds: float) -> None:
    with exclusive(pathlib.Path(directory)):
        ready.set()  # type: ignore[attr-defined]
        time.sleep(seconds)


def test_the_second_waits_for_the_first_and_not_for_one_that_was_killed(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("spawn")
    for seconds, killed in ((0.5, False), (60.0, True)):
        ready, directory = context.Event(), tmp_path / "new"
        other = context.Process(target=_hold, args=(str(directory), ready, seconds))
        other.start()
        assert ready.wait(30)
        if killed:
            other.kill()
        began = time.monotonic()
        with exclusive(directory):
            waited = time.monotonic() - began
        assert 0.3 < waited < 10 or (killed and waited < 10)
        other.join()
