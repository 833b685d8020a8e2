# SPDX-License-Identifier: Apache-2.0
"""Wait until the services of a host are up as the APIs see it, and its own APIs answer. Runs inside the client image.

What was replaced a moment ago counts as up only if it has reported itself since the gate began, which is later than the end of the
process before it. The word of an API alone is no proof: Nova's state stays ``up`` for ``service_down_time`` and Neutron's ``alive`` for
``agent_down_time``, and longer where nobody asks.

What Neutron calls the heartbeat of an agent of ML2/OVN is a time that ovn-controller has written (``nb_cfg_timestamp`` of the host's
``Chassis_Private``), of the host's clock and without fractions:

* ovn-controller writes it whenever it has put a new generation (``nb_cfg``) into force. Only that process does.
* neutron-ovn-agent writes the generation that it has seen beside it. The API takes over the time that stands there when *that*
  changes, so a later heartbeat tells that the agent has written since. There is one exception: an API process that reads the southbound
  database anew takes the time as it is. No step updates both that agent and the API, so it would have to start by accident just then.

Neutron makes a new generation when somebody asks for the agents, at most once in half of ``agent_down_time``. The gate does not wait for
that but makes one itself, as ``ovn-nbctl sync`` does. Every host of the cloud answers a generation, so one that another gate or Neutron
has made since is as good, and the database says when the last one was made: hosts that wait at the same time share it. Another one follows
if there is no report after 12 s, because the agent may have been faster than ovn-controller, and then its report came with the time before;
from then on it is one each 37 s, as Neutron makes them. An agent that has just started writes at once, others wait up to 10 s. If the
host's clock is ahead of that of the host that asks, a report may count that is as much too old; if it is behind, the answer comes as
much later.

Neither API tells the version of a service. That it is the new one follows from its container, whose image was compared before.

Source: neutron ``plugins/ml2/drivers/ovn/agent/neutron_agent.py`` (heartbeat, ``alive``), ``.../ovn/mech_driver/mech_driver.py``
(``ping_all_chassis``, ``get_agents``), ``.../mech_driver/ovsdb/ovsdb_monitor.py`` (``ChassisOVNAgentWriteEvent``) and
``agent/ovn/agent/ovn_neutron_agent.py`` of 27.0.4 to 29.0.0; ovn ``controller/ovn-controller.c`` (``store_nb_cfg``) and
``ovn-nb.5.xml`` (``nb_cfg``); RFC 7047, sections 4.1.3 and 5.2.4; nova ``api/openstack/compute/services.py`` of 34.0.0.
"""

from __future__ import annotations

import datetime
import json
import math
import socket
import ssl
import time
import typing as t
import urllib.error
import urllib.request

_INTERVAL = 0.5
_TIMEOUT = 20  # seconds of one request
#: Seconds after which another generation is made: the second, when agents had the time to write, and each further one.
_SECOND, _FURTHER = 12.0, 37.0

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

    def missing(self, agent: Parameters, since: datetime.datetime) -> str:
        """Return why an agent is not up, or nothing if it is; ``endpoints[].agents`` of the service says how its API tells."""
        rows = self.get(agent["api"], agent["path"])[agent["key"]]
        up = [row for row in rows if agent["up"].items() <= row.items() and _later(row[agent["reported"]], since)]
        return "" if up else f"{agent['binary']} on {agent['host']} is not up in the API" + ("" if rows else ", which does not know it")


def _later(text: str | None, since: datetime.datetime) -> bool:
    """Return whether an API's time, which is UTC without saying so, is later; one that never reported has none."""
    return bool(text) and datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC) > since


