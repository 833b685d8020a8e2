# SPDX-License-Identifier: Apache-2.0
"""How the APIs of the services are queried, by their type in the catalog, and errors in that. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.api import AgentList, Endpoint, Probe
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container, Service


@dataclasses.dataclass(kw_only=True)
class AgentQuery:
    """A query of an API for one agent; the fields are those of the classes Agent and AgentList."""

    api: str
    binary: str
    host: str
    path: str
    key: str
    up: dict[str, t.Any]
    reported: str
    host_key: str
    northbound: str


def _endpoints(services: t.Iterable[Service]) -> t.Iterator[tuple[Service, Endpoint]]:
    return ((service, item) for service in services for item in service.endpoints)


def probes(services: t.Iterable[Service]) -> dict[str, Probe]:
    """Return the requests of the prober for each API of the enabled services."""
    return {item.type: item.probe for service, item in _endpoints(services) if service.enabled and item.probe}


def resources(services: t.Iterable[Service]) -> dict[str, list[str]]:
    """Return the resources that a verification lists, by API, of the enabled services."""
    return {item.type: item.resources for service, item in _endpoints(services) if service.enabled and item.resources}


def agent_lists(services: t.Iterable[Service]) -> dict[str, AgentList]:
    """Return how each API of the enabled services lists its agents."""
    return {item.type: item.agents for service, item in _endpoints(services) if service.enabled and item.agents}


def agent_query(container: Container, lists: t.Mapping[str, AgentList], host: str) -> AgentQuery | None:
    """Return the query for the agent in a container of a host, or None if it has no agent or the API is disabled."""
    agent = container.agent
    if not agent or agent.api not in lists:
        return None
    agents = lists[agent.api]
    return AgentQuery(
        api=agent.api,
        binary=agent.binary,
        host=agent.host or host,
        path=agents.path.replace("{binary}", agent.binary),
        key=agents.key,
        up=agents.up,
        reported=agents.reported,
        host_key=agents.host_key,
        northbound=agents.northbound,
    )


def errors(services: t.Sequence[Service]) -> list[str]:
    """Return an error for each contradiction between the APIs and agents of the services."""
    found = []
    asked: dict[str, str] = {}
    for service, item in _endpoints(services):
        where = f"{service.name}: endpoint {item.name}"
        if item.probe or item.agents or item.resources:
            if item.type in asked:
                found.append(f"{where}: probe, agents and resources of type {item.type} are already defined by service {asked[item.type]}")
            asked.setdefault(item.type, service.name)
        found += _path_errors(where, item)
        found += [f"{where}: '{name}' is not a valid name of an openstacksdk method" for name in item.resources if not name.isidentifier()]
    told = {item.type for _service, item in _endpoints(services) if item.agents}
    found += [
        f"{service.name}: {container.name} reports to the API {container.agent.api}, but no service defines agents for that API"
        for service in services
        for container in service.containers
        if container.agent and container.agent.api not in told
    ]
    return found


def _path_errors(where: str, item: Endpoint) -> list[str]:
    """Return an error for each invalid path, and for each that lacks a placeholder."""
    paths: dict[str, tuple[str, tuple[str, ...]]] = {}
    if item.agents:
        paths["agents.path"] = item.agents.path, ("{binary}",)
    if item.probe:
        paths["probe.read"] = item.probe.read, ()
    if item.probe and item.probe.write:
        write = item.probe.write
        paths["probe.write.create_path"] = write.create_path, ()
        paths["probe.write.list_path"] = write.list_path, ()
        paths["probe.write.item_path"] = write.item_path, ("{id}" if "{id}" in write.item_path else "{name}",)
    found = [f"{where}: {name} is '{path}'; it must begin with '/'" for name, (path, _parts) in paths.items() if not path.startswith("/")]
    return found + [
        f"{where}: {name} is '{path}'; it must contain {part}"
        for name, (path, parts) in paths.items()
        for part in parts
        if part not in path
    ]
