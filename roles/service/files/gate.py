# SPDX-License-Identifier: Apache-2.0
"""Wait until the services of hosts are up according to the APIs, and their own APIs answer. Runs inside the client image.

All hosts that were changed at the same time are asked for together: one login, one list of agents for each binary, one generation of OVN.
Each host has its own result.

An agent counts as up only if it has reported after the gate began, which is later than the end of its former process. What the API says
of its state is no proof: Nova's ``state`` stays ``up`` for ``service_down_time`` after the last report, and Neutron's ``alive`` stays true
for ``agent_down_time``, and longer if nobody lists the agents.

The heartbeat that Neutron shows for agents of ML2/OVN was written by ovn-controller (``nb_cfg_timestamp`` of the host's
``Chassis_Private``). It has the clock of that host, in whole seconds:

* ovn-controller writes it when it has applied a new generation (``nb_cfg``) of the northbound database. No other process writes it.
* neutron-ovn-agent writes the generation that it has seen beside it. When *that* changes, the API takes over the time, so a later
  heartbeat shows that the agent has written since. The exception is an API process that has just started: it takes the time as it is.
  No step replaces both this agent and the API, so the API would have to restart by accident at that moment.

Neutron makes a new generation when agents are listed, at most once per half ``agent_down_time``. The gate does not wait for that and makes
one itself, as ``ovn-nbctl sync`` does. Every host of the cloud responds to each generation, so one that Neutron or another gate has made
meanwhile serves as well, and the database says when the last one was made. If a report is missing after 12 s, the gate makes another one:
the agent may have written before ovn-controller did, and then its report has the former time. After that it makes one every 37 s, as
Neutron does. An agent that has just started writes at once, others within 10 s. If the clock of a host is ahead of that of the host on
which the gate runs, a report may count although it is that much too old; if it is behind, the gate takes that much longer.

The APIs do not report the version of a service. That the new one is running follows from the image of its container, which has been
compared before.

Source: neutron ``plugins/ml2/drivers/ovn/agent/neutron_agent.py`` (heartbeat, ``alive``), ``.../ovn/mech_driver/mech_driver.py``
(``ping_all_chassis``, ``get_agents``), ``.../mech_driver/ovsdb/ovsdb_monitor.py`` (``ChassisOVNAgentWriteEvent``) and
``agent/ovn/agent/ovn_neutron_agent.py`` of 27.0.4 to 29.0.0; ovn ``controller/ovn-controller.c`` (``store_nb_cfg``) and
``ovn-nb.5.xml`` (``nb_cfg``); RFC 7047, sections 4.1.3 and 5.2.4; nova ``api/openstack/compute/services.py`` of 34.0.0.
"""

from __future__ import annotations

import concurrent.futures
import datetime
import json
import math
import socket
import time
import typing as t
import urllib.parse

from ansible_collections.caisson.openstack.plugins.module_utils.common.openstack_api import ApiError, Session

_INTERVAL = 0.5  # seconds between two rounds, or as long as a round takes: long lists must not keep an API busy
_TIMEOUT = 20  # seconds of one request
_SILENT = 5  # seconds after which another server of a database is asked
_PARALLEL = 16  # requests at the same time
#: Seconds after which another generation is made: the second one, when agents had the time to write, and each further one.
_SECOND, _FURTHER = 12.0, 37.0

Parameters = t.Dict[str, t.Any]


def _later(text: str | None, since: datetime.datetime) -> bool:
    """Return whether the time in an API's answer is later; it is in UTC, and missing if the agent has never reported."""
    return bool(text) and datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC) > since


class Generations:
    """Makes new generations of OVN's northbound database, to which agents respond with a report, no more often than needed.

    Args:
        connection: the servers in the form of OVN's own tools: ``tcp:ADDRESS:PORT``, separated by commas; empty without OVN.
        since: generations made after this time count, in seconds since 1970.
    """

    def __init__(self, connection: str, since: float) -> None:
        self._connection = connection
        self._since = since
        self._due, self._pause = since, _SECOND
        #: Why the last one could not be made; empty if it was.
        self.error = ""

    def renew(self, now: float) -> None:
        """Make a new generation if one is due and no other client has made it."""
        if self._connection and now >= self._due:
            self.error = new_generation(self._connection, self._since)
            self._since, self._due, self._pause = now, now + self._pause, _FURTHER


def new_generation(connection: str, since: float) -> str:
    """Make a new generation unless one was made after *since*; return the error, or an empty string."""
    # the time is written by ovn-northd, with its clock, when it has seen the generation
    older = ["nb_cfg_timestamp", "<", int(since * 1000)]
    operation = {"op": "mutate", "table": "NB_Global", "where": [older], "mutations": [["nb_cfg", "+=", 1]]}
    request = json.dumps({"id": 1, "method": "transact", "params": ["OVN_Northbound", operation]})
    why = []
    targets = connection.split(",")
    timeout = _TIMEOUT if len(targets) == 1 else _SILENT
    for target in targets:
        _scheme, _colon, place = target.partition(":")
        address, _colon, port = place.rpartition(":")
        try:
            with socket.create_connection((address.strip("[]"), int(port)), timeout) as stream:
                stream.sendall(request.encode())
                answer = _answer(stream)
            if answer.get("error") is None and answer["result"] in ([{"count": 0}], [{"count": 1}]):
                return ""
            why.append(f"{target} answered {answer}")
        except (OSError, ValueError, KeyError) as error:
            why.append(f"{target}: {error}")
    return f"cannot make a new generation of OVN's northbound database: {'; '.join(why)}"


