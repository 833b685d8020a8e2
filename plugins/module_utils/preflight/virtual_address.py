# SPDX-License-Identifier: Apache-2.0
"""Whether a host can take an address that several hosts share, and who has it."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import json
import socket
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import commands
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.interfaces import Interface

#: Seconds in which a machine that has the address answers.
_PATIENCE = 1.0
_INTERVAL = 0.1  # seconds
#: A port on which nobody needs to listen: to send a packet there, the kernel asks who has the address.
_DISCARD = 9


@dataclasses.dataclass(frozen=True)
class VirtualAddress:
    """An address that several hosts share, and the interface of this one that gets it; each with the variable that says so."""

    address: str
    interface: str = ""
    setting: str = "cloud_api_address"
    interface_setting: str = "keepalived_interface"


def errors(interfaces: t.Mapping[str, Interface], asked: VirtualAddress) -> t.Iterator[str]:
    """Yield why a host cannot take an address.

    Nothing is said if the address is none, or if the host has no interface because it lacks its own address: other checks say so.
    """
    try:
        virtual = ipaddress.ip_address(asked.address)
    except ValueError:
        return
    if not asked.interface:
        return
    found = interfaces.get(asked.interface)
    if found is None:
        have = ", ".join(name for name in sorted(interfaces) if name != "lo")
        yield f"{asked.interface_setting} is '{asked.interface}', and this host has no such network interface (it has: {have or 'none'})"
        return
    # an address without a network is a virtual one, maybe this one
    networks = [own.network for own in map(ipaddress.ip_interface, found.addresses) if own.network.num_addresses > 1]
    if not any(virtual in network for network in networks):
        where = f"the networks of interface {asked.interface}" + (
            f" ({', '.join(map(str, networks))})" if networks else ", which has no address"
        )
        yield (
            f"{asked.setting} {asked.address} is not in {where}, so others in its network would not find it on this host: take a free "
            f"address there, or set {asked.interface_setting} to the interface that is in its network"
        )


def is_here(interfaces: t.Mapping[str, Interface], address: str) -> bool:
    """Return whether this host has *address* now."""
    return any(text.partition("/")[0] == address for item in interfaces.values() for text in item.addresses)


def answering(address: str, interface: str) -> str:
    """Return the hardware address of the machine that has *address* in the network of *interface*; empty if none answers."""
    place = ["to", address, "dev", interface]
    # what the kernel remembers may be long past
    commands.run(["ip", "neighbour", "flush", *place])
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"", (address, _DISCARD))
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        for entry in json.loads(commands.run(["ip", "-json", "neighbour", "show", *place]).stdout or "[]"):
            if entry.get("lladdr"):
                return str(entry["lladdr"])
        time.sleep(_INTERVAL)
    return ""
