# SPDX-License-Identifier: Apache-2.0
"""What must be true of a host before anything is changed on it. Pure decisions on what was read."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import api_name, guest_resources, interfaces, shared_directories
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.interfaces import Bridge, Interface
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.ports import Listener, Owner, blocking
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.shared_directories import Mount, SharedDirectory

#: Debian releases that the collection is made for.
DEBIAN = ("12", "13")
PYTHON = (3, 11)
#: Seconds by which the clock of a host may differ from the controller's. Nova takes a service for down whose last report is 60 seconds
#: away from its own clock, in either direction, and reports come every ten seconds.
CLOCK_LIMIT = 30.0
#: Seconds from which a difference is worth a warning: with a time server it is a small part of one.
CLOCK_WARNING = 2.0


@dataclasses.dataclass(frozen=True)
class HostFacts:
    """What a host is; sizes in MiB, addresses as text.

    ``containers`` has the names of the cloud's containers by their ids, ``foreign`` the clouds of others by theirs, ``owners`` the
    processes behind listening sockets,
    ``engine_error`` why no usable engine answers, ``engine_options`` the text of the engine's file of options. ``ssh`` is where the run
    comes from by SSH and the interface that leads there. ``binds_any_address`` says whether the kernel lets programs listen on
    addresses that the host does not have. ``api_name_addresses`` are what the host resolves each name of the APIs
    to, ``cpus`` its processors.
    """

    distribution: str
    version: str
    python: tuple[int, int]
    uid: int
    memory: int
    disk: int
    addresses: tuple[str, ...]
    needed_addresses: t.Mapping[str, str]
    listeners: tuple[Listener, ...] = ()
    owners: t.Mapping[str, Owner] = dataclasses.field(default_factory=dict)
    containers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    foreign: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    engine_error: str = ""
    engine_options: str = ""
    interfaces: t.Mapping[str, Interface] = dataclasses.field(default_factory=dict)
    ssh: tuple[str, str] = ("", "")
    binds_any_address: bool = False
    api_name_addresses: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)
    mounts: t.Mapping[str, Mount] = dataclasses.field(default_factory=dict)
    cpus: str = ""


@dataclasses.dataclass(frozen=True)
class Port:
    """A TCP port on which a service is going to listen; ``setting`` is the variable that says so, if one does."""

    service: str
    port: int
    setting: str = ""


@dataclasses.dataclass(frozen=True)
class HostRequirements:
    """What the inventory asks of the host; sizes in MiB.

    ``api_address`` is where the load balancer of this host listens, ``public_address`` where it does so for users, ``tunnel_address``
    where tunnels to other hosts end, each empty if the host has none; ``mtu`` is the largest packet of Neutron's networks in bytes, 0 if
    nothing is asked. ``api_names`` are the names in the URLs of the APIs. ``guests`` is what a hypervisor keeps for servers and itself.
    """

    address: str
    memory: int
    disk: int
    external_network: str
    ports: tuple[Port, ...] = ()
    engine: bool = False
    bridges: tuple[Bridge, ...] = ()
    api_address: str = ""
    public_address: str = ""
    tunnel_address: str = ""
    mtu: int = 0
    api_names: tuple[api_name.ApiName, ...] = ()
    shared_directories: tuple[SharedDirectory, ...] = ()
    guests: guest_resources.GuestResources | None = None


def errors(seen: HostFacts, wanted: HostRequirements) -> list[str]:
    """Return a sentence for each thing that is not as it must be."""
    engine = [seen.engine_error] if wanted.engine and seen.engine_error else []
    return [
        *_system(seen),
        *_size(seen, wanted),
        *_addresses(seen, wanted),
        *_own_addresses(seen, wanted),
        *_interfaces(seen, wanted),
        *_api_name(seen, wanted),
        *engine,
        *engine_options(seen.engine_options),
        *_ports(seen, wanted),
        *shared_directories.errors(wanted.shared_directories, seen.mounts),
        *(guest_resources.errors(wanted.guests, seen.memory, seen.cpus) if wanted.guests else ()),
    ]


def refusal(errors: t.Sequence[str]) -> str:
    """Return the message of a host with *errors*."""
    lines = "\n".join(f"  - {error}" for error in errors)
    return f"this host cannot be part of the cloud as the inventory describes it; nothing was changed:\n{lines}"


def clock(host: float, began: float, ended: float) -> tuple[str, str]:
    """Return why the clock of a host is refused, and what to warn of; both empty if it is right, or not known to be wrong.

    Args:
        host: what it said, in seconds since 1970.
        began: the controller's clock before it was asked.
        ended: the same when the answer was there; what lies between may be due to the connection.
    """
    ahead, behind = host - ended, began - host
    difference = max(ahead, behind)
    if difference < CLOCK_WARNING:
        return "", ""
    what = f"the clock of the host is {difference:.0f} s {'ahead of' if ahead > 0 else 'behind'} the controller's"
    remedy = "synchronize the clocks of all hosts and of the machine that runs Ansible with a time server (chrony, systemd-timesyncd)"
    if difference < CLOCK_LIMIT:
        return "", f"{what}; {remedy}"
    why = "services whose clocks differ take each other for down, and tokens and certificates for expired or not yet valid"
    return f"{what}, more than the {CLOCK_LIMIT:.0f} s allowed: {why}; {remedy}", ""


def _system(seen: HostFacts) -> t.Iterator[str]:
    if seen.distribution != "debian" or seen.version.split(".")[0] not in DEBIAN:
        yield f"the host runs {seen.distribution} {seen.version}; Debian {' or '.join(DEBIAN)} is needed"
    if seen.python < PYTHON:
        have, need = (".".join(map(str, version)) for version in (seen.python, PYTHON))
        yield f"Python {have} runs the modules; at least {need} is needed (ansible_python_interpreter)"
    if seen.uid:
        yield f"modules run as user {seen.uid}; they must run as root (ansible_user: root, or become: true)"


def _size(seen: HostFacts, wanted: HostRequirements) -> t.Iterator[str]:
    if seen.memory < wanted.memory:
        yield f"the host has {seen.memory} MiB of memory; {wanted.memory} are needed (host_minimum_memory)"
    # the containers of a cloud that is there have taken their part
    if seen.disk < wanted.disk and not seen.containers:
        yield f"/var/lib has {seen.disk} MiB free; {wanted.disk} are needed (host_minimum_disk)"


def _addresses(seen: HostFacts, wanted: HostRequirements) -> t.Iterator[str]:
    try:
        address = ipaddress.ip_address(wanted.address)
    except ValueError:
        yield f"cloud_address is '{wanted.address}', which is not an IP address"
        return
    if not address.is_loopback and wanted.address not in seen.addresses:
        yield f"cloud_address {wanted.address} is not an address of this host (it has: {', '.join(seen.addresses) or 'none'})"
    if not wanted.external_network or seen.containers:
        return
    try:
        network = ipaddress.ip_network(wanted.external_network, strict=False)
    except ValueError:
        yield f"the floating range '{wanted.external_network}' is not a network such as 198.51.100.0/24"
        return
    for needed, what in seen.needed_addresses.items():
        if ipaddress.ip_address(needed) in network:
            yield f"the floating range {network} holds {needed}, which this host needs ({what}); choose another range"


def _api_name(seen: HostFacts, wanted: HostRequirements) -> t.Iterator[str]:
    for asked in wanted.api_names:
        error = api_name.misled(asked, seen.api_name_addresses.get(asked.name, ()), "this host")
        if error:
            yield f"{asked.setting}: {error}"


def _ports(seen: HostFacts, wanted: HostRequirements) -> t.Iterator[str]:
    others: dict[str, list[int]] = {}
    for item in wanted.ports:
        for listener in blocking(seen.listeners, wanted.address, item.port):
            owner = seen.owners.get(listener.inode)
            # without its engine nobody can tell whose container it is
            if owner and owner.container and (owner.container in seen.containers or seen.engine_error):
                continue
            if owner and owner.container in seen.foreign:
                others.setdefault(seen.foreign[owner.container], []).append(item.port)
                continue
            who = f"process {owner.pid} ({owner.name})" if owner else "a process that cannot be seen"
            where = f" in container {owner.container[:12]}" if owner and owner.container else ""
            what = f"port {item.port}, on which {item.service} is to listen, is taken by {who}{where} at {listener.address}"
            yield f"{what}; stop that" + (f", or set {item.setting} to another port" if item.setting else "")
    for cloud, taken in others.items():
        yield (
            f"the host runs another cloud, '{cloud}', whose containers have {len(taken)} of the ports that are needed ({taken[0]}, ...): "
            f"if this is that cloud, set cloud_name to {cloud}; otherwise remove that one from this host first, with the playbook destroy"
        )


def _own_addresses(seen: HostFacts, wanted: HostRequirements) -> t.Iterator[str]:
    """Yield what is wrong with the further addresses that services of this host use."""
    have = f"it has: {', '.join(seen.addresses) or 'none'}"
    for address, kind in ((wanted.api_address, "api_"), (wanted.public_address, "public_")):
        if address and not _is_here(seen, address) and not seen.binds_any_address:
            yield (
                f"no network interface of this host has {address}, on which its load balancer is to listen ({have}); set "
                f"cloud_{kind}address to an address of it or give it that one; if a load balancer of your own has it, set "
                "loadbalancer_external to true"
            )
    moved = [bridge.address.partition("/")[0] for bridge in wanted.bridges if bridge.interface]
    if wanted.tunnel_address and wanted.tunnel_address not in moved and not _is_here(seen, wanted.tunnel_address):
        yield (
            f"cloud_tunnel_address {wanted.tunnel_address} is not an address of this host ({have}); set it to one that the host has, "
            "or name the interface that is to get it in openvswitch_tunnel_interface"
        )


def _is_here(seen: HostFacts, text: str) -> bool:
    """Return whether a program of this host can listen on an address; one that is none is left to the checks of the inventory."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return True
    return address.is_loopback or bool(interfaces.holding(seen.interfaces, text))


def _interfaces(seen: HostFacts, wanted: HostRequirements) -> t.Iterator[str]:
    bridges = []
    for bridge in wanted.bridges:
        try:
            ipaddress.ip_interface(bridge.address or "0.0.0.0/0")
            bridges.append(bridge)
        except ValueError:
            yield f"bridge {bridge.name} is to have '{bridge.address}', which is no address with a prefix length such as 192.0.2.11/24"
    # without its engine nobody can tell whether the cloud runs
    running = bool(seen.containers or seen.engine_error)
    yield from interfaces.errors(seen.interfaces, bridges, seen.ssh, running)
    yield from interfaces.mtu_errors(seen.interfaces, bridges, wanted.tunnel_address, wanted.mtu)


def engine_options(text: str) -> t.Iterator[str]:
    """Yield why a text cannot be the engine's file of options; an empty one has none."""
    where = "/etc/docker/daemon.json, the options of the engine,"
    remedy = "correct the file, or remove it if it is not needed; the engine would not start with it"
    try:
        if text.strip() and not isinstance(json.loads(text), dict):
            yield f"{where} is JSON, but not an object such as {{}}: {remedy}"
    except ValueError as error:
        yield f"{where} is not valid JSON: {error}; {remedy}"
