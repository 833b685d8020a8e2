# SPDX-License-Identifier: Apache-2.0
"""What servers stand on moves under them: libvirt, Open vSwitch and OVN."""

from __future__ import annotations

import json

from tests.molecule.upgrade import APIS, Guest, UpgradedCloud, figures, other_image

#: Services and their containers; each service has an image of its name.
CONTAINERS = {
    "libvirt": ["libvirt"],
    "openvswitch": ["openvswitch_db", "openvswitch_vswitchd"],
    "ovn": ["ovn_controller", "ovn_nb_db", "ovn_sb_db", "ovn_northd"],
}


def overrides() -> str:
    """Return the settings that give each of the containers another image."""
    found = {}
    for service, names in CONTAINERS.items():
        image = other_image(service, "other")
        found[f"{service}_service_overrides"] = {"containers": [{"name": name, "image": image} for name in names]}
    return json.dumps(found)


def test_a_server_that_would_be_killed_forbids_it_before_anything_moves(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    host, server = cloud.hosts[guests[1].host], str(guests[1].process)
    before = cloud.everything()
    libvirt = host.check_output("docker inspect --format '{{.State.Pid}}' libvirt")
    # this test knows the layout of cgroup v1
    home, inside = (host.check_output("grep ':freezer:' /proc/%s/cgroup | cut -d: -f3", process) for process in (server, libvirt))
    host.check_output("echo %s >/sys/fs/cgroup/freezer%s/cgroup.procs", server, inside)
    try:
        text = cloud.play("upgrade", "-e", overrides(), check=False)
    finally:
        host.check_output("echo %s >/sys/fs/cgroup/freezer%s/cgroup.procs", server, home)
    assert "libvirt is not stopped: qemu-system-x86" in text, text[-3000:]
    assert "would be killed with it" in text
    assert cloud.everything() == before
    assert cloud.unharmed(guests)


def test_they_move_under_servers_and_apis(cloud: UpgradedCloud, guests: list[Guest]) -> None:
    before = cloud.everything()
    addresses = ("-e", json.dumps({"rollout_guests": [guest.address for guest in guests]}))
    found = figures(cloud.play("upgrade", "-e", overrides(), *addresses))
    print(f"to other switches: {found}")
    # with the userspace datapath pings are lost while a switch is replaced, so these are told only
    assert found.lost.keys() == {*APIS, *(guest.address for guest in guests)}
    assert not any(found.lost[name] for name in APIS)
    names = {name for service in CONTAINERS.values() for name in service}
    assert cloud.moved(before) == {place for place in before if place[1] in names}
    assert cloud.unharmed(guests)
    cloud.play("rollback")
    assert cloud.everything() == before
    assert cloud.unharmed(guests)
