# SPDX-License-Identifier: Apache-2.0
"""A cloud with one control host becomes a region with three, while users read and write and a server runs, if there are hypervisors."""

from __future__ import annotations

import contextlib
import typing as t

from tests.molecule.observer import Observer
from tests.molecule.pings import pinged
from tests.molecule.region import COMPUTES, FIRST, Region

#: Seconds without an answer while the only database and the only broker start again as members of clusters, at most.
_GAP = 45


def test_one_control_host_becomes_three(region: Region, users: t.Callable[[], Observer]) -> None:
    """Standalone databases and a broker become clusters; nothing that was stored, and no packet of the server, is lost."""
    addresses = [row["floating_ip_address"] for row in region.ask("network", "/v2.0/floatingips")["floatingips"]]
    before = {name: region.started(name) for name in COMPUTES}
    region.play("engine")
    with users() as observer, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(pinged(region.hosts[COMPUTES[0]], address)) for address in addresses]
        region.play("site")
    region.whole()
    assert not observer.lost(region.session())
    assert observer.gap() <= _GAP, str(observer)
    # requests fail in that one time only
    moments = [moment for failed in observer.failed.values() for moment, _kind in failed]
    assert max(moments, default=0) - min(moments, default=0) <= _GAP, observer.failed
    assert len(servers) == len(COMPUTES[:1])
    assert not any(pings.lost for pings in servers)
    # the switch goes on; what asks the databases and the broker learns of the others
    for name in COMPUTES:
        same = {container for container, moment in region.started(name).items() if before[name][container] == moment}
        assert same >= {"openvswitch_db", "openvswitch_vswitchd", "ovn_controller", "libvirt"}
    assert region.holder() == FIRST
