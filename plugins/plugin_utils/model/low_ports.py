# SPDX-License-Identifier: Apache-2.0
"""Ports below 1024, which the kernel reserves: who may listen on them, and how. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Service

#: The first port on which every process may listen (``net.ipv4.ip_unprivileged_port_start``).
FIRST_FREE = 1024
_CAPABILITY = "NET_BIND_SERVICE"
#: What the start needs on top, to become the container's own user; none of it is left to the process.
_TO_START = ("SETGID", "SETUID")


def grant(services: t.Sequence[Service]) -> list[Service]:
    """Return *services* with the right to listen below 1024 for containers that listen on public ports, if one of these is that low.

    The engine gives a capability to the first process of a container only if that is root. So it starts as root, hands the one
    capability on as an ambient one, and becomes the container's user before the command begins.
    """
    if not any(frontend.port < FIRST_FREE for service in services if service.enabled for frontend in service.frontends):
        return list(services)
    return [
        dataclasses.replace(service, containers=[_granted(item) if item.public_ports else item for item in service.containers])
        for service in services
    ]


def _granted(item: Container) -> Container:
    user, group = item.user.split(":")
    if user == "0":
        return dataclasses.replace(item, capabilities=[*item.capabilities, _CAPABILITY])
    name = _CAPABILITY.lower()
    start = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", f"--inh-caps=+{name}", f"--ambient-caps=+{name}"]
    capabilities = [*item.capabilities, _CAPABILITY, *_TO_START]
    return dataclasses.replace(item, user=f"0:{group}", capabilities=capabilities, command=[*start, *item.command])


def errors(services: t.Sequence[Service]) -> list[str]:
    """Return an error for each port below 1024 on which a container without the right is to listen."""
    found = []
    for service in services:
        able = {item.name for item in service.containers if _CAPABILITY in item.capabilities}
        ports = [(item.name, port) for item in service.containers for port in item.ports]
        ports += [(item.name, item.listen_port) for item in service.frontends]
        found += [
            f"{service.name}: port {port} of {name} is below {FIRST_FREE}, where its container may not listen; "
            "take a higher one (only public ports, those of the load balancer, may be that low)"
            for name, port in ports
            if 0 < port < FIRST_FREE and name not in able
        ]
    return found
