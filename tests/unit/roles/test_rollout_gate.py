# SPDX-License-Identifier: Apache-2.0
"""The gate of a rollout against APIs that answer as they are told to."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import threading
import types
import typing as t
import urllib.parse

import pytest

from tests.apis import agent
from tests.fake_cloud import FakeCloud
from tests.scripts import load

SINCE = datetime.datetime(2026, 11, 21, 14, 2, tzinfo=datetime.UTC)
BEFORE, AFTER = "2026-11-21T14:01:59.000000", "2026-11-21T14:02:01.000000"


class Agents(FakeCloud):
    """A cloud with agents: by ``service host binary`` what the API says of each. A fake."""

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
        row = self.agents.get(f"{service} {asked['host']} {asked['binary']}")
        return status, headers, {key: [row] if row else []}


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


def _question(cloud: Agents, *agents: str, urls: t.Sequence[str] = (), timeout: float = 10, northbound: str = "") -> dict[str, t.Any]:
    auth = {**cloud.auth, "user_domain_name": "Default", "project_domain_name": "Default"}
    asked = [agent(api, binary, "c1", northbound) for api, binary in map(str.split, agents)]
    return {"auth": auth, "agents": asked, "urls": list(urls), "timeout": timeout}


def _row(state: str = "up", updated_at: str | None = AFTER) -> dict[str, t.Any]:
    return {"state": state, "updated_at": updated_at}


def _agent(alive: bool = True, heartbeat: str | None = "2026-11-21 14:02:01") -> dict[str, t.Any]:
    """Return an agent as Neutron shows it: the time has a space and no fractions."""
    return {"alive": alive, "heartbeat_timestamp": heartbeat}


def test_what_is_up_is_no_fault(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {"compute c1 nova-compute": _row(), "network c1 neutron-ovn-agent": _agent()}
    url = f"{cloud.url}/placement/traits"
    assert gate.Gate(_question(cloud, "compute nova-compute", "network neutron-ovn-agent", urls=[url]), SINCE).faults() == []
    assert cloud.asked[-1] == ("GET", "/placement/traits")


def test_nothing_to_ask_about_still_needs_an_api_that_lets_one_in(gate: types.ModuleType, cloud: Agents) -> None:
    assert gate.Gate(_question(cloud), SINCE).faults() == []
    assert cloud.logins == 1


@pytest.mark.parametrize("row", [_row(updated_at=BEFORE), _row("down"), _row("down", BEFORE), _row(updated_at=None)])
def test_an_agent_that_is_down_or_has_not_reported_since_is_not_up(gate: types.ModuleType, cloud: Agents, row: dict[str, t.Any]) -> None:
    cloud.agents = {"compute c1 nova-compute": row}
    assert gate.Gate(_question(cloud, "compute nova-compute"), SINCE).faults() == ["nova-compute on c1 is not up in the API"]


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
    assert gate.Gate(_question(cloud, f"network {binary}"), SINCE).faults() == [f"{binary} on c1 is not up in the API"]


def test_an_agent_of_another_host_is_not_that_of_this_one(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {"compute c2 nova-compute": _row(), "network c2 neutron-ovn-agent": _agent()}
    assert gate.Gate(_question(cloud, "compute nova-compute", "network neutron-ovn-agent"), SINCE).faults() == [
        "nova-compute on c1 is not up in the API, which does not know it",
        "neutron-ovn-agent on c1 is not up in the API, which does not know it",
    ]


def test_each_address_that_does_not_answer_is_named(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.rule = lambda _method, path: 503 if path == "/image/v2/images" else None
    urls = [f"{cloud.url}/image/v2/images", f"{cloud.url}/placement/traits", "http://127.0.0.1:1/"]
    image, closed = gate.Gate(_question(cloud, urls=urls), SINCE).faults()
    assert image == f"{urls[0]} does not answer to a token: HTTP Error 503: Service Unavailable"
    assert closed.startswith("http://127.0.0.1:1/ does not answer to a token: <urlopen error")


@pytest.mark.parametrize("path", ["/identity/auth/tokens", "/compute/os-services?host=c1&binary=nova-compute"])
def test_apis_that_do_not_answer_are_a_fault_and_no_crash(gate: types.ModuleType, cloud: Agents, path: str) -> None:
    cloud.rule = lambda _method, asked: 500 if asked == path else None
    (fault,) = gate.Gate(_question(cloud, "compute nova-compute"), SINCE).faults()
    assert fault == "the APIs do not answer: HTTP Error 500: Internal Server Error"


def test_a_session_lasts_until_it_is_refused(gate: types.ModuleType, cloud: Agents) -> None:
    asked = gate.Gate(_question(cloud, "compute nova-compute"), SINCE)
    cloud.agents = {"compute c1 nova-compute": _row()}
    assert (asked.faults(), asked.faults(), cloud.logins) == ([], [], 1)
    cloud.rule = lambda _method, path: 401 if path.startswith("/compute") else None
    assert asked.faults() == ["the APIs do not answer: HTTP Error 401: Unauthorized"]
    cloud.rule = lambda _method, _path: None
    assert (asked.faults(), cloud.logins) == ([], 2)


def test_an_address_that_refuses_a_token_gets_another_one(gate: types.ModuleType, cloud: Agents) -> None:
    asked = gate.Gate(_question(cloud, urls=[f"{cloud.url}/placement/traits"]), SINCE)
    cloud.rule = lambda _method, path: 401 if path == "/placement/traits" else None
    assert [len(asked.faults()), len(asked.faults()), cloud.logins] == [1, 1, 2]


def test_it_waits_until_all_is_up(gate: types.ModuleType, cloud: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_INTERVAL", 0.01)
    refusals = [503, 503, 503]
    cloud.rule = lambda _method, path: refusals.pop() if path == "/placement/traits" and refusals else None
    cloud.agents = {"compute c1 nova-compute": _row(updated_at="2999-01-01T00:00:00.000000")}
    result = gate.main(_question(cloud, "compute nova-compute", urls=[f"{cloud.url}/placement/traits"]))
    assert 0 <= result["seconds"] < 10
    assert cloud.asked.count(("GET", "/placement/traits")) == 4


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
        assert generations.renew(now) == ""
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
        ('{"id":1,"result":null,"error":{"error":"unknown"}}', "answers {'id': 1, 'result': None, 'error': {'error': 'unknown'}}"),
        ('{"id":1,"result":[{"error":"locked"}],"error":null}', "answers {'id': 1, 'result': [{'error': 'locked'}], 'error': None}"),
        ('{"id":1,"result"', "broke off after 16 bytes"),
    ],
)
def test_a_database_that_refuses_is_named_and_another_one_is_enough(gate: types.ModuleType, answer: str, expected: str) -> None:
    with Northbound(answer) as northbound, Northbound(TAKEN) as other:
        why = gate.new_generation(northbound.connection, 0)
        assert why.startswith(f"OVN's northbound database does not take a new generation: {northbound.connection}")
        assert why.endswith(expected)
        assert gate.new_generation(f"{northbound.connection},{other.connection}", 0) == ""


def test_a_generation_that_somebody_else_has_made_is_as_good(gate: types.ModuleType) -> None:
    with Northbound('{"id":1,"result":[{"count":0}],"error":null}') as northbound:
        assert gate.new_generation(northbound.connection, 1795269720.0) == ""
    assert northbound.asked[0]["params"][1]["where"] == [["nb_cfg_timestamp", "<", 1795269720000]]


def test_a_database_that_is_not_there_is_a_fault_and_no_crash(gate: types.ModuleType, cloud: Agents) -> None:
    cloud.agents = {"network c1 ovn-controller": _agent(heartbeat="2999-01-01 00:00:00")}
    with pytest.raises(SystemExit, match=r"does not take a new generation: tcp:\[::1\]:1: .*Connection refused"):
        gate.main(_question(cloud, "network ovn-controller", timeout=0, northbound="tcp:[::1]:1"))


def test_it_does_not_wait_for_ever_and_says_for_what(gate: types.ModuleType, cloud: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_INTERVAL", 0.01)
    # it reported, but before the gate began
    cloud.agents = {"compute c1 nova-compute": _row(updated_at="2000-01-01T00:00:00.000000")}
    with pytest.raises(SystemExit, match=r"not within 0.2 s: nova-compute on c1 is not up in the API$"):
        gate.main(_question(cloud, "compute nova-compute", timeout=0.2))
