# SPDX-License-Identifier: Apache-2.0
"""A rollout that is killed again and again ends well, and cannot be taken back once it is final."""

from __future__ import annotations

import os
import random
import re
import time
import typing as t

from tests.molecule.upgrade import COMPUTES, RELEASES, Guest, UpgradedCloud, release, unwell

AFTER = release(RELEASES[1])


def under_way(cloud: UpgradedCloud, seconds: float) -> t.Callable[[], bool]:
    """Return what is true so many seconds after a run that is about to begin has taken the rollout on."""
    before = cloud.journal().get("holder")
    ends: list[float] = []

    def seen() -> bool:
        if not ends and cloud.journal().get("holder") not in (None, before):
            ends.append(time.monotonic() + seconds)
        return bool(ends) and time.monotonic() > ends[0]

    return seen


def test_a_rollout_that_is_killed_again_and_again_ends_well(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    seed = int(os.environ.get("CAISSON_SEED", "0")) or random.randrange(1, 2**32)
    print(f"seed {seed}; CAISSON_SEED={seed} repeats it")
    chance, kills = random.Random(seed), int(os.environ.get("CAISSON_KILLS", "20"))
    before, began = cloud.everything(), cloud.started("compute2")
    # what comes to its end between two kills is taken back, and that is killed as well
    verb, other = "upgrade", "rollback"
    while kills:
        killed, text = cloud.play_until(under_way(cloud, chance.uniform(0, 90)), verb, *AFTER)
        kills -= killed
        if not killed:
            assert not unwell(text), text[-3000:]
            print(f"{verb} came to its end, with {kills} kills to come")
            verb, other = other, verb
    if verb == "rollback":
        cloud.play("rollback", *AFTER)
        assert cloud.everything() == before
    cloud.play("upgrade", *AFTER)
    assert cloud.moved(before) == {(move["host"], move["container"]) for move in cloud.journal()["updates"]}
    assert {("compute1", "nova_compute"), ("compute2", "nova_compute"), ("control1", "keystone_api")} <= cloud.moved(before)
    assert cloud.unharmed(guests)
    now = cloud.started("compute2")
    same = {"libvirt", "openvswitch_vswitchd", "ovn_controller"}
    assert {name: now[name] for name in same} == {name: began[name] for name in same}


def test_afterwards_the_servers_answer_and_new_ones_too(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    for guest in guests:
        cloud.hosts["control1"].run_expect([0], f"timeout 10 bash -c '</dev/tcp/{guest.address}/22'")
    cloud.play("verify", *AFTER, "-e", f"verify_hypervisors={','.join(COMPUTES)}")


def test_what_is_final_cannot_be_taken_back(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    cloud.play("finalize", *AFTER)
    assert "there is nothing to rollback" in cloud.play("rollback", *AFTER, check=False)
    cloud.play("status", *AFTER)
    assert cloud.unharmed(guests)


def test_a_site_after_it_changes_nothing(cloud: UpgradedCloud) -> None:
    text = cloud.play("site", *AFTER)
    assert {int(count) for count in re.findall(r"changed=(\d+)", text)} == {0}


def test_the_public_suite_passes_afterwards(cloud: UpgradedCloud) -> None:
    cloud.smoke(*AFTER)
