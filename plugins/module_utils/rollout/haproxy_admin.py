# SPDX-License-Identifier: Apache-2.0
"""Take a server out of the backends of HAProxy, and put it back, by HAProxy's admin socket."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import socket
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.module_utils.common.wait import wait_until
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import haproxy_stats

#: Name of the load balancer's container.
CONTAINER = "haproxy"

_SOCKET = "/var/lib/haproxy/admin.sock"
#: That of the master, which knows the workers of former configurations.
_MASTER_SOCKET = "/var/lib/haproxy/master.sock"
#: What new workers of HAProxy read, in the volume that outlives them and their container.
_SERVER_STATE = "/var/lib/haproxy/server-state"
_POLL_INTERVAL = 0.3  # seconds
_TIMEOUT = 10  # seconds that an answer may take

#: Sends a command and returns the answer.
Admin = t.Callable[[str], str]


class HAProxyError(Exception):
    """HAProxy refused a command; the message says which."""


@dataclasses.dataclass(frozen=True)
class ServerChange:
    """Backends in which a server changes, and what is left after the wait: requests of a drained one, backends in which it is not up."""

    backends: list[str]
    left: int = 0


def connect(path: str) -> Admin:
    """Return a function that sends a command to the admin socket *path*; it raises OSError if nobody answers."""

    def send(command: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(path)
            connection.sendall(f"{command}\n".encode())
            # the master would wait for more
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    return send


def connect_to(container: ContainerState) -> Admin:
    """Return a function that sends a command to HAProxy in a running container of this host."""
    return connect(f"/proc/{container.pid}/root{_SOCKET}")


def former_workers(container: ContainerState) -> list[Admin]:
    """Return functions that send commands to workers of former configurations, which keep their connections until these end.

    Raises:
        OSError: if HAProxy does not answer.
    """
    master = connect(f"/proc/{container.pid}/root{_MASTER_SOCKET}")
    return [functools.partial(_forward, master, worker) for worker in haproxy_stats.former_workers(master("show proc"))]


def _forward(master: Admin, worker: str, command: str) -> str:
    return master(f"@!{worker} {command}")


def keep_drained(container: ContainerState, admin: Admin) -> None:
    """Have the drained servers stay drained when HAProxy reloads or starts again.

    Raises:
        OSError: if HAProxy does not answer, or the file cannot be written.
        ValueError: if its answer cannot be understood.
    """
    states = haproxy_stats.drained_states(admin("show servers state"))
    atomic_write.write(pathlib.Path(f"/proc/{container.pid}/root{_SERVER_STATE}"), states, 0o644)


def left_drained(container: ContainerState | None) -> list[tuple[str, str]]:
    """Return backend and name of every server that the load balancer of this host sends no requests to because it was drained.

    Empty if there is no load balancer, or if it does not answer: then it does not keep requests from anybody.
    """
    if not container or not container.running:
        return []
    try:
        return haproxy_stats.all_drained(connect_to(container)("show servers state"))
    except (OSError, ValueError):
        return []


def change(
    admin: Admin,
    state: t.Literal["drained", "ready"],
    backends: t.Iterable[str],
    server: str,
    timeout: float,
    check_mode: bool,
    former: t.Callable[[], t.Iterable[Admin]] = list,
) -> ServerChange:
    """Drain *server* in those of *backends* that others serve, too, or make it ready again; wait until it has no requests, or is up.

    Connections that may last for ever, as those to a database, are ended when no new ones are made: clients connect again, to another one.

    Args:
        timeout: seconds to wait at most.
        former: returns what sends commands to the workers of former configurations.

    Raises:
        HAProxyError: if a change is refused.
        OSError: if HAProxy does not answer.
        ValueError: if its answer cannot be understood.
    """
    drain = state == "drained"
    rows = haproxy_stats.parse(admin("show stat"))
    chosen = (
        haproxy_stats.drainable(rows, backends, server) if drain else haproxy_stats.drained(admin("show servers state"), backends, server)
    )
    if check_mode or not chosen:
        return ServerChange(chosen)
    for name in chosen:
        if answer := admin(f"set server {name}/{server} state {'drain' if drain else 'ready'}").strip():
            raise HAProxyError(f"HAProxy refuses to change {name}/{server}: {answer}")
    if drain and (lasting := haproxy_stats.lasting(rows, chosen, server)):
        _end_connections(admin, lasting, server, former())

    def left() -> int:
        rows = haproxy_stats.parse(admin("show stat"))
        return haproxy_stats.requests(rows, chosen, server) if drain else haproxy_stats.down(rows, chosen, server)

    wait_until(lambda: not left(), timeout, _POLL_INTERVAL)
    return ServerChange(chosen, left())


def _end_connections(admin: Admin, backends: t.Collection[str], server: str, former: t.Iterable[Admin]) -> None:
    for name in backends:
        # it says that this server has all connections, which would overrule the drain; without one the answer is a refusal
        admin(f"clear table {name}")
        if answer := admin(f"shutdown sessions server {name}/{server}").strip():
            raise HAProxyError(f"HAProxy refuses to end the connections to {name}/{server}: {answer}")
    for worker in former:
        # it refuses what concerns a whole server
        for session in haproxy_stats.sessions(worker("show sess"), backends, server):
            worker(f"shutdown session {session}")
