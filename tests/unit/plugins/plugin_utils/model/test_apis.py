# SPDX-License-Identifier: Apache-2.0
"""What services say of their APIs: what becomes of it, and what is refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.api import Agent, AgentList, Endpoint, Probe, ProbeWrite
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import apis
from tests.unit.builders import a_container, a_service

_AGENTS = AgentList("/agents?binary={binary}", "agents", {"alive": True}, "seen")
_WRITE = {"create_path": "/things", "item_path": "/things/{id}", "list_path": "/things", "list_key": "things"}


def _endpoint(**options: t.Any) -> Endpoint:
    return Endpoint("x", "thing", "http://i", "http://p", **options)


def _probe(**changes: t.Any) -> Endpoint:
    return _endpoint(probe=Probe("/things", ProbeWrite(**{**_WRITE, **changes})))


def test_a_disabled_service_is_not_asked() -> None:
    full = _endpoint(probe=Probe("/things"), agents=_AGENTS, resources=["things"])
    for enabled, expected in ((True, ["thing"]), (False, [])):
        services = [a_service(endpoints=[full], enabled=enabled), a_service(name="y", endpoints=[_endpoint()])]
        assert [list(found(services)) for found in (apis.probes, apis.resources, apis.agent_lists)] == [expected] * 3


def test_an_agent_is_asked_for_by_host_and_binary() -> None:
    lists = apis.agent_lists([a_service(endpoints=[_endpoint(agents=_AGENTS)])])
    found = apis.agent_query(a_container(agent=Agent("thing", "x-volume", "c1@lvm")), lists, "c1")
    assert found and (found.host, found.path) == ("c1@lvm", "/agents?binary=x-volume")
    found = apis.agent_query(a_container(agent=Agent("thing", "x-agent")), lists, "c2")
    assert found and (found.host, found.up, found.reported) == ("c2", {"alive": True}, "seen")
    assert apis.agent_query(a_container(agent=Agent("thing", "x-agent")), {}, "c2") is None
    assert apis.agent_query(a_container(), lists, "c2") is None


def test_what_fits_is_no_fault() -> None:
    service = a_service(containers=[a_container(agent=Agent("thing", "x-agent"))], endpoints=[_probe()])
    service.endpoints[0].agents = _AGENTS
    service.endpoints[0].resources = ["things"]
    assert apis.errors([service, a_service(name="y", endpoints=[_endpoint()])]) == []


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [
        (_endpoint(probe=Probe("things")), "probe.read is 'things'; it must begin with '/'"),
        (_probe(create_path="things"), "probe.write.create_path is 'things'; it must begin with '/'"),
        (_probe(list_path=""), "probe.write.list_path is ''; it must begin with '/'"),
        (_probe(item_path="/things"), "probe.write.item_path is '/things'; it must contain {name}"),
        (
            _endpoint(agents=AgentList("/agents", "a", {}, "t")),
            "agents.path is '/agents'; it must contain {binary}",
        ),
        (_endpoint(resources=["server groups"]), "'server groups' is not a valid name of an openstacksdk method"),
    ],
)
def test_what_cannot_be_asked_is_refused(endpoint: Endpoint, error: str) -> None:
    assert apis.errors([a_service(endpoints=[endpoint])]) == [f"x: endpoint x: {error}"]


def test_one_service_says_how_an_api_is_asked() -> None:
    services = [a_service(endpoints=[_endpoint(resources=["things"])]), a_service(name="y", endpoints=[_probe()])]
    assert apis.errors(services) == ["y: endpoint x: probe, agents and resources of type thing are already defined by service x"]


def test_an_agent_reports_to_an_api_that_knows_agents() -> None:
    service = a_service(containers=[a_container(agent=Agent("things", "x-agent"))], endpoints=[_endpoint(agents=_AGENTS)])
    assert apis.errors([service]) == ["x: api reports to the API things, but no service defines agents for that API"]
