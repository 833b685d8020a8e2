# SPDX-License-Identifier: Apache-2.0
"""There is a way back from each phase, and what users made meanwhile stays."""

from __future__ import annotations

import json

import pytest

from tests.molecule.upgrade import RELEASES, Guest, UpgradedCloud, other_image, release

AFTER = release(RELEASES[1])


def test_the_public_suite_passes_before(cloud: UpgradedCloud) -> None:
    cloud.smoke()


@pytest.mark.parametrize("phase", ["backed_up", "expanded"])
def test_from_a_phase_in_which_nothing_was_moved(cloud: UpgradedCloud, guests: list[Guest], phase: str) -> None:
    before, began = cloud.everything(), cloud.started("control1")
    killed, text = cloud.play_until(lambda: cloud.journal().get("phase") == phase, "upgrade", *AFTER)
    assert killed, text[-3000:]
    cloud.play("rollback", *AFTER)
    assert cloud.everything() == before
    # nothing restarts that was not moved; what pulls images and watches is no part of the cloud
    assert began.items() <= cloud.started("control1").items()
    assert cloud.unharmed(guests)


def test_half_of_it(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    before = cloud.everything()

    def half() -> bool:
        return cloud.states().get(("compute1", "compute")) == "done"

    killed, text = cloud.play_until(half, "upgrade", *AFTER)
    assert killed, text[-3000:]
    seen = cloud.moved(before)
    assert {("compute1", "nova_compute"), ("control1", "nova_conductor"), ("control1", "neutron_api")} <= seen
    assert ("compute2", "nova_compute") not in seen
    cloud.play("prober", *AFTER, "-e", "prober=stop")
    cloud.smoke(*AFTER)
    made = cloud.ask("network", "/v2.0/networks", {"network": {"name": "made-meanwhile"}})["network"]["id"]
    # what that run left is not alive any more, as its machine can tell
    cloud.play("rollback", *AFTER)
    assert cloud.everything() == before
    assert cloud.ask("network", f"/v2.0/networks/{made}")["network"]["name"] == "made-meanwhile"
    assert cloud.unharmed(guests)


def test_all_of_it(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    before = cloud.everything()
    there = cloud.unnoticed("upgrade", AFTER, guests)
    back = cloud.unnoticed("rollback", AFTER, guests)
    # those of the way back are of both
    assert all(back.asked[name] > number for name, number in there.asked.items())
    assert cloud.everything() == before


def test_the_former_release_is_updated_with_databases_that_are_ahead(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    before = cloud.everything()
    override = {"containers": [{"name": "keystone_api", "image": other_image("keystone", "other")}]}
    settings = ("-e", json.dumps({"keystone_service_overrides": override}))
    assert f"schema keystone: ahead, as the rollout to {RELEASES[1]} left it" in cloud.play("upgrade", *settings)
    cloud.play("finalize", *settings)
    assert cloud.moved(before) == {("control1", "keystone_api")}
    # without a rollout, too
    cloud.play("site")
    assert cloud.everything() == before
    assert cloud.unharmed(guests)
