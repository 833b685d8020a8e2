# SPDX-License-Identifier: Apache-2.0
"""What must be true of a host before anything is changed on it. Pure decisions on what was read."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.ports import Listener, Owner, blocking

#: Debian releases that the collection is made for.
DEBIAN = ("12", "13")
PYTHON = (3, 11)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a host is; sizes in MiB, addresses as text.

    ``containers`` has the names of the cloud's containers by their ids, ``owners`` the processes behind listening sockets,
    ``engine_fault`` why no usable engine answers.
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
    engine_fault: str = ""


@dataclasses.dataclass(frozen=True)
class Port:
    """A TCP port on which a service is going to listen; ``setting`` is the variable that says so, if one does."""

    service: str
    port: int
    setting: str = ""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the inventory asks of the host; sizes in MiB."""

    address: str
    memory: int
    disk: int
    external_network: str
    ports: tuple[Port, ...] = ()
    engine: bool = False


def faults(seen: Seen, wanted: Wanted) -> list[str]:
    """Return a sentence for each thing that is not as it must be."""
    engine = [seen.engine_fault] if wanted.engine and seen.engine_fault else []
    return [*_system(seen), *_size(seen, wanted), *_addresses(seen, wanted), *engine, *_ports(seen, wanted)]


def _system(seen: Seen) -> t.Iterator[str]:
    if seen.distribution != "debian" or seen.version.split(".")[0] not in DEBIAN:
        yield f"the host runs {seen.distribution} {seen.version}; Debian {' or '.join(DEBIAN)} is needed"
    if seen.python < PYTHON:
        have, need = (".".join(map(str, version)) for version in (seen.python, PYTHON))
        yield f"Python {have} runs the modules; at least {need} is needed (ansible_python_interpreter)"
    if seen.uid:
        yield f"modules run as user {seen.uid}; they must run as root (ansible_user: root, or become: true)"


def _size(seen: Seen, wanted: Wanted) -> t.Iterator[str]:
    if seen.memory < wanted.memory:
        yield f"the host has {seen.memory} MiB of memory; {wanted.memory} are needed (host_minimum_memory)"
    # the containers of a cloud that is there have taken their part
    if seen.disk < wanted.disk and not seen.containers:
        yield f"/var/lib has {seen.disk} MiB free; {wanted.disk} are needed (host_minimum_disk)"


def _addresses(seen: Seen, wanted: Wanted) -> t.Iterator[str]:
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


def _ports(seen: Seen, wanted: Wanted) -> t.Iterator[str]:
    for item in wanted.ports:
        for listener in blocking(seen.listeners, wanted.address, item.port):
            owner = seen.owners.get(listener.inode)
            # without its engine nobody can tell whose container it is
            if owner and owner.container and (owner.container in seen.containers or seen.engine_fault):
                continue
            who = f"process {owner.pid} ({owner.name})" if owner else "a process that cannot be seen"
            where = f" in container {owner.container[:12]}" if owner and owner.container else ""
            what = f"port {item.port}, on which {item.service} is to listen, is taken by {who}{where} at {listener.address}"
            yield f"{what}; stop that" + (f", or set {item.setting} to another port" if item.setting else "")
