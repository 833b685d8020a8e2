# SPDX-License-Identifier: Apache-2.0
"""The gate against APIs that answer as the test wants, for one host and for several at once."""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import re
import socket
import threading
import types
import typing as t
import urllib.parse

import pytest

from tests.apis import agent
from tests.fake_cloud import REGION, FakeCloud
from tests.scripts import load

SINCE = datetime.datetime(2026, 11, 21, 14, 2, tzinfo=datetime.UTC)
BEFORE, AFTER = "2026-11-21T14:01:59.000000", "2026-11-21T14:02:01.000000"


class Agents(FakeCloud):
    """A cloud with agents: by ``api host binary`` what the API reports of each. A fake."""

    def __init__(self) -> None:
        super().__init__()
        self.agents: dict[str, dict[str, t.Any]] = {}

    def answer(self, method: str, path: str, token: str, body: t.Any) -> tuple[int, dict[str, str], t.Any]:
        """Return status, headers and content."""
        status, headers, content = super().answer(method, path, token, body)
        bare, _mark, query = path.partition("?")
        keys = {"/compute/os-services": ("compute", "services"), "/network/v2.0/agents": ("network", "agents")}
        if status != 200 or bare not in keys:
            return status, headers, content
        (service, key), asked = keys[bare], dict(urllib.parse.parse_qsl(query))
        rows = {tuple(name.split()): row for name, row in self.agents.items()}
        found = [
            {**row, "host": host}
            for (api, host, binary), row in rows.items()
            if (api, binary) == (service, asked["binary"]) and asked.get("host", host) == host
        ]
        return status, headers, {key: found}


