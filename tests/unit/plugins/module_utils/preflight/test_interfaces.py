# SPDX-License-Identifier: Apache-2.0
"""Network interfaces that a host needs itself are not given to a bridge, and those that are must carry the packets."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import interfaces
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.interfaces import Bridge, Interface

LINKS = [
    {"ifname": "lo", "mtu": 65536, "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host"}]},
    {
        "ifname": "eth0",
        "mtu": 9000,
        "addr_info": [
            {"family": "inet", "local": "192.0.2.11", "prefixlen": 24, "scope": "global"},
            {"family": "inet6", "local": "2001:db8::11", "prefixlen": 64, "scope": "global", "dynamic": True},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
        ],
    },
    {"ifname": "eth1", "mtu": 1500, "master": "bond0", "addr_info": []},
    {},
]
ROUTES: list[dict[str, t.Any]] = [
    {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
    {"dst": "192.0.2.0/24", "dev": "eth0", "protocol": "kernel"},
    {"dst": "default", "dev": "eth0", "protocol": "ra"},
    {"type": "local", "dst": "192.0.2.11", "dev": "eth0", "table": "local"},
    {"dst": "198.51.100.0/24", "protocol": "static", "nexthops": [{"dev": "eth0"}, {"dev": "eth1"}]},
]
REMEDY = "name an interface that the host does not use itself, or move its addresses and routes to another one first"
EXTERNAL = Bridge("br-ex", "eth1", "", "openvswitch_external_interface")
TUNNEL = Bridge("br-tunnel", "eth1", "10.0.0.5/24", "openvswitch_tunnel_interface")
BOTH = (
    "openvswitch_tunnel_interface is 'eth1', which openvswitch_external_interface names, too; an interface can be a port of one bridge only"
)


def _errors(
    interface: Interface | None, bridge: Bridge, *, ssh: str = "", running: bool = False, others: tuple[Interface, ...] = ()
) -> list[str]:
    have = {item.name: item for item in (Interface("lo"), *([interface] if interface else []), *others)}
    return list(interfaces.errors(have, [bridge], ("203.0.113.9", ssh) if ssh else ("", ""), running))


def test_what_the_kernel_says_is_understood() -> None:
    found = interfaces.parse(LINKS, ROUTES)
    assert found["lo"] == Interface("lo", 65536)
    assert found["eth0"] == Interface(
        "eth0", 9000, ("192.0.2.11/24", "2001:db8::11/64"), ("2001:db8::11/64",), ("default", "198.51.100.0/24")
    )
    assert found["eth1"] == Interface("eth1", 1500, routes=("198.51.100.0/24",), master="bond0")


@pytest.mark.parametrize(
    ("interface", "bridge", "ssh", "use"),
    [
        (Interface("eth1", routes=("default",)), EXTERNAL, "", "the default route goes through it"),
        (Interface("eth1", routes=("10.1.0.0/16",)), EXTERNAL, "", "routes to 10.1.0.0/16 go through it"),
        (Interface("eth1", addresses=("10.0.0.5/24",)), EXTERNAL, "", "it has address 10.0.0.5/24"),
        (Interface("eth1", addresses=("10.0.0.5/24", "10.0.0.6/24")), TUNNEL, "", "it has address 10.0.0.6/24"),
        (
            Interface("eth1", addresses=("10.0.0.5/16",)),
            TUNNEL,
            "",
            "it has 10.0.0.5/16, and the bridge is to have 10.0.0.5/24, with another prefix length",
        ),
        (Interface("eth1"), EXTERNAL, "eth1", "the SSH connection of this run from 203.0.113.9 comes in through it"),
        (Interface("eth1", master="bond0"), EXTERNAL, "", "it is a port of bond0"),
        (Interface("eth1", master="ovs-system"), EXTERNAL, "", "it is a port of another Open vSwitch"),
        (Interface("lo"), Bridge("br-ex", "lo", "", "x"), "", "it is the loopback interface"),
        (Interface("br-ex"), Bridge("br-ex", "br-ex", "", "x"), "", "it is that bridge itself"),
    ],
)
def test_an_interface_that_the_host_needs_is_refused(interface: Interface, bridge: Bridge, ssh: str, use: str) -> None:
    what = f"{bridge.setting} is '{interface.name}', which bridge {bridge.name} would take from this host, but"
    assert _errors(interface, bridge, ssh=ssh) == [f"{what} {use}: {REMEDY}"]


def test_every_use_is_named() -> None:
    used = Interface("eth1", addresses=("192.0.2.11/24",), routes=("default",))
    (error,) = _errors(used, EXTERNAL, ssh="eth1")
    assert all(word in error for word in ("the default route goes", "the SSH connection of this run", "it has address 192.0.2.11/24"))


def test_an_interface_that_does_not_exist_is_refused() -> None:
    assert _errors(None, EXTERNAL, others=(Interface("ens3"),)) == [
        "openvswitch_external_interface is 'eth1', and this host has no such network interface (it has: ens3)"
    ]


def test_a_free_interface_and_one_with_the_address_of_its_bridge_pass() -> None:
    assert _errors(Interface("eth1"), EXTERNAL, ssh="eth0") == []
    assert _errors(Interface("eth1", addresses=("10.0.0.5/24",)), TUNNEL) == []
    assert _errors(None, Bridge("br-ex", "", "198.51.100.1/24", "x")) == []


def test_a_port_of_the_running_cloud_passes() -> None:
    port = Interface("eth1", addresses=("2001:db8::5/64",), dynamic=("2001:db8::5/64",), master="ovs-system")
    bridge = Interface("br-tunnel", addresses=("10.0.0.5/24",))
    assert _errors(port, TUNNEL, ssh="br-tunnel", running=True, others=(bridge,)) == []
    assert _errors(port, TUNNEL, others=(bridge,)) != []


def test_a_running_cloud_does_not_get_an_interface_in_use() -> None:
    assert _errors(Interface("eth1", addresses=("192.0.2.11/24",)), EXTERNAL, running=True) != []


def test_an_address_is_on_one_interface_only() -> None:
    (error,) = _errors(Interface("eth1"), TUNNEL, others=(Interface("eth0", addresses=("10.0.0.5/16",)),))
    assert "bridge br-tunnel is to have address 10.0.0.5, which interface eth0 has" in error


def test_two_bridges_cannot_share_an_interface() -> None:
    found = list(interfaces.errors({"eth1": Interface("eth1")}, [EXTERNAL, TUNNEL], ("", ""), running=False))
    assert found == [BOTH]


def _mtu(mtu: int, tunnel: str = "10.0.0.5", *bridges: Bridge) -> list[str]:
    have = {"eth0": Interface("eth0", 1400, ("10.0.0.5/24",)), "eth1": Interface("eth1", 1450), "lo": Interface("lo", 65536)}
    return list(interfaces.mtu_errors(have, bridges, tunnel, mtu))


def test_packets_must_fit_the_interfaces() -> None:
    assert _mtu(1400) == _mtu(0) == _mtu(9000, "127.0.9.1") == _mtu(9000, "") == _mtu(9000, "10.0.0.99") == []
    assert _mtu(1500) == [
        "neutron_mtu is 1500, and interface eth0 (cloud_tunnel_address 10.0.0.5) has an MTU of 1400: larger packets of servers would be "
        "lost; set neutron_mtu: 1400 for all hosts, or raise the MTU of the interface and of the network behind it"
    ]
    assert [error.split(")")[0] for error in _mtu(1500, "", EXTERNAL)] == [
        "neutron_mtu is 1500, and interface eth1 (openvswitch_external_interface"
    ]
    # the tunnel leaves through the port of its bridge, whatever has its address now
    assert [error.split(")")[0] for error in _mtu(1500, "10.0.0.5", TUNNEL)] == [
        "neutron_mtu is 1500, and interface eth1 (openvswitch_tunnel_interface"
    ]


def test_an_ssh_connection_is_found_behind_sudo(tmp_path: pathlib.Path) -> None:
    for pid, parent, environment in ((30, 20, b"A=1\0"), (20, 10, b"B=2\0SSH_CONNECTION=2001:db8::9 5 192.0.2.1 22\0C=3"), (10, 1, b"")):
        directory = tmp_path / str(pid)
        directory.mkdir()
        (directory / "environ").write_bytes(environment)
        (directory / "stat").write_text(f"{pid} (a) b) S {parent} 0 0")
    assert interfaces.ssh_client(30, tmp_path) == "2001:db8::9"
    assert interfaces.ssh_client(10, tmp_path) == ""
    assert interfaces.ssh_client(99, tmp_path) == ""
    assert isinstance(interfaces.ssh_client(os.getpid()), str)
