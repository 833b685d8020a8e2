# SPDX-License-Identifier: Apache-2.0
"""Wait until the services of a host are up as the APIs see it, and its own APIs answer. Runs inside the toolbox image.

What was replaced a moment ago counts as up in Nova's API only if it has reported itself since. Neutron's says of an agent that it is
alive for as long as its last report is not old, so there the health check of the container is what tells more.
"""

from __future__ import annotations

import datetime
import json
import ssl
import time
import typing as t
import urllib.error
import urllib.request

_INTERVAL = 1.0
_TIMEOUT = 20  # seconds of one request

Parameters = t.Dict[str, t.Any]


def open_url(url: str, token: str = "", body: t.Any = None, certificates: str = "") -> t.Any:
    """Return the answer to a request."""
    context = ssl.create_default_context(cadata=certificates) if certificates else None
    headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    return urllib.request.urlopen(request, timeout=_TIMEOUT, context=context)


class Cloud:
    """A session of the administrator."""

    def __init__(self, auth: Parameters) -> None:
        self._ca = auth["ca_certificates"]
        domain = {"name": auth["user_domain_name"]}
        user = {"name": auth["username"], "password": auth["password"], "domain": domain}
        scope = {"project": {"name": auth["project_name"], "domain": {"name": auth["project_domain_name"]}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        with open_url(f"{auth['auth_url']}/auth/tokens", body=body, certificates=self._ca) as answer:
            self.token = answer.headers["X-Subject-Token"]
            catalog = json.load(answer)["token"]["catalog"]
        self._urls = {item["type"]: item["endpoints"][0]["url"].rstrip("/") for item in catalog}

    def get(self, service: str, path: str) -> t.Any:
        """Return what a service of the catalog has below *path*."""
        with open_url(self._urls[service] + path, self.token, certificates=self._ca) as answer:
            return json.load(answer)

    def missing(self, agent: str, host: str, since: datetime.datetime) -> str:
        """Return why an agent is not up, or nothing if it is."""
        service, _space, binary = agent.partition(" ")
        if service == "compute":
            rows = self.get("compute", f"/os-services?host={host}&binary={binary}")["services"]
            up = [row for row in rows if row["state"] == "up" and row["updated_at"] and _time(row["updated_at"]) > since]
        else:
            rows = self.get("network", f"/v2.0/agents?host={host}&binary={binary}")["agents"]
            up = [row for row in rows if row["alive"]]
        return "" if up else f"{binary} on {host} is not up in the API" + ("" if rows else ", which does not know it")


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def faults(parameters: Parameters, since: datetime.datetime) -> list[str]:
    """Return what is not up yet."""
    found = []
    try:
        cloud = Cloud(parameters["auth"])
        found += [fault for agent in parameters["agents"] if (fault := cloud.missing(agent, parameters["host"], since))]
        for url in parameters["urls"]:
            try:
                open_url(url, cloud.token).close()
            except (OSError, ValueError) as error:
                found.append(f"{url} does not answer to a token: {error}")
    except (OSError, ValueError, KeyError) as error:
        found.append(f"the APIs do not answer: {error}")
    return found


def main(parameters: Parameters) -> Parameters:
    """Return how long it took until all is up."""
    began, since = time.monotonic(), datetime.datetime.now(datetime.UTC)
    while left := faults(parameters, since):
        if time.monotonic() - began > parameters["timeout"]:
            raise SystemExit(f"not within {parameters['timeout']} s: {'; '.join(left)}")
        time.sleep(_INTERVAL)
    return {"seconds": round(time.monotonic() - began, 1)}
