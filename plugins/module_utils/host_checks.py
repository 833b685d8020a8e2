# SPDX-License-Identifier: Apache-2.0
"""What must be true of a host before anything is changed on it. Pure decisions on what was read."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

#: Debian releases that the collection is made for.
DEBIAN = ("12", "13")
PYTHON = (3, 11)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a host is; sizes in MiB, addresses as text."""

    distribution: str
    version: str
    python: tuple[int, int]
    uid: int
    memory: int
    disk: int
    addresses: tuple[str, ...]
    needed_addresses: t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the inventory asks of the host; sizes in MiB."""

    address: str
    memory: int
    disk: int
    external_network: str


def faults(seen: Seen, wanted: Wanted) -> list[str]:
    """Return a sentence for each thing that is not as it must be."""
    return [*_system(seen), *_size(seen, wanted), *_addresses(seen, wanted)]


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
    if seen.disk < wanted.disk:
        yield f"/var/lib has {seen.disk} MiB free; {wanted.disk} are needed (host_minimum_disk)"


def _addresses(seen: Seen, wanted: Wanted) -> t.Iterator[str]:
    try:
        address = ipaddress.ip_address(wanted.address)
    except ValueError:
        yield f"cloud_address is '{wanted.address}', which is not an IP address"
        return
    if not address.is_loopback and wanted.address not in seen.addresses:
        yield f"cloud_address {wanted.address} is not an address of this host (it has: {', '.join(seen.addresses) or 'none'})"
    if not wanted.external_network:
        return
    try:
        network = ipaddress.ip_network(wanted.external_network, strict=False)
    except ValueError:
        yield f"the floating range '{wanted.external_network}' is not a network such as 198.51.100.0/24"
        return
    for needed, what in seen.needed_addresses.items():
        if ipaddress.ip_address(needed) in network:
            yield f"the floating range {network} holds {needed}, which this host needs ({what}); choose another range"
