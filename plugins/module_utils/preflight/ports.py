# SPDX-License-Identifier: Apache-2.0
"""Who listens on the TCP ports of a host, as the kernel tells it in ``/proc``."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import os
import pathlib
import re
import typing as t

_LISTEN = "0A"
_CONTAINER = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Listener:
    """A listening socket; an address of all zeros stands for every address of the host."""

    address: str
    port: int
    inode: str


@dataclasses.dataclass(frozen=True)
class Owner:
    """The process behind a socket, and the id of the container that it runs in, empty for none."""

    pid: int
    name: str
    container: str = ""


def parse(text: str) -> list[Listener]:
    """Return the listening sockets in the text of ``/proc/net/tcp`` or ``/proc/net/tcp6``."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            address, _colon, port = fields[1].partition(":")
            found.append(Listener(_address(address), int(port, 16), fields[9]))
    return found


def _address(text: str) -> str:
    """Return an address of ``/proc/net``: words of four bytes, each turned round, an IPv4 address perhaps inside an IPv6 one."""
    raw = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    address = ipaddress.ip_address(raw)
    return str(getattr(address, "ipv4_mapped", None) or address)


def listening(proc: pathlib.Path = pathlib.Path("/proc")) -> list[Listener]:
    """Return every listening TCP socket of the host."""
    paths = (proc / "net" / name for name in ("tcp", "tcp6"))
    return [listener for path in paths if path.exists() for listener in parse(path.read_text())]


def blocking(listeners: t.Iterable[Listener], address: str, port: int) -> list[Listener]:
    """Return those of *listeners* beside which nobody else can listen on *port* of *address*."""
    every = ("0.0.0.0", "::")
    return [item for item in listeners if item.port == port and (item.address == address or item.address in every or address in every)]


def _targets(directory: pathlib.Path) -> t.Iterator[str]:
    """Yield what the descriptors of a process stand for; a host has thousands, so no path is made of each."""
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for entry in os.scandir(place):
            with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                yield os.readlink(entry.name, dir_fd=place)
    finally:
        os.close(place)


def owners(inodes: t.Collection[str], proc: pathlib.Path = pathlib.Path("/proc")) -> dict[str, Owner]:
    """Return the process that has each of the sockets *inodes*; one that nobody is seen to have is left out."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, Owner] = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit() or len(found) == len(wanted):
            continue
        try:
            own = {wanted[target] for target in _targets(entry / "fd") if target in wanted}
            if own - found.keys():
                container = _CONTAINER.search((entry / "cgroup").read_text())
                owner = Owner(int(entry.name), (entry / "comm").read_text().strip(), container[0] if container else "")
                found |= dict.fromkeys(own, owner)
        except OSError:  # it ended meanwhile
            continue
    return found
