# SPDX-License-Identifier: Apache-2.0
"""Control hosts are replaced by machines without data, and leave, while users read and write."""

from __future__ import annotations

import typing as t

from tests.molecule.observer import Observer
from tests.molecule.region import CONTROLS, Region


def test_a_host_whose_disk_is_lost_is_replaced(region: Region, users: t.Callable[[], Observer]) -> None:
    """The last one, which has no images; the others and hypervisors go on as they are."""
    region.whole()
    lost = CONTROLS[-1]
    others = [name for name in region.hosts if name != lost]
    before = {name: region.started(name) for name in others}
    images = region.images(lost)
    region.lose(lost)
    with users() as observer:
        region.install(lost)
        region.play("engine")
        region.play("site")
    assert not observer.failed
    assert not observer.lost(region.session())
    region.whole()
    assert region.images(lost) == images
    assert {name: region.started(name) for name in others} == before
    region.unchanged()
