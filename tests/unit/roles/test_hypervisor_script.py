# SPDX-License-Identifier: Apache-2.0
"""What becomes of the servers of a hypervisor, and of what the APIs know of it: the script against a cloud in memory."""

from __future__ import annotations

import types
import typing as t
import urllib.parse

import pytest

from tests.fake_cloud import REGION, FakeCloud
from tests.scripts import load

TASK, HOST = "OS-EXT-STS:task_state", "OS-EXT-SRV-ATTR:host"


class Cloud(FakeCloud):
    """Hypervisors, servers and agents. A server has moved when it is asked for once more than was asked before. A fake."""

    def __init__(self) -> None:
        super().__init__()
        self.services = {host: self.service(host) for host in ("one", "two")}
        self.servers: dict[str, dict[str, t.Any]] = {}
        self.agents = {f"{binary}-{host}": (host, binary) for host in ("one", "two") for binary in ("ovn-controller", "ovn-agent")}
        self.providers = {"p-one": "one.example.org", "p-two": "two.example.org"}
        self.aggregates = [{"name": "fast", "hosts": ["one", "two"]}]
        self.groups: list[dict[str, t.Any]] = []
        self.actions: list[str] = []
        self.images = {"image"}
        self.room = {"one": 4096, "two": 4096}
        #: Servers that fail to move, and the largest number of servers that were on their way.
        self.refused: set[str] = set()
        self.at_once = 0
        #: Whether Nova fails to remove the resource provider.
        self.keeps_provider = False

    @staticmethod
    def service(host: str) -> dict[str, t.Any]:
        values = {"status": "enabled", "state": "up", "forced_down": False, "disabled_reason": None, "zone": "nova"}
        return {"id": f"s-{host}", "host": host, "binary": "nova-compute", "updated_at": "2026-11-28T12:00:00", **values}

    def add(
        self, name: str, host: str = "one", memory: int = 512, status: str = "ACTIVE", task: str | None = None, **values: t.Any
    ) -> None:
        self.servers[name] = {"id": name, "name": name, "status": status, HOST: host, TASK: task, "memory": memory, "config_drive": ""}
        self.servers[name] |= {"flavor": {"extra_specs": {}}, "image": {"id": "image"}, **values}

    def answer(self, method: str, path: str, token: str, body: t.Any) -> tuple[int, dict[str, str], t.Any]:
        bare, _mark, query = path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        _empty, api, *parts = bare.split("/")
        if api not in ("compute", "placement", "network", "image"):
            return super().answer(method, path, token, body)
        self.asked.append((method, path))
        status = self.rule(method, path)
        content = None if status else getattr(self, f"_{api}")(method, parts, asked, body)
        return status or (200 if content is not None else 404), {}, content

    def _compute(self, method: str, parts: list[str], asked: dict[str, str], body: t.Any) -> t.Any:
        kind, *rest = parts
        if kind == "os-services":
            return self._service(method, rest, body)
        if kind == "os-hypervisors":
            nodes = [(key, name, key.removeprefix("p-")) for key, name in self.providers.items()]
            own = [node for node in nodes if node[2] in self.services]
            return {"hypervisors": [{"id": key, "hypervisor_hostname": name, "service": {"host": host}} for key, name, host in own]}
        if kind == "os-server-groups":
            return {"server_groups": self.groups}
        if kind == "os-aggregates":
            return {"aggregates": self.aggregates}
        if rest == ["detail"]:
            rows = [dict(row) for row in self.servers.values() if row[HOST] == asked["host"] and row["id"] > asked.get("marker", "")]
            return {"servers": rows}
        if rest[1:] == ["action"]:
            return self._act(rest[0], *body.items())
        if rest[1:2] == ["os-instance-actions"]:
            event = {"result": "Error", "details": "no host was found"}
            return {"instanceAction": {"events": [event]}} if rest[2:] else {"instanceActions": [{"request_id": "req-1"}]}
        return self._ask(rest[0])

    def _service(self, method: str, rest: list[str], body: t.Any) -> t.Any:
        if method == "GET":
            return {"services": [dict(row) for row in self.services.values()]}
        host = rest[0].removeprefix("s-")
        if method == "DELETE":
            del self.services[host]
            if not self.keeps_provider:
                del self.providers[f"p-{host}"]
            self.aggregates = [{**row, "hosts": [item for item in row["hosts"] if item != host]} for row in self.aggregates]
            return {}
        self.actions.append(f"{host}: {body}")
        self.services[host] |= body | ({"state": "down"} if body.get("forced_down") else {})
        return {}

    def _act(self, name: str, action: tuple[str, t.Any]) -> dict[str, str]:
        server, verb = self.servers[name], action[0]
        self.actions.append(f"{name}: {verb}")
        server[TASK] = {"os-migrateLive": "migrating", "evacuate": "rebuilding"}.get(verb, verb)
        self.at_once = max(self.at_once, sum(row[TASK] is not None for row in self.servers.values()))
        return {}

    def _ask(self, name: str) -> t.Any:
        if name not in self.servers:
            return None
        server = self.servers[name]
        before, task = dict(server), server[TASK]
        server[TASK] = None
        if task in ("migrating", "rebuilding") and name not in self.refused:
            server[HOST] = "two"
        if task in ("os-start", "os-stop"):
            server["status"] = {"os-start": "ACTIVE", "os-stop": "SHUTOFF"}[task]
        return {"server": before}

    def _placement(self, method: str, parts: list[str], _asked: dict[str, str], _body: t.Any) -> t.Any:
        if method == "DELETE":
            del self.providers[parts[1]]
            return {}
        if len(parts) == 1:
            return {"resource_providers": [{"uuid": key, "name": name} for key, name in self.providers.items()]}
        host = parts[1].removeprefix("p-")
        own = {row["id"]: row["memory"] for row in self.servers.values() if row[HOST] == host}
        answers = {
            "inventories": {"inventories": {"MEMORY_MB": {"total": self.room[host], "reserved": 0, "allocation_ratio": 1.0}}},
            "usages": {"usages": {"MEMORY_MB": sum(own.values())}},
            "allocations": {"allocations": {name: {"resources": {"MEMORY_MB": memory}} for name, memory in own.items()}},
        }
        return answers[parts[2]]

    def _network(self, method: str, parts: list[str], asked: dict[str, str], _body: t.Any) -> t.Any:
        if method == "DELETE":
            del self.agents[parts[-1]]
            return {}
        return {"agents": [{"id": key, "binary": binary} for key, (host, binary) in self.agents.items() if host == asked["host"]]}

    def _image(self, _method: str, parts: list[str], _asked: dict[str, str], _body: t.Any) -> t.Any:
        return {"id": parts[-1]} if parts[-1] in self.images else None


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    return load("hypervisor", "hypervisor", ["hypervisor_apis", "hypervisor_moves"])


