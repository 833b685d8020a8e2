# SPDX-License-Identifier: Apache-2.0
"""Servers move from one hypervisor to the other while they run, and a hypervisor is emptied for work on it."""

from __future__ import annotations

import typing as t

import pytest

from tests.molecule.pings import pinged
from tests.molecule.region import COMPUTES, Region

pytestmark = pytest.mark.hypervisors

#: Seconds without an answer while a server moves, at most: its memory is copied while it runs, and flows follow its port.
_GAP = 2


class Server(t.NamedTuple):
    """The server that the verification left running."""

    id: str
    name: str
    address: str


@pytest.fixture(scope="module")
def server(region: Region) -> Server:
    (found,) = region.ask("compute", "/servers?all_tenants=true")["servers"]
    (address,) = region.ask("network", "/v2.0/floatingips")["floatingips"]
    return Server(found["id"], found["name"], address["floating_ip_address"])


def hypervisor(region: Region, server: Server) -> str:
    """Return the hypervisor of a server, and look whether its machine is there and nowhere else."""
    machines = [name for name in COMPUTES if region.hosts[name].process.filter(comm="qemu-system-x86")]
    host = region.ask("compute", f"/servers/{server.id}")["server"]["OS-EXT-SRV-ATTR:host"]
    assert machines == [host]
    return t.cast(str, host)


@pytest.mark.parametrize("time", ["there", "back"])
def test_a_hypervisor_is_emptied_while_its_server_runs(region: Region, server: Server, time: str) -> None:
    before = hypervisor(region, server)
    # the network of the floating addresses is there
    with pinged(region.hosts["compute1"], server.address) as pings:
        text = region.play("maintenance", "-e", f"hypervisor_host={before}")
    after = hypervisor(region, server)
    print(f"from {before} to {after}")
    assert after != before
    assert f"{server.name} moves" in text
    assert pings.sent > 0
    assert pings.gap <= _GAP
    (service,) = region.ask("compute", f"/os-services?binary=nova-compute&host={before}")["services"]
    assert service["status"] == "disabled"
    region.play("maintenance", "-e", f"hypervisor_host={before}", "-e", "hypervisor_state=enabled")
    (service,) = region.ask("compute", f"/os-services?binary=nova-compute&host={before}")["services"]
    assert service["status"] == "enabled"


def test_nothing_moves_if_a_server_cannot(region: Region, server: Server) -> None:
    first = hypervisor(region, server)
    (other,) = set(COMPUTES) - {first}
    region.play("maintenance", "-e", f"hypervisor_host={other}")
    text = region.play("maintenance", "-e", f"hypervisor_host={first}", check=False)
    assert "no other hypervisor" in text
    (service,) = region.ask("compute", f"/os-services?binary=nova-compute&host={first}")["services"]
    assert service["status"] == "enabled"
    region.play("maintenance", "-e", f"hypervisor_host={other}", "-e", "hypervisor_state=enabled")


def test_afterwards_nothing_is_left_to_change(region: Region) -> None:
    region.whole()
    region.unchanged()