def _answer(stream: socket.socket) -> Parameters:
    """Return the first JSON-RPC message of a server, which is complete when it can be parsed."""
    text = b""
    while part := stream.recv(65536):
        text += part
        try:
            return dict(json.loads(text))
        except ValueError:
            continue
    raise ValueError(f"the connection was closed after {len(text)} bytes of the answer")


class Gate:
    """Queries the APIs about hosts, logged in once.

    Args:
        parameters: those of :func:`main`.
        since: reports made after this time count.
    """

    def __init__(self, parameters: Parameters, since: datetime.datetime) -> None:
        self._session = Session(parameters["auth"], parameters["region"], "internal", _TIMEOUT)
        self._since = since

    def errors(self, hosts: t.Mapping[str, Parameters]) -> dict[str, list[str]]:
        """Return for each host what is not up yet."""
        try:
            self._session.token()
        except ApiError as error:
            return {host: [f"cannot log in to Keystone: {error}"] for host in hosts}
        agents = _by_list(agent for question in hosts.values() for agent in question["agents"])
        urls = list(dict.fromkeys(url for question in hosts.values() for url in question["urls"]))
        with concurrent.futures.ThreadPoolExecutor(_PARALLEL) as pool:
            lists = dict(zip(agents, pool.map(self._list, agents.values()), strict=True))
            failed = dict(zip(urls, pool.map(self._failure, urls), strict=True))
        return {
            host: [
                *filter(None, (self._missing(agent, lists[_list_of(agent)]) for agent in question["agents"])),
                *filter(None, (failed[url] for url in question["urls"])),
            ]
            for host, question in hosts.items()
        }

    def _list(self, agents: t.Sequence[Parameters]) -> list[Parameters] | str:
        """Return the list of an API that has these agents, or why there is none; for a single host only that one is listed."""
        path, hosts = agents[0]["path"], sorted({agent["host"] for agent in agents})
        if len(hosts) == 1:
            path += f"{'&' if '?' in path else '?'}{urllib.parse.urlencode({agents[0]['host_key']: hosts[0]})}"
        try:
            return list(self._session.send("GET", agents[0]["api"], path).json()[agents[0]["key"]])
        except ApiError as error:
            return f"the {agents[0]['api']} API does not list its agents: {error}"
        except (KeyError, TypeError):
            return f"the {agents[0]['api']} API does not list its agents: no '{agents[0]['key']}' in the answer to {path}"

    def _missing(self, agent: Parameters, rows: list[Parameters] | str) -> str:
        """Return why an agent is not up, or an empty string."""
        if isinstance(rows, str):
            return rows
        own = [row for row in rows if row.get(agent["host_key"]) == agent["host"]]
        if any(agent["up"].items() <= row.items() and _later(row.get(agent["reported"]), self._since) for row in own):
            return ""
        known = "" if own else ", which does not list it"
        return f"{agent['binary']} on {agent['host']} is not up according to the {agent['api']} API{known}"

    def _failure(self, url: str) -> str:
        """Return why a URL does not answer an authenticated request, or an empty string."""
        try:
            self._session.fetch(url).check()
        except ApiError as error:
            return f"no successful answer to an authenticated request: {error}"
        return ""


def _list_of(agent: Parameters) -> tuple[str, str]:
    return agent["api"], agent["path"]


def _by_list(agents: t.Iterable[Parameters]) -> dict[tuple[str, str], list[Parameters]]:
    """Return the agents by the list of an API that has them."""
    found: dict[tuple[str, str], list[Parameters]] = {}
    for agent in agents:
        found.setdefault(_list_of(agent), []).append(agent)
    return found


def main(parameters: Parameters) -> Parameters:
    """Wait until all hosts are up, or the time is over.

    Args:
        parameters: ``hosts`` (by name the ``agents`` and ``urls`` that must be up), ``auth``, ``region``, and ``timeout`` in seconds.

    Returns:
        By host, ``seconds`` until it was up, and ``errors`` of those that are not.
    """
    began, since = time.monotonic(), datetime.datetime.now(datetime.UTC)
    gate, waiting, seconds = Gate(parameters, since), dict(parameters["hosts"]), {}
    northbound = next((agent["northbound"] for question in waiting.values() for agent in question["agents"] if agent["northbound"]), "")
    # heartbeats are in whole seconds: one in the second in which the gate began could be from before
    generations = Generations(northbound, math.ceil(since.timestamp()))
    if northbound:
        time.sleep(1)
    while True:
        generations.renew(time.time())
        started = time.monotonic()
        errors = gate.errors(waiting)
        now = time.monotonic()
        seconds.update({host: round(now - began, 1) for host, own in errors.items() if not own})
        waiting = {host: question for host, question in waiting.items() if errors[host]}
        if not waiting or now - began > parameters["timeout"]:
            late = {host: _timed_out(parameters["timeout"], [*errors[host], generations.error]) for host in waiting}
            return {"seconds": seconds, "errors": late}
        time.sleep(max(_INTERVAL, now - started))


def _timed_out(timeout: float, errors: t.Iterable[str]) -> str:
    return f"not within {timeout} s: {'; '.join(filter(None, errors))}"
