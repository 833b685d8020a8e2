# SPDX-License-Identifier: Apache-2.0
"""A cloud with one control host becomes a region with three, while users read and write and a server runs."""

from __future__ import annotations

import typing as t

from tests.molecule.observer import Observer
from tests.molecule.pings import pinged
from tests.molecule.region import COMPUTES, FIRST, Region


def test_one_control_host_becomes_three(region: Region, users: t.Callable[[], Observer]) -> None:
    """Standalone databases and a broker become clusters; nothing that was stored, and no packet of the server, is lost."""
    (address,) = region.ask("network", "/v2.0/floatingips")["floatingips"]
    before = {name: region.started(name) for name in COMPUTES}
    region.play("engine")
    with users() as observer, pinged(region.hosts["compute1"], address["floating_ip_address"]) as pings:
        region.play("site")
    region.whole()
    assert not observer.failed
    assert not observer.lost(region.session())
    assert pings.lost == 0
    # the switch goes on; what asks the databases and the broker learns of the others
    for name in COMPUTES:
        same = {container for container, moment in region.started(name).items() if before[name][container] == moment}
        assert same >= {"openvswitch_db", "openvswitch_vswitchd", "ovn_controller", "libvirt"}
    assert region.holder() == FIRST
