# SPDX-License-Identifier: Apache-2.0
"""Whether this host reaches others on the ports that their services are going to listen on."""

from __future__ import annotations

import dataclasses
import errno
import selectors
import socket
import time
import typing as t

#: Seconds after which a connection counts as impossible: a firewall dropped it.
TIMEOUT = 3.0


@dataclasses.dataclass(frozen=True)
class Peer:
    """Another host, its address, and TCP ports on which this host must reach it."""

    host: str
    address: str
    ports: list[int]


def unreachable(peers: t.Iterable[Peer], timeout: float = TIMEOUT) -> list[Peer]:
    """Return the peers that this host does not reach, with those ports only; all connections are tried at the same time.

    A port on which nobody listens yet is reached: the other host refuses the connection.
    """
    waiting: dict[socket.socket, tuple[Peer, int]] = {}
    failed: dict[str, list[int]] = {}
    peers = list(peers)
    with selectors.DefaultSelector() as selector:
        for peer in peers:
            for port in peer.ports:
                connection = socket.socket(socket.AF_INET6 if ":" in peer.address else socket.AF_INET, socket.SOCK_STREAM)
                connection.setblocking(False)
                if _pending(connection.connect_ex((peer.address, port))):
                    waiting[connection] = peer, port
                    selector.register(connection, selectors.EVENT_WRITE)
                else:
                    connection.close()
                    failed.setdefault(peer.host, []).append(port)
        end = time.monotonic() + timeout
        while waiting and (left := end - time.monotonic()) > 0:
            for key, _events in selector.select(left):
                connection = t.cast(socket.socket, key.fileobj)
                peer, port = waiting.pop(connection)
                if not _answered(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                    failed.setdefault(peer.host, []).append(port)
                selector.unregister(connection)
                connection.close()
    for connection, (peer, port) in waiting.items():
        connection.close()
        failed.setdefault(peer.host, []).append(port)
    return [dataclasses.replace(peer, ports=sorted(failed[peer.host])) for peer in peers if peer.host in failed]


def _answered(error: int) -> bool:
    return error in (0, errno.ECONNREFUSED)


def _pending(error: int) -> bool:
    # on the same machine a connection may be refused at once, which the selector reports as well
    return error in (0, errno.EINPROGRESS, errno.ECONNREFUSED)
