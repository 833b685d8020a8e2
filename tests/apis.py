# SPDX-License-Identifier: Apache-2.0
"""What the service roles say of their APIs, as the model hands it on."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.model.api import Agent, AgentList, Probe
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Container
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import apis
from tests.definitions import definitions


def _endpoints() -> t.Iterator[dict[str, t.Any]]:
    for definition in definitions().values():
        yield from definition.get("endpoints", [])


def probes() -> dict[str, dict[str, t.Any]]:
    """Return what the prober asks each API."""
    found = {item["type"]: dataclass_spec.load(Probe, item["probe"], item["name"]) for item in _endpoints() if "probe" in item}
    return {name: dataclasses.asdict(probe) for name, probe in found.items()}


def agent(api: str, binary: str, host: str, northbound: str = "") -> dict[str, t.Any]:
    """Return what an API is asked about an agent, *northbound* being the connection to that database if the API has one."""
    lists = {item["type"]: dataclass_spec.load(AgentList, item["agents"], item["name"]) for item in _endpoints() if "agents" in item}
    lists[api].northbound = northbound if lists[api].northbound else ""
    container = Container(name=binary, image="x", group="all", command=["x"], agent=Agent(api, binary))
    question = apis.agent_query(container, lists, host)
    assert question
    return dataclasses.asdict(question)
