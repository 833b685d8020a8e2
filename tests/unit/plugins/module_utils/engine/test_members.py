# SPDX-License-Identifier: Apache-2.0
"""What a host learns of its member of a cluster, and what it runs before the member starts, against a fake engine."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import types
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import handover, members
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.model.cluster import MemberStart, MemberState
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Cluster, ContainerCommand
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import (
    LABEL_BEFORE_STOP,
    LABEL_CLUSTER,
    BeforeStop,
    ContainerSpec,
)

FACTS = {"cluster": "c-1", "position": 7, "serving": True}
DEFINITION = Cluster(facts=ContainerCommand(["facts"], timeout=9), join=ContainerCommand(["join"], timeout=30))


STARTED = "2026-01-02T03:04:05.678901234Z"


BINDS = ["data:/data", "/etc/caisson/db/config:/etc/db:ro", "/etc/caisson/db/files/usr/local/bin/may-stop:/usr/local/bin/may-stop:ro"]


def container(status: str, standalone: bool = False) -> t.Any:
    labels = {} if standalone else {LABEL_CLUSTER: "db"}
    known = {"image_id": "sha256:current", "host_config": {"Binds": BINDS}}
    return types.SimpleNamespace(name="db", status=status, labels=labels, started_at=STARTED, **known)


@dataclasses.dataclass
class FakeEngine:
    """An engine with at most one container and some volumes; all that runs on it prints *result*."""

    status: str = ""
    present: list[str] = dataclasses.field(default_factory=list)
    result: ExecResult | EngineError = dataclasses.field(default_factory=lambda: ExecResult(0, json.dumps(FACTS), ""))
    image: str | None = "sha256:wanted"
    standalone: bool = False
    commands: list[tuple[t.Any, ...]] = dataclasses.field(default_factory=list)
    specs: list[ContainerSpec] = dataclasses.field(default_factory=list)

    def container(self, name: str) -> t.Any:
        return container(self.status, self.standalone) if self.status and name == "db" else None

    def volumes(self, names: t.Iterable[str]) -> list[str]:
        return [name for name in names if name in self.present]

    def image_id(self, _reference: str) -> str | None:
        return self.image

    def exec(self, name: str, command: list[str], timeout: int) -> ExecResult:
        self.commands.append(("exec", name, command, timeout))
        return self._answer()

    def run_once(self, spec: ContainerSpec, image_id: str, cloud: str, timeout: int, name: str) -> ExecResult:
        self.commands.append(("run", name, spec.command, timeout, image_id, cloud))
        self.specs.append(spec)
        return self._answer()

    def _answer(self) -> ExecResult:
        if isinstance(self.result, EngineError):
            raise self.result
        return self.result


def _spec(**options: t.Any) -> ContainerSpec:
    values = {"volumes": ["data:/data"], "members": {"c1": "192.0.2.1"}, "cluster": DEFINITION, "env": {"A": "1"}}
    return ContainerSpec(name="db", service="x", image="x:1", command=["run"], **{**values, **options})


def _state(engine: FakeEngine, spec: ContainerSpec | None = None, definition: Cluster = DEFINITION) -> MemberState:
    return members.report(t.cast(Engine, engine), "example", spec or _spec(), definition).state


def test_a_report_names_cluster_members_and_what_is_given_up() -> None:
    engine = t.cast(Engine, FakeEngine())
    found = members.report(engine, "example", _spec(), DEFINITION)
    assert (found.cluster, found.container, found.members, found.recovers, found.lost_hosts) == ("db", "db", {"c1": "192.0.2.1"}, False, [])
    named = dataclasses.replace(DEFINITION, name="databases", recover=ContainerCommand(["recover"]), lost_hosts=["c2"])
    found = members.report(engine, "example", _spec(), named)
    assert (found.cluster, found.recovers, found.lost_hosts) == ("databases", True, ["c2"])


def test_a_member_without_container_and_volume_is_asked_nothing() -> None:
    engine = FakeEngine()
    assert _state(engine) == MemberState()
    assert engine.commands == []


def test_a_running_member_is_asked_in_its_container() -> None:
    engine = FakeEngine("running")
    assert _state(engine) == MemberState(running=True, data=True, cluster="c-1", position=7, serving=True, started_at=STARTED)
    assert engine.commands == [("exec", "db", ["facts"], 9)]


@pytest.mark.parametrize("status", ["running", "exited"])
def test_a_server_that_was_created_without_a_cluster_is_not_asked_for_one(status: str) -> None:
    engine = FakeEngine(status, ["data"], standalone=True)
    running = status == "running"
    assert _state(engine) == MemberState(running=running, data=True, standalone=True, started_at=STARTED)
    assert engine.commands == []


@pytest.mark.parametrize(("status", "image"), [("exited", "sha256:current"), ("", "sha256:wanted")])
def test_the_data_of_a_stopped_member_are_read_in_the_image_that_made_them(status: str, image: str) -> None:
    engine = FakeEngine(status, ["data"])
    assert _state(engine).running is False
    assert engine.commands == [("run", "db.facts", ["facts"], 9, image, "example")]


def test_files_that_are_not_there_yet_are_not_mounted(tmp_path: pathlib.Path) -> None:
    engine = FakeEngine("", ["data"])
    there, absent = f"{tmp_path}:/etc/x:ro", f"{tmp_path}/absent:/etc/y:ro"
    _state(engine, _spec(volumes=["data:/data", there, absent]))
    assert engine.specs[0].volumes == ["data:/data", there]


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        (ExecResult(3, "", "disk full"), "its facts command ended with exit code 3: disk full"),
        (ExecResult(0, "hello", ""), "is not JSON"),
        (EngineError("cannot run facts"), "cannot run facts"),
    ],
)
def test_a_member_that_cannot_say_what_it_knows_has_data_and_a_fault(result: ExecResult | EngineError, fault: str) -> None:
    found = _state(FakeEngine("running", result=result))
    assert (found.running, found.data, found.cluster) == (True, True, "")
    assert fault in found.fault


def test_data_without_container_and_image_are_a_fault() -> None:
    engine = FakeEngine("", ["data"], image=None)
    assert "image x:1 is not on this host, so its data cannot be read" in _state(engine).fault
    assert engine.commands == []


def _prepare(engine: FakeEngine, spec: ContainerSpec, start: MemberStart | None) -> None:
    members.prepare(t.cast(Engine, engine), "example", spec, "sha256:new", start)


def test_the_command_of_a_start_runs_in_the_new_image_with_what_it_needs_to_know() -> None:
    engine = FakeEngine()
    _prepare(engine, _spec(), MemberStart("join", {"CLUSTER_THROUGH": "192.0.2.2"}))
    assert engine.commands == [("run", "db.join", ["join"], 30, "sha256:new", "example")]
    assert engine.specs[0].env == {"A": "1", "CLUSTER_THROUGH": "192.0.2.2"}


def test_the_command_of_a_start_runs_only_for_the_process_that_was_decided_on() -> None:
    engine, start = FakeEngine(), MemberStart("join", started_at=STARTED)
    members.prepare(t.cast(Engine, engine), "example", _spec(), "sha256:new", start, None)
    later: t.Any = types.SimpleNamespace(**{**vars(container("exited")), "started_at": "2026-01-02T03:05:00Z"})
    members.prepare(t.cast(Engine, engine), "example", _spec(), "sha256:new", start, later)
    assert engine.commands == []
    members.prepare(t.cast(Engine, engine), "example", _spec(), "sha256:new", start, container("exited"))
    assert [command[1] for command in engine.commands] == ["db.join"]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (None, "it is to become a member of a cluster, which the playbook site does"),
        (MemberStart("seed", started_at="2026-01-02T03:00:00Z"), "it was restarted since this run looked at it"),
    ],
)
def test_a_standalone_server_is_replaced_by_a_member_only_as_decided(start: MemberStart | None, reason: str) -> None:
    with pytest.raises(EngineError, match=f"db is not replaced: {reason}"):
        members.check_turn(_spec(), container("running", standalone=True), start)
    members.check_turn(_spec(), container("running", standalone=True), MemberStart("seed", started_at=STARTED))
    members.check_turn(_spec(), container("running"), start)
    members.check_turn(_spec(cluster=None), container("running", standalone=True), start)


def test_a_standalone_server_leaves_no_cluster() -> None:
    spec = _spec(stop_check=ContainerCommand(["may-stop"]))
    assert members.before_stop(spec, container("running", standalone=True)) == BeforeStop()
    assert members.before_stop(spec, container("running")) == BeforeStop(ContainerCommand(["may-stop"]))


@pytest.mark.parametrize(
    ("program", "asked"),
    [("/usr/local/bin/may-stop", True), ("/etc/db/may-stop", True), ("db-may-stop", True), ("/usr/local/bin/added", False)],
)
def test_a_program_that_the_container_does_not_have_yet_is_not_run_in_it(program: str, asked: bool) -> None:
    command = ContainerCommand([program, "now"])
    spec = _spec(volumes=[*BINDS, "/etc/caisson/db/files/usr/local/bin/added:/usr/local/bin/added:ro"], stop_check=command, drain=command)
    expected = BeforeStop(command, command) if asked else BeforeStop()
    assert members.before_stop(spec, container("running")) == expected


@pytest.mark.parametrize(
    ("spec", "start"),
    [(_spec(), None), (_spec(), MemberStart("rejoin")), (_spec(), MemberStart("seed")), (_spec(cluster=None), MemberStart("join"))],
)
def test_a_start_without_a_command_runs_nothing(spec: ContainerSpec, start: MemberStart | None) -> None:
    engine = FakeEngine()
    _prepare(engine, spec, start)
    assert engine.commands == []


def test_a_member_does_not_start_if_its_command_fails() -> None:
    engine = FakeEngine(result=ExecResult(1, "", "no answer from 192.0.2.2"))
    with pytest.raises(EngineError, match=r"db is not started, because its join command failed \(exit code 1\): no answer"):
        _prepare(engine, _spec(), MemberStart("join"))


@pytest.mark.parametrize(
    ("leave", "clustered", "status", "asked"),
    [
        (["others"], False, "running", True),
        (["others"], True, "running", False),
        (["others"], False, "exited", False),
        (None, False, "running", False),
    ],
)
def test_a_member_that_leaves_its_cluster_is_asked_for_the_others(
    leave: list[str] | None, clustered: bool, status: str, asked: bool
) -> None:
    engine = FakeEngine(status, result=ExecResult(0, "192.0.2.2\n192.0.2.3\n", ""))
    member = container(status)
    member.labels[LABEL_BEFORE_STOP] = json.dumps({"leave": {"command": leave, "timeout": 5}}) if leave else ""
    others = handover.other_members(t.cast(Engine, engine), member, clustered)
    assert others == (["192.0.2.2", "192.0.2.3"] if asked else [])
    assert bool(engine.commands) == asked


def test_a_member_that_cannot_say_who_else_runs_does_not_leave() -> None:
    engine = FakeEngine(result=ExecResult(1, "its state is Joined", ""))
    member = container("running")
    member.labels[LABEL_BEFORE_STOP] = json.dumps({"leave": {"command": ["others"], "timeout": 5}})
    with pytest.raises(EngineError, match=r"must not leave its cluster .*its state is Joined"):
        handover.other_members(t.cast(Engine, engine), member, False)