class Northbound:
    """A database server that answers each request with *answer*, in two parts. A fake."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.asked: list[t.Any] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.connection = f"tcp:127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Northbound:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _peer = self._server.accept()
                with stream:
                    self.asked.append(json.loads(stream.recv(65536)))
                    stream.sendall(self._answer[:9].encode())
                    stream.sendall(self._answer[9:].encode())


TAKEN = '{"id":1,"result":[{"count":1}],"error":null}'


@pytest.fixture(scope="module")
def gate() -> types.ModuleType:
    return load("service", "gate")


@pytest.fixture
def cloud() -> t.Iterator[Agents]:
    with Agents() as cloud:
        yield cloud


def _question(
    cloud: Agents,
    *agents: str,
    urls: t.Sequence[str] = (),
    hosts: t.Sequence[str] = ("c1",),
    timeout: float = 120,
    northbound: str = "",
) -> dict[str, t.Any]:
    asked = {
        host: {"agents": [agent(api, binary, host, northbound) for api, binary in map(str.split, agents)], "urls": list(urls)}
        for host in hosts
    }
    return {"auth": cloud.auth, "region": REGION, "hosts": asked, "timeout": timeout}


def _errors(gate: types.ModuleType, question: dict[str, t.Any]) -> list[str]:
    """Return what the gate finds on c1."""
    return list(gate.Gate(question, SINCE).errors(question["hosts"])["c1"])


def _row(state: str = "up", updated_at: str | None = AFTER) -> dict[str, t.Any]:
    return {"state": state, "updated_at": updated_at}


def _agent(alive: bool = True, heartbeat: str | None = "2026-11-21 14:02:01") -> dict[str, t.Any]:
    """Return an agent as Neutron shows it: the time has a space and no fractions."""
    return {"alive": alive, "heartbeat_timestamp": heartbeat}


def test_what_is_up_is_no_fault(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {"compute c1 nova-compute": _row(), "network c1 neutron-ovn-agent": _agent()}
    url = f"{cloud.url}/placement/traits"
    assert _errors(gate, _question(cloud, "compute nova-compute", "network neutron-ovn-agent", urls=[url])) == []
    assert cloud.asked[-1] == ("GET", "/placement/traits")


def test_nothing_to_ask_about_still_needs_an_api_that_lets_one_in(gate: types.ModuleType, cloud: Agents) -> None:
    assert _errors(gate, _question(cloud)) == []
    assert cloud.logins == 1


@pytest.mark.parametrize("row", [_row(updated_at=BEFORE), _row("down"), _row("down", BEFORE), _row(updated_at=None)])
def test_an_agent_that_is_down_or_has_not_reported_since_is_not_up(gate: types.ModuleType, cloud: Agents, row: dict[str, t.Any]) -> None:
    cloud.agents = {"compute c1 nova-compute": row}
    assert _errors(gate, _question(cloud, "compute nova-compute")) == ["nova-compute on c1 is not up according to the compute API"]


@pytest.mark.parametrize("binary", ["neutron-ovn-agent", "ovn-controller"])
@pytest.mark.parametrize(
    "row",
    [
        # alive, because the process before it died a moment ago
        _agent(heartbeat="2026-11-21 14:01:59"),
        # within the second in which the gate began: it may have been either of them
        _agent(heartbeat="2026-11-21 14:02:00"),
        _agent(heartbeat="1970-01-01 00:00:00"),
        _agent(heartbeat=None),
        _agent(alive=False),
        _agent(alive=False, heartbeat="2026-11-21 14:01:59"),
    ],
)
def test_an_agent_that_is_not_alive_or_has_no_heartbeat_since_is_not_up(
    gate: types.ModuleType, cloud: Agents, binary: str, row: dict[str, t.Any]
) -> None:
    cloud.agents = {f"network c1 {binary}": row}
    assert _errors(gate, _question(cloud, f"network {binary}")) == [f"{binary} on c1 is not up according to the network API"]


def test_an_agent_of_another_host_is_not_that_of_this_one(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {"compute c2 nova-compute": _row(), "network c2 neutron-ovn-agent": _agent()}
    assert _errors(gate, _question(cloud, "compute nova-compute", "network neutron-ovn-agent")) == [
        "nova-compute on c1 is not up according to the compute API, which does not list it",
        "neutron-ovn-agent on c1 is not up according to the network API, which does not list it",
    ]


def test_each_address_that_does_not_answer_is_named(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.rule = lambda _method, path: 503 if path == "/image/v2/images" else None
    urls = [f"{cloud.url}/image/v2/images", f"{cloud.url}/placement/traits", "http://127.0.0.1:1/"]
    image, closed = _errors(gate, _question(cloud, urls=urls))
    assert image.startswith(f"no successful answer to an authenticated request: GET {urls[0]}: HTTP 503")
    assert closed == "no successful answer to an authenticated request: GET http://127.0.0.1:1/: no answer ([Errno 111] Connection refused)"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/identity/auth/tokens", "cannot log in to Keystone: POST {url}/identity/auth/tokens: HTTP 500"),
        (
            "/compute/os-services?binary=nova-compute&host=c1",
            "the compute API does not list its agents: GET {url}/compute/os-services?binary=nova-compute&host=c1: HTTP 500",
        ),
    ],
)
def test_apis_that_do_not_answer_are_an_error_and_no_crash(gate: types.ModuleType, cloud: Agents, path: str, expected: str) -> None:
    cloud.rule = lambda _method, asked: 500 if asked == path else None
    (error,) = _errors(gate, _question(cloud, "compute nova-compute"))
    assert error.startswith(expected.format(url=cloud.url))


def _refuse(refusing: str, _method: str, path: str) -> int | None:
    return 401 if path.startswith(refusing) else None


def test_a_login_lasts_until_its_token_is_refused(gate: types.ModuleType, cloud: Agents) -> None:
    question = _question(cloud, "compute nova-compute", urls=[f"{cloud.url}/placement/traits"])
    asked = gate.Gate(question, SINCE)
    cloud.agents = {"compute c1 nova-compute": _row()}
    assert (asked.errors(question["hosts"]), asked.errors(question["hosts"]), cloud.logins) == ({"c1": []}, {"c1": []}, 1)
    for refusing in ("/compute", "/placement/traits"):
        cloud.rule = functools.partial(_refuse, refusing)
        (error,) = asked.errors(question["hosts"])["c1"]
        assert "HTTP 401" in error
        cloud.rule = lambda _method, _path: None
        assert asked.errors(question["hosts"]) == {"c1": []}
    assert cloud.logins == 3


def test_it_waits_until_all_is_up(gate: types.ModuleType, cloud: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_INTERVAL", 0.01)
    refusals = [503, 503, 503]
    cloud.rule = lambda _method, path: refusals.pop() if path == "/placement/traits" and refusals else None
    cloud.agents = {"compute c1 nova-compute": _row(updated_at="2999-01-01T00:00:00.000000")}
    result = gate.main(_question(cloud, "compute nova-compute", urls=[f"{cloud.url}/placement/traits"]))
    assert result["errors"] == {}
    assert 0 <= result["seconds"]["c1"] < 10
    assert cloud.asked.count(("GET", "/placement/traits")) == 4


# -- several hosts ------------------------------------------------------------------------------------------------


def test_hosts_of_a_batch_share_login_and_lists_and_each_has_its_own_result(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {
        "compute c1 nova-compute": _row(),
        "compute c2 nova-compute": _row("down"),
        "network c1 ovn-controller": _agent(),
        "network c2 ovn-controller": _agent(),
        "network c3 ovn-controller": _agent(heartbeat="2026-11-21 14:01:59"),
    }
    question = _question(cloud, "compute nova-compute", "network ovn-controller", hosts=["c1", "c2", "c3"])
    assert gate.Gate(question, SINCE).errors(question["hosts"]) == {
        "c1": [],
        "c2": ["nova-compute on c2 is not up according to the compute API"],
        "c3": [
            "nova-compute on c3 is not up according to the compute API, which does not list it",
            "ovn-controller on c3 is not up according to the network API",
        ],
    }
    assert sorted(cloud.asked) == [
        ("GET", "/compute/os-services?binary=nova-compute"),
        ("GET", "/network/v2.0/agents?binary=ovn-controller"),
        ("POST", "/identity/auth/tokens"),
    ]


def test_only_hosts_that_are_not_up_yet_are_asked_for_again(gate: types.ModuleType, cloud: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_INTERVAL", 0.01)
    later = "2999-01-01T00:00:00.000000"
    cloud.agents = {"compute c1 nova-compute": _row(updated_at=later), "compute c2 nova-compute": _row("down")}
    alone = "/compute/os-services?binary=nova-compute&host=c2"

    def rule(_method: str, path: str) -> None:
        if path == alone and cloud.asked.count(("GET", alone)) == 3:
            cloud.agents = {"compute c2 nova-compute": _row(updated_at=later)}

    cloud.rule = rule
    result = gate.main(_question(cloud, "compute nova-compute", hosts=["c1", "c2"]))
    assert (result["seconds"].keys(), result["errors"]) == ({"c1", "c2"}, {})
    assert result["seconds"]["c1"] <= result["seconds"]["c2"]
    assert [path for _method, path in cloud.asked].count(alone) >= 3
    assert cloud.logins == 1


def test_a_host_that_is_not_up_in_time_does_not_fail_the_others(
    gate: types.ModuleType, cloud: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_INTERVAL", 0.01)
    # c2 reported, but before the gate began
    cloud.agents = {
        "compute c1 nova-compute": _row(updated_at="2999-01-01T00:00:00.000000"),
        "compute c2 nova-compute": _row(updated_at="2000-01-01T00:00:00.000000"),
    }
    result = gate.main(_question(cloud, "compute nova-compute", hosts=["c1", "c2"], timeout=0.2))
    assert list(result["seconds"]) == ["c1"]
    assert result["errors"] == {"c2": "not within 0.2 s: nova-compute on c2 is not up according to the compute API"}


# -- generations of OVN -------------------------------------------------------------------------------------------


def test_agents_of_the_network_are_made_to_report_until_they_have(
    gate: types.ModuleType, cloud: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_INTERVAL", 0.01)
    monkeypatch.setattr(gate, "_SECOND", 0.05)
    monkeypatch.setattr(gate, "_FURTHER", 0.1)
    cloud.agents = {"network c1 ovn-controller": _agent(heartbeat="2000-01-01 00:00:00")}
    with Northbound(TAKEN) as northbound:

        def reported(_method: str, _path: str) -> None:
            if len(northbound.asked) == 3:
                cloud.agents = {"network c1 ovn-controller": _agent(heartbeat="2999-01-01 00:00:00")}

        cloud.rule = reported
        gate.main(_question(cloud, "network ovn-controller", northbound=northbound.connection))
    operations = [asked["params"][1] for asked in northbound.asked]
    assert [asked["params"][0] for asked in northbound.asked] == ["OVN_Northbound"] * 3
    times = [operation.pop("where")[0] for operation in operations]
    assert operations == [{"op": "mutate", "table": "NB_Global", "mutations": [["nb_cfg", "+=", 1]]}] * 3
    # what anybody has made since the gate began, and then since it last asked for one, is as good
    assert {time[:2] == ["nb_cfg_timestamp", "<"] for time in times} == {True}
    assert times == sorted(times, key=lambda time: time[2])
    assert times[0][2] % 1000 == 0


def test_generations_become_as_rare_as_those_of_neutron(gate: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def make(_connection: str, since: float) -> str:
        asked.append(since)
        return ""

    monkeypatch.setattr(gate, "new_generation", make)
    generations = gate.Generations("tcp:192.0.2.1:6641", 1000)
    times = []
    for now in range(1000, 1150):
        before = len(asked)
        generations.renew(now)
        times += [now] if len(asked) > before else []
    assert times == [1000, 1012, 1049, 1086, 1123]
    assert asked == [1000, *times[:-1]]


def test_nobody_else_has_to_report(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {"compute c1 nova-compute": _row(updated_at="2999-01-01T00:00:00.000000")}
    with Northbound(TAKEN) as northbound:
        gate.main(_question(cloud, "compute nova-compute", northbound=northbound.connection))
    assert northbound.asked == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"id":1,"result":null,"error":{"error":"unknown"}}', "answered {'id': 1, 'result': None, 'error': {'error': 'unknown'}}"),
        ('{"id":1,"result":[{"error":"locked"}],"error":null}', "answered {'id': 1, 'result': [{'error': 'locked'}], 'error': None}"),
        ('{"id":1,"result"', "the connection was closed after 16 bytes of the answer"),
    ],
)
def test_a_database_that_refuses_is_named_and_another_one_is_enough(gate: types.ModuleType, answer: str, expected: str) -> None:
    with Northbound(answer) as northbound, Northbound(TAKEN) as other:
        why = gate.new_generation(northbound.connection, 0)
        assert why.startswith(f"cannot make a new generation of OVN's northbound database: {northbound.connection}")
        assert why.endswith(expected)
        assert gate.new_generation(f"{northbound.connection},{other.connection}", 0) == ""


def test_a_server_that_stands_still_is_left_for_another_one(gate: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_SILENT", 0.1)
    # the kernel accepts the connection, and nobody answers
    with socket.create_server(("127.0.0.1", 0)) as silent, Northbound(TAKEN) as other:
        assert gate.new_generation(f"tcp:127.0.0.1:{silent.getsockname()[1]},{other.connection}", 0) == ""
    assert len(other.asked) == 1


def test_a_generation_that_somebody_else_has_made_is_as_good(gate: types.ModuleType) -> None:
    with Northbound('{"id":1,"result":[{"count":0}],"error":null}') as northbound:
        assert gate.new_generation(northbound.connection, 1795269720.0) == ""
    assert northbound.asked[0]["params"][1]["where"] == [["nb_cfg_timestamp", "<", 1795269720000]]


def test_a_database_that_is_not_there_is_named_if_an_agent_does_not_report(gate: types.ModuleType, cloud: Agents) -> None:
    for heartbeat, errors in (("2999-01-01 00:00:00", 0), ("2000-01-01 00:00:00", 1)):
        cloud.agents = {"network c1 ovn-controller": _agent(heartbeat=heartbeat)}
        result = gate.main(_question(cloud, "network ovn-controller", timeout=0, northbound="tcp:[::1]:1"))
        assert len(result["errors"]) == errors
    assert re.search(r"c1 is not up .*; cannot make a new generation .*: tcp:\[::1\]:1: .*Connection refused", result["errors"]["c1"])


def test_hosts_of_a_batch_share_a_generation(gate: types.ModuleType, cloud: Agents) -> None:
    hosts = ["c1", "c2", "c3"]
    cloud.agents = {f"network {host} ovn-controller": _agent(heartbeat="2999-01-01 00:00:00") for host in hosts}
    with Northbound(TAKEN) as northbound:
        result = gate.main(_question(cloud, "network ovn-controller", hosts=hosts, northbound=northbound.connection))
    assert (len(northbound.asked), len(result["seconds"])) == (1, 3)
