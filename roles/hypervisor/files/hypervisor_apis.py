# SPDX-License-Identifier: Apache-2.0
"""What the APIs know of hypervisors and their servers. Imported by ``hypervisor.py`` in the client image."""

from __future__ import annotations

import collections
import http.client
import sys
import typing as t
import urllib.parse

from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import Session

_TIMEOUT = 60  # seconds of one request
_PAGE = 200  # servers in one answer
#: Servers say where they may be, their flavor with its extra specs, and what failed.
_VERSION = "2.96"
#: Where a server is, and what Nova does with it.
HOST = "OS-EXT-SRV-ATTR:host"
TASK = "OS-EXT-STS:task_state"

Parameters = t.Dict[str, t.Any]
Server = t.Dict[str, t.Any]


class RefusedError(Exception):
    """The step cannot be taken; the message says why."""


def say(text: str) -> None:
    """Show a line while the script runs."""
    print(text, file=sys.stderr, flush=True)


class Cloud:
    """The APIs, as administrator."""

    def __init__(self, parameters: Parameters) -> None:
        self._session = Session(parameters["auth"], parameters["region"], "internal", _TIMEOUT)

    def ask(self, method: str, path: str, body: t.Any = None, api: str = "compute", version: str = _VERSION) -> t.Any:
        """Return the answer of an API; what is not found is None.

        Raises:
            ApiError: if it is that of an error.
        """
        versions = {"compute": f"compute {version}", "placement": "placement 1.36"}
        headers = {"OpenStack-API-Version": versions[api]} if api in versions else {}
        answer = self._session.send(method, api, path, body, headers)
        return None if answer.status == http.client.NOT_FOUND else answer.json()

    def services(self) -> list[Parameters]:
        """Return all compute services."""
        return list(self.ask("GET", "/os-services?binary=nova-compute")["services"])

    def service(self, host: str) -> Parameters | None:
        """Return the compute service of a host."""
        return next((service for service in self.services() if service["host"] == host), None)

    def change(self, service: Parameters, **values: t.Any) -> None:
        """Enable, disable or force down a service."""
        self.ask("PUT", f"/os-services/{service['id']}", values)

    def servers(self, host: str) -> list[Server]:
        """Return all servers of a host, by name. Those with the same name, as projects may have, get their id added to it."""
        found: list[Server] = []
        query = {"all_tenants": "true", "host": host, "limit": str(_PAGE)}
        while True:
            marker = {"marker": found[-1]["id"]} if found else {}
            page = self.ask("GET", f"/servers/detail?{urllib.parse.urlencode({**query, **marker})}")["servers"]
            found += page
            if len(page) < _PAGE:
                names = collections.Counter(server["name"] for server in found)
                for server in found:
                    if names[server["name"]] > 1:
                        server["name"] += f" ({server['id']})"
                return sorted(found, key=lambda server: (server["name"], server["id"]))

    def act(self, server: str, action: str, values: t.Any = None, version: str = _VERSION) -> None:
        """Do something with a server."""
        self.ask("POST", f"/servers/{server}/action", {action: values}, version=version)

    def fault(self, server: str) -> str:
        """Return why the last action of a server failed."""
        actions = (self.ask("GET", f"/servers/{server}/os-instance-actions") or {}).get("instanceActions", [])
        if not actions:
            return "no reason is known"
        action = self.ask("GET", f"/servers/{server}/os-instance-actions/{actions[0]['request_id']}")["instanceAction"]
        events = [event for event in action.get("events", []) if event.get("result") == "Error"]
        details = next((event["details"] for event in events if event.get("details")), action.get("message"))
        return f"{' '.join(str(details or 'no reason is known').split())[:300]} (request {actions[0]['request_id']})"

    def agents(self, host: str) -> list[Parameters]:
        """Return the agents of Neutron on a host."""
        return list(self.ask("GET", f"/v2.0/agents?{urllib.parse.urlencode({'host': host})}", api="network")["agents"])

    def hypervisors(self) -> list[Parameters]:
        """Return the hypervisors; the id of one is that of its resource provider."""
        return list(self.ask("GET", "/os-hypervisors/detail")["hypervisors"])


def service_of(cloud: Cloud, host: str) -> Parameters:
    """Return the compute service of a host that must have one.

    Raises:
        RefusedError: if it has none.
    """
    service = cloud.service(host)
    if not service:
        raise RefusedError(f"Nova knows no compute service on {host}")
    return service
