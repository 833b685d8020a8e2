# SPDX-License-Identifier: Apache-2.0
"""One run at a time changes a host."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.identity import run_lock
from ansible_collections.caisson.openstack.plugins.module_utils.identity.run_lock import Lock, LockError
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import LEASE, Holder

ADA = Holder(run="desk/1/x", who="ada", where="desk", pid=1, seen=1000.0)
BOB = Holder(run="sofa/2/y", who="bob", where="sofa", pid=2, seen=1000.0)


def _later(holder: Holder, seconds: float) -> Holder:
    return dataclasses.replace(holder, seen=holder.seen + seconds)


def test_the_second_run_is_told_who_has_the_host_and_since_when() -> None:
    held = run_lock.renew(run_lock.claim(Lock(), ADA, 0, False), _later(ADA, 60))
    with pytest.raises(LockError) as refused:
        run_lock.claim(held, _later(BOB, 100), 1, False)
    assert str(refused.value).startswith(
        "ada on desk (pid 1) has been changing this host since 1970-01-01 00:16:40 UTC and was last seen 40 s ago. Wait for it."
    )
    assert refused.value.holder == _later(ADA, 60)


def test_a_run_keeps_its_place_and_gives_it_up() -> None:
    held = run_lock.claim(Lock(turn=4), ADA, 4, False)
    assert (held.turn, held.since, held.holder) == (5, 1000.0, ADA)
    assert run_lock.claim(held, _later(ADA, 5), 0, False) == Lock(turn=5, since=1000.0, holder=_later(ADA, 5))
    free = run_lock.release(held, ADA)
    assert free == Lock(turn=5, since=1000.0)
    assert run_lock.release(held, BOB) == held
    assert run_lock.claim(free, BOB, 5, False).holder == BOB


@pytest.mark.parametrize(("seconds", "takeover"), [(LEASE, False), (1.0, True)])
def test_a_dead_run_blocks_nobody_for_longer_than_its_lease(seconds: float, takeover: bool) -> None:
    held = run_lock.claim(Lock(), ADA, 0, False)
    taken = run_lock.claim(held, _later(BOB, seconds), 1, takeover)
    assert (taken.turn, taken.holder) == (2, _later(BOB, seconds))
    with pytest.raises(LockError, match=r"bob on sofa \(pid 2\) has taken over"):
        run_lock.renew(taken, ADA)


def test_a_plan_that_another_run_has_overtaken_is_not_carried_out() -> None:
    free = run_lock.release(run_lock.claim(Lock(), ADA, 0, False), ADA)
    with pytest.raises(LockError, match="another run has changed this host since the plan was made: run the same command again"):
        run_lock.claim(free, BOB, 0, False)
    assert run_lock.claim(free, BOB, -1, False).holder == BOB


def test_it_is_kept_in_a_file_and_a_damaged_one_is_nobodys(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run.json"
    assert run_lock.read(str(path)) == Lock()
    held = run_lock.claim(Lock(), ADA, 0, False)
    path.write_text(run_lock.dump(held))
    assert run_lock.read(str(path)) == held
    path.write_text("{")
    assert run_lock.read(str(path)) == Lock()
