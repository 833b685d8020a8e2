# SPDX-License-Identifier: Apache-2.0
"""What the service roles say of their APIs, as the model hands it on."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import Agent, AgentList, Probe
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import apis
from tests.definitions import definitions, on_by_default


def _endpoints(roles: t.Collection[str]) -> t.Iterator[dict[str, t.Any]]:
    for role in roles:
        yield from definitions()[role].get("endpoints", [])


def probes() -> dict[str, dict[str, t.Any]]:
    """Return what the prober asks each API of a cloud without options."""
    endpoints = [item for item in _endpoints(on_by_default()) if "probe" in item]
    found = {item["type"]: dataclass_spec.load(Probe, item["probe"], item["name"]) for item in endpoints}
    return {name: dataclasses.asdict(probe) for name, probe in found.items()}


def agent(api: str, binary: str, host: str, northbound: str = "") -> dict[str, t.Any]:
    """Return what an API is asked about an agent, *northbound* being the connection to that database if the API has one."""
    endpoints = [item for item in _endpoints(definitions()) if "agents" in item]
    lists = {item["type"]: dataclass_spec.load(AgentList, item["agents"], item["name"]) for item in endpoints}
    lists[api].northbound = northbound if lists[api].northbound else ""
    container = Container(name=binary, image="x", group="all", command=["x"], agent=Agent(api, binary))
    question = apis.agent_query(container, lists, host)
    assert question
    return dataclasses.asdict(question)