@pytest.fixture
def cloud() -> t.Iterator[Cloud]:
    with Cloud() as cloud:
        yield cloud


@pytest.fixture
def take(script: types.ModuleType, cloud: Cloud) -> t.Callable[..., dict[str, t.Any]]:
    """Takes a step."""

    def call(step: str, **parameters: t.Any) -> dict[str, t.Any]:
        common = {"auth": cloud.auth, "region": REGION, "host": "one", "reason": "memory", "stopped": "keep"}
        limits = {"parallel": 2, "timeout": 5, "patience": 0, "interval": 0}
        return dict(script.main({"step": step, **common, **limits, **parameters}))

    return call


Take = t.Callable[..., dict[str, t.Any]]


def reasons(answer: dict[str, t.Any]) -> dict[str, str]:
    return {server["name"]: server["why"] for server in answer["servers"]}


def test_servers_with_the_same_name_are_told_apart(cloud: Cloud, take: Take) -> None:
    for identifier in ("11", "22", "33"):
        cloud.add(identifier)
        cloud.servers[identifier]["name"] = "web" if identifier != "33" else "database"
    assert list(reasons(take("survey"))) == ["database", "web (11)", "web (22)"]


def test_what_cannot_move_is_named_before_anything_is_changed(cloud: Cloud, take: Take) -> None:
    cloud.add("a-runs")
    cloud.add("b-paused", status="PAUSED")
    cloud.add("c-error", status="ERROR")
    cloud.add("d-busy", task="rebooting")
    cloud.add("e-rescue", status="RESCUE")
    cloud.add("f-stopped", status="SHUTOFF")
    cloud.add("g-drive", config_drive="True")
    cloud.add("h-device", flavor={"extra_specs": {"pci_passthrough:alias": "gpu:1"}})
    cloud.add("i-affine")
    cloud.add("j-affine")
    cloud.add("k-alone")
    cloud.add("l-large", memory=9999)
    cloud.add("m-zone", pinned_availability_zone="far")
    cloud.add("n-moving", task="migrating")
    cloud.groups = [
        {"name": "pair", "policy": "affinity", "members": ["i-affine", "j-affine"]},
        {"name": "single", "policy": "affinity", "members": ["k-alone", "elsewhere"]},
    ]
    found = reasons(take("survey"))
    assert [name for name, why in found.items() if not why] == ["a-runs", "b-paused", "k-alone", "n-moving"]
    words = {"c": "ERROR", "d": "busy (rebooting)", "e": "RESCUE", "f": "stopped", "g": "config drive", "h": "pci_passthrough:alias"}
    words |= {"i": "group pair", "j": "group pair", "l": "no other hypervisor has room for it (MEMORY_MB 9999)", "m": "in zone far"}
    assert [name for name, why in found.items() if why and words[name[0]] not in why] == []
    assert cloud.actions == []


