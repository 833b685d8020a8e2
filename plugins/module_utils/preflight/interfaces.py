# SPDX-License-Identifier: Apache-2.0
"""Network interfaces of a host: what the kernel says of them, and whether one may become a port of a bridge."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import commands

#: The kernel's datapath of Open vSwitch, which is the master of every port of every bridge in it.
OVS_SYSTEM = "ovs-system"
#: Address and prefix length, as in ``192.0.2.11/24``.
Address = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


@dataclasses.dataclass(frozen=True)
class Interface:
    """A network interface.

    ``addresses`` are those that others can reach, ``dynamic`` those of them that IPv6 routers announced, ``routes`` the destinations
    that somebody configured to go through it, ``master`` the bridge or bond that it belongs to.
    """

    name: str
    mtu: int = 1500
    addresses: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    master: str = ""


@dataclasses.dataclass(frozen=True)
class Bridge:
    """A bridge of the switch: the interface that becomes its port, by which variable, and the address that it gets; both may be empty."""

    name: str
    interface: str = ""
    address: str = ""
    setting: str = ""


def parse(links: t.Iterable[t.Mapping[str, t.Any]], routes: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, Interface]:
    """Return the interfaces in the answers of ``ip -json address show`` and ``ip -json route show table all``, by name."""
    through: dict[str, list[str]] = {}
    for route in routes:
        # routes of the kernel and of routers come and go with the addresses
        if route.get("protocol") not in ("kernel", "ra") and route.get("type", "unicast") == "unicast":
            for hop in route.get("nexthops", [route]):
                through.setdefault(hop.get("dev", ""), []).append(route["dst"])
    found = {}
    for link in links:
        # an empty mapping stands for an interface that went away meanwhile
        own = [info for info in link.get("addr_info", []) if info.get("scope") not in ("link", "host")]
        name = link.get("ifname", "")
        found[name] = Interface(
            name=name,
            mtu=int(link.get("mtu", 0)),
            addresses=tuple(_address(info) for info in own),
            dynamic=tuple(_address(info) for info in own if info.get("family") == "inet6" and info.get("dynamic")),
            routes=tuple(dict.fromkeys(through.get(name, []))),
            master=link.get("master", ""),
        )
    return found


def _address(info: t.Mapping[str, t.Any]) -> str:
    return f"{info['local']}/{info['prefixlen']}"


def read() -> dict[str, Interface]:
    """Return every interface of this host by name."""
    return parse(_ask("address", "show"), [*_ask("-4", "route", "show", "table", "all"), *_ask("-6", "route", "show", "table", "all")])


def _ask(*arguments: str) -> list[dict[str, t.Any]]:
    shown = commands.run(["ip", "-json", *arguments]).stdout
    return json.loads(shown or "[]")


def ssh_client(pid: int | None = None, proc: pathlib.Path = pathlib.Path("/proc")) -> str:
    """Return the address from which somebody came in by SSH to start process *pid*, or this one; empty if nobody did.

    sudo and its like take the variable away, so the processes that started it are asked, too.
    """
    process = pid or os.getpid()
    while process > 1:
        try:
            found = re.search(rb"(?:^|\0)SSH_CONNECTION=(\S+) ", (proc / str(process) / "environ").read_bytes())
            if found:
                return found[1].decode()
            process = int((proc / str(process) / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile, or belongs to somebody else
            break
    return ""


def towards(address: str) -> str:
    """Return the interface through which this host reaches *address*; empty if it cannot."""
    return str(next(iter(_ask("route", "get", address)), {}).get("dev", "")) if address else ""


def holding(interfaces: t.Mapping[str, Interface], address: str) -> str:
    """Return the name of the interface that has *address*; empty if none has."""
    own = ipaddress.ip_address(address)
    if own.is_loopback:
        return "lo"
    return next((item.name for item in interfaces.values() for text in item.addresses if ipaddress.ip_interface(text).ip == own), "")


def errors(interfaces: t.Mapping[str, Interface], bridges: t.Sequence[Bridge], ssh: tuple[str, str], running: bool) -> t.Iterator[str]:
    """Yield a sentence for each interface that cannot become the port of its bridge without cutting the host off.

    Args:
        ssh: where the run comes from by SSH, and the interface that leads there; both empty if it does not.
        running: whether the cloud runs on this host, so that an interface may be a port already.
    """
    taken: dict[str, str] = {}
    for bridge in (bridge for bridge in bridges if bridge.interface):
        where = f"{bridge.setting} is '{bridge.interface}'"
        if bridge.interface in taken:
            yield f"{where}, which {taken[bridge.interface]} names, too; an interface can be a port of one bridge only"
            continue
        taken[bridge.interface] = bridge.setting
        interface = interfaces.get(bridge.interface)
        if interface is None:
            have = ", ".join(name for name in sorted(interfaces) if name != "lo")
            yield f"{where}, and this host has no such network interface (it has: {have or 'none'})"
            continue
        uses = list(_uses(interface, bridge, ssh, running))
        if uses:
            remedy = "name an interface that the host does not use itself, or move its addresses and routes to another one first"
            yield f"{where}, which bridge {bridge.name} would take from this host, but {'; '.join(uses)}: {remedy}"
        if bridge.address:
            yield from _elsewhere(interfaces, bridge)


def _uses(interface: Interface, bridge: Bridge, ssh: tuple[str, str], running: bool) -> t.Iterator[str]:
    """Yield what the host itself needs an interface for."""
    if interface.name in ("lo", bridge.name):
        yield "it is the loopback interface" if interface.name == "lo" else "it is that bridge itself"
    if interface.master and not (interface.master == OVS_SYSTEM and running):
        yield f"it is a port of {'another Open vSwitch' if interface.master == OVS_SYSTEM else interface.master}"
    if "default" in interface.routes:
        yield "the default route goes through it"
    others = [route for route in interface.routes if route != "default"]
    if others:
        yield f"routes to {', '.join(others)} go through it"
    client, device = ssh
    if device == interface.name:
        yield f"the SSH connection of this run from {client} comes in through it"
    for text in interface.addresses:
        # what routers announce comes back to a port of the userspace datapath, where nobody uses it
        if text != bridge.address and not (running and text in interface.dynamic):
            yield _wrong_address(ipaddress.ip_interface(text), bridge)


def _wrong_address(address: Address, bridge: Bridge) -> str:
    if bridge.address and ipaddress.ip_interface(bridge.address).ip == address.ip:
        return f"it has {address}, and the bridge is to have {bridge.address}, with another prefix length"
    return f"it has address {address}"


def _elsewhere(interfaces: t.Mapping[str, Interface], bridge: Bridge) -> t.Iterator[str]:
    address = ipaddress.ip_interface(bridge.address).ip
    holder = holding(interfaces, str(address))
    if holder not in ("", bridge.name, bridge.interface):
        yield (
            f"{bridge.setting} is '{bridge.interface}', and bridge {bridge.name} is to have address {address}, "
            f"which interface {holder} has; name the interface that has it, or give the bridge another address"
        )


def mtu_errors(interfaces: t.Mapping[str, Interface], bridges: t.Sequence[Bridge], tunnel: str, mtu: int) -> t.Iterator[str]:
    """Yield a sentence for each interface whose packets are smaller than *mtu*, which the networks of the cloud are made for.

    Args:
        tunnel: address of this host for tunnels between hosts; packets of these are as large as *mtu*, because the networks inside
            are made smaller by what a tunnel adds.
    """
    names = {bridge.interface: bridge.setting for bridge in bridges if bridge.interface}
    inside = {bridge.address.partition("/")[0] for bridge in bridges if bridge.interface}
    if tunnel and tunnel not in inside:
        names.setdefault(holding(interfaces, tunnel), f"cloud_tunnel_address {tunnel}")
    for name, why in names.items():
        interface = interfaces.get(name)
        if interface and interface.mtu < mtu:
            yield (
                f"neutron_mtu is {mtu}, and interface {name} ({why}) has an MTU of {interface.mtu}: larger packets of servers would be "
                f"lost; set neutron_mtu: {interface.mtu} for all hosts, or raise the MTU of the interface and of the network behind it"
            )