class Generations:
    """Has everything that OVN's northbound database is for report itself, no more often than needed.

    Args:
        connection: the servers, as OVN's own tools take them: ``tcp:ADDRESS:PORT``, with commas between them; empty for no OVN.
        since: time from which on generations count, in seconds since 1970.
    """

    def __init__(self, connection: str, since: float) -> None:
        self._connection = connection
        self._since = since
        self._due, self._pause = since, _SECOND

    def renew(self, now: float) -> str:
        """Make a new generation if it is time for one and nobody else has; return why that cannot be, or nothing."""
        if not self._connection or now < self._due:
            return ""
        why = new_generation(self._connection, self._since)
        self._since, self._due, self._pause = now, now + self._pause, _FURTHER
        return why


def new_generation(connection: str, since: float) -> str:
    """Make a new generation unless there is one since a time; return why that cannot be, or nothing."""
    # of the clock of ovn-northd, which writes it when it has seen the generation
    older = ["nb_cfg_timestamp", "<", int(since * 1000)]
    operation = {"op": "mutate", "table": "NB_Global", "where": [older], "mutations": [["nb_cfg", "+=", 1]]}
    request = json.dumps({"id": 1, "method": "transact", "params": ["OVN_Northbound", operation]})
    why = []
    for target in connection.split(","):
        _scheme, _colon, place = target.partition(":")
        address, _colon, port = place.rpartition(":")
        try:
            with socket.create_connection((address.strip("[]"), int(port)), _TIMEOUT) as stream:
                stream.sendall(request.encode())
                answer = _answer(stream)
            if answer.get("error") is None and answer["result"] in ([{"count": 0}], [{"count": 1}]):
                return ""
            why.append(f"{target} answers {answer}")
        except (OSError, ValueError, KeyError) as error:
            why.append(f"{target}: {error}")
    return f"OVN's northbound database does not take a new generation: {'; '.join(why)}"


def _answer(stream: socket.socket) -> Parameters:
    """Return the first message of a peer that speaks JSON-RPC, which has no end but its own."""
    text = b""
    while part := stream.recv(65536):
        text += part
        try:
            return dict(json.loads(text))
        except ValueError:
            continue
    raise ValueError(f"broke off after {len(text)} bytes")


class Gate:
    """Asks again and again, in one session as long as its answers are good.

    Args:
        since: time from which on reports count.
    """

    def __init__(self, parameters: Parameters, since: datetime.datetime) -> None:
        self._parameters = parameters
        self._since = since
        self._cloud: Cloud | None = None

    def faults(self) -> list[str]:
        """Return what is not up yet."""
        found = []
        try:
            self._cloud = self._cloud or Cloud(self._parameters["auth"])
            found += [fault for agent in self._parameters["agents"] if (fault := self._cloud.missing(agent, self._since))]
            silent = [fault for url in self._parameters["urls"] if (fault := _silent(url, self._cloud.token))]
            found += silent
            # it may be the token that is not good any more
            self._cloud = None if silent else self._cloud
        except (OSError, ValueError, KeyError) as error:
            self._cloud = None
            found.append(f"the APIs do not answer: {error}")
        return found


def _silent(url: str, token: str) -> str:
    """Return why an address does not answer, or nothing if it does."""
    try:
        open_url(url, token).close()
    except (OSError, ValueError) as error:
        return f"{url} does not answer to a token: {error}"
    return ""


def main(parameters: Parameters) -> Parameters:
    """Return how long it took until all is up."""
    began, since = time.monotonic(), datetime.datetime.now(datetime.UTC)
    gate = Gate(parameters, since)
    northbound = next((agent["northbound"] for agent in parameters["agents"] if agent["northbound"]), "")
    # the time of a heartbeat has no fractions: in the second of the begin it could not be told from one before
    generations = Generations(northbound, math.ceil(since.timestamp()))
    if northbound:
        time.sleep(1)
    while True:
        why = generations.renew(time.time())
        left = [*([why] if why else []), *gate.faults()]
        if not left:
            return {"seconds": round(time.monotonic() - began, 1)}
        if time.monotonic() - began > parameters["timeout"]:
            raise SystemExit(f"not within {parameters['timeout']} s: {'; '.join(left)}")
        time.sleep(_INTERVAL)