def test_room_is_counted_for_all_servers_together(cloud: Cloud, take: Take) -> None:
    for name in ("a", "b", "c"):
        cloud.add(name, memory=1500)
    cloud.add("there", "two", memory=1000)
    assert list(filter(None, reasons(take("survey")).values())) == ["no other hypervisor has room for it (MEMORY_MB 1500)"]
    cloud.services["two"]["status"] = "disabled"
    assert set(reasons(take("survey")).values()) == {"no other hypervisor is enabled and up"}


def test_a_hypervisor_is_emptied_a_few_servers_at_a_time(cloud: Cloud, take: Take, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        cloud.add(f"server{number}")
    cloud.add("stopped", status="SHUTOFF")
    done = take("drain")
    assert (done["changed"], done["failed"], done["left"]) == (True, [], [])
    assert sorted(item["name"] for item in done["moved"]) == [f"server{number}" for number in range(5)]
    assert cloud.actions[0] == "one: {'status': 'disabled', 'disabled_reason': 'memory'}"
    assert cloud.at_once == 2
    assert "server4: is on two (5 of 5)" in capsys.readouterr().err
    assert cloud.servers["stopped"][HOST] == "one"
    again = take("drain")
    assert (again["changed"], again["moved"]) == (False, [])


def test_a_run_that_was_interrupted_is_continued(cloud: Cloud, take: Take) -> None:
    cloud.services["one"]["status"] = "disabled"
    cloud.add("moving", task="migrating")
    assert take("drain")["moved"] == [{"name": "moving", "host": "two"}]
    assert cloud.actions == []


def test_a_server_that_does_not_move_is_named_with_the_reason(cloud: Cloud, take: Take) -> None:
    cloud.add("a")
    cloud.add("b")
    cloud.refused = {"a"}
    done = take("drain")
    assert done["failed"] == ["a: no host was found (request req-1)"]
    assert [item["name"] for item in done["left"]] == ["a"]


def test_a_stopped_server_is_started_moved_and_stopped_if_that_is_wanted(cloud: Cloud, take: Take) -> None:
    cloud.add("sleeper", status="SHUTOFF")
    done = take("drain", stopped="move")
    assert cloud.actions[1:] == ["sleeper: os-start", "sleeper: os-migrateLive", "sleeper: os-stop"]
    assert done["moved"] == [{"name": "sleeper", "host": "two"}]


def test_a_hypervisor_takes_servers_again_when_it_is_up(cloud: Cloud, take: Take) -> None:
    cloud.services["one"] |= {"status": "disabled", "state": "down"}
    assert "is down" in take("enable")["refused"]
    assert cloud.services["one"]["status"] == "disabled"
    cloud.services["one"]["state"] = "up"
    assert take("enable") == {"changed": True}
    assert take("enable") == {"changed": False}
    cloud.services["one"]["forced_down"] = True
    take("enable")
    assert cloud.services["one"]["forced_down"] is False


def test_hypervisors_that_will_be_emptied_are_surveyed_together(cloud: Cloud, take: Take) -> None:
    cloud.add("a")
    cloud.add("b", "two", config_drive="True")
    found = reasons(take("surveys", hosts=["one", "two"]))
    assert found == {"a on one": "", "b on two": "it has a config drive, which cannot move from one local disk to another"}
    assert cloud.actions == []


def test_only_those_that_were_disabled_for_a_reason_take_servers_again(cloud: Cloud, take: Take) -> None:
    cloud.services["one"] |= {"status": "disabled", "disabled_reason": "rollout r1"}
    cloud.services["two"] |= {"status": "disabled", "disabled_reason": "memory"}
    assert take("release", reason="rollout r1", hosts=["two"]) == {"changed": False, "enabled": []}
    assert take("release", reason="rollout r2", hosts=[])["enabled"] == []
    cloud.services["one"]["state"] = "down"
    assert "is down" in take("release", reason="rollout r1", hosts=["one"])["refused"]
    cloud.services["one"]["state"] = "up"
    assert take("release", reason="rollout r1", hosts=[]) == {"changed": True, "enabled": ["one"]}
    assert [cloud.services[host]["status"] for host in ("one", "two")] == ["enabled", "disabled"]
    assert take("release", reason="rollout r1", hosts=[]) == {"changed": False, "enabled": []}


def test_servers_of_a_hypervisor_that_is_up_are_not_rebuilt(cloud: Cloud, take: Take) -> None:
    cloud.add("a")
    assert "its servers would run twice" in take("evacuate")["refused"]
    assert cloud.actions == []


def test_servers_of_a_dead_hypervisor_are_rebuilt_and_what_they_lose_is_said_before(cloud: Cloud, take: Take) -> None:
    cloud.services["one"]["state"] = "down"
    cloud.add("disk")
    cloud.add("volume", image="")
    cloud.add("orphan", image={"id": "deleted"})
    plan = {server["name"]: (server["lost"], server["why"]) for server in take("losses")["servers"]}
    assert plan["disk"] == ("its local disks; it is made again from its image", "")
    assert plan["volume"] == ("nothing on its boot volume", "")
    assert plan["orphan"][1] == "its image deleted was deleted"
    assert cloud.actions == []
    done = take("evacuate")
    assert sorted(item["name"] for item in done["moved"]) == ["disk", "volume"]
    assert [server["name"] for server in done["left"]] == ["orphan"]
    assert cloud.services["one"]["forced_down"] is True


@pytest.mark.parametrize("keeps_provider", [False, True])
def test_nothing_is_left_of_a_host_that_was_removed(cloud: Cloud, take: Take, keeps_provider: bool) -> None:
    cloud.keeps_provider = keeps_provider
    assert take("records")["agents"] == {"ovn-controller-one": "ovn-controller", "ovn-agent-one": "ovn-agent"}
    assert take("disable") == {"changed": True}
    assert take("forget", patience=5) == {"changed": True, "left": {}}
    assert cloud.services.keys() == {"two"}
    assert set(cloud.providers) == {"p-two"}
    assert {host for host, _binary in cloud.agents.values()} == {"two"}
    assert take("forget") == {"changed": False, "left": {}}


def test_a_host_with_servers_is_not_removed(cloud: Cloud, take: Take) -> None:
    cloud.add("a", status="SHUTOFF")
    for step in ("disable", "forget"):
        assert "one still has servers: a (SHUTOFF)" in take(step)["refused"]
    assert cloud.services.keys() == {"one", "two"} and cloud.actions == []


def test_what_an_api_answers_is_passed_on(cloud: Cloud, take: Take) -> None:
    cloud.rule = lambda _method, path: 503 if path.startswith("/compute/os-services") else None
    assert "HTTP 503" in take("drain")["refused"]
