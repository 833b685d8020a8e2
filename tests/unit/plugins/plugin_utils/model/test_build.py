# SPDX-License-Identifier: Apache-2.0
"""From definitions to what a host runs."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.model.api import Agent, AgentList, CatalogEntry, Endpoint
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import (
    STAGES,
    TIERS,
    Database,
    Frontend,
    Hook,
    Schema,
    Service,
    User,
)
from ansible_collections.caisson.openstack.plugins.module_utils.model.selection import RemoteDependency, Selection
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import apis
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import build as model
from tests.unit.builders import GROUPS, a_backup, a_container, a_file, a_job, a_service


def _site(host: str = "c1") -> model.Site:
    return model.Site(host, GROUPS, "caisson/", "1")


def _build(*services: Service, host: str = "c1", content: str = "text") -> model.HostModel:
    return model.build(services, _site(host), lambda _service, file: f"{content} {file.path}")


# -- groups -----------------------------------------------------------------------------------------------------


def test_frontends_know_the_hosts_behind_them() -> None:
    service = a_service(frontends=[Frontend("api", 80, 10080, "control", check_path="/")])
    (found,) = model.frontends([service], GROUPS, {host: f"addr-{host}" for host in GROUPS["all"]})
    assert found["backends"] == [
        {"name": "c1", "address": "addr-c1", "port": 10080},
        {"name": "c2", "address": "addr-c2", "port": 10080},
    ]
    assert (found["port"], found["mode"], found["check_path"]) == (80, "http", "/")


# -- containers and files ---------------------------------------------------------------------------------------


def test_a_host_gets_the_containers_of_its_groups() -> None:
    service = a_service(containers=[a_container(), a_container("agent", group="compute")])
    assert [spec.name for spec in _build(service, host="c2").containers] == ["api"]
    assert [spec.name for spec in _build(service, host="n1").containers] == ["agent"]


def test_a_disabled_service_is_known_but_has_nothing() -> None:
    built = _build(a_service(enabled=False, files=[a_file()], jobs=[a_job()], databases=[Database("x", "x", "p")], users=[User("x", "p")]))
    assert built.services == ["x"]
    assert (built.containers, built.files, built.databases, built.users, built.volumes) == ([], [], [], [], [])


def test_a_container_is_resolved() -> None:
    service = a_service(
        containers=[a_container(volumes=["x_data:/var/lib/x", "/run:/run:ro"])], files=[a_file(), a_file("/usr/lib/y.conf")]
    )
    built = _build(service)
    (spec,) = built.containers
    assert spec.image == "caisson/x:1"
    assert spec.tmpfs == ["/tmp:mode=1777"]
    assert spec.volumes == [
        "x_data:/var/lib/x",
        "/run:/run:ro",
        "/etc/caisson/api/config:/etc/x:ro",
        "/etc/caisson/api/files/usr/lib/y.conf:/usr/lib/y.conf:ro",
    ]
    assert built.volumes == ["x_data"]
    assert built.files == [
        model.HostFile("api/config/x.conf", "text /etc/x/x.conf", "0640", 2000, False, False),
        model.HostFile("api/files/usr/lib/y.conf", "text /usr/lib/y.conf", "0640", 2000, False, False),
    ]


def test_a_writable_root_or_an_own_tmp_needs_no_further_one() -> None:
    specs = _build(a_service(containers=[a_container(read_only=False), a_container("b1", tmpfs=["/tmp:size=1m"])])).containers
    assert [spec.tmpfs for spec in specs] == [[], ["/tmp:size=1m"]]


def test_a_directory_is_mounted_only_where_it_has_files() -> None:
    (spec,) = _build(a_service()).containers
    assert spec.volumes == []


@pytest.mark.parametrize(("on_change", "restart", "reload"), [("restart", True, False), ("reload", False, True), ("none", False, False)])
def test_a_change_of_content_or_mode_does_what_the_file_says(on_change: str, restart: bool, reload: bool) -> None:
    service = a_service(files=[a_file(on_change=on_change)])
    (before,) = _build(service).containers
    for (after,) in (
        _build(service, content="other").containers,
        _build(a_service(files=[a_file(on_change=on_change, mode="0600")])).containers,
    ):
        assert (before.config_digest != after.config_digest, before.reload_digest != after.reload_digest) == (restart, reload)


def test_only_the_files_of_a_container_matter_to_it() -> None:
    containers = [a_container(), a_container("b1")]
    before = _build(a_service(containers=containers, files=[a_file(), a_file(containers=["b1"])])).containers
    after = _build(a_service(containers=containers, files=[a_file(), a_file(containers=["b1"], mode="0600")])).containers
    assert [one.config_digest == other.config_digest for one, other in zip(before, after, strict=True)] == [True, False]


def test_a_file_that_names_no_container_is_for_all_of_its_service() -> None:
    file = a_file("/etc/shared/ca.crt", containers=[])
    built = _build(a_service(containers=[a_container(), a_container("worker")], files=[file]))
    assert [item.path for item in built.files] == ["api/files/etc/shared/ca.crt", "worker/files/etc/shared/ca.crt"]
    assert all(
        "/etc/caisson/" + item.path + ":/etc/shared/ca.crt:ro" in spec.volumes
        for item, spec in zip(built.files, built.containers, strict=True)
    )


def test_only_what_the_host_needs_is_rendered() -> None:
    rendered: list[str] = []
    service = a_service(containers=[a_container(), a_container("agent", group="compute")], files=[a_file(), a_file("/a", ["agent"])])
    model.build([service], _site("n1"), lambda _service, file: rendered.append(file.path) or "")  # type: ignore[func-returns-value]
    assert rendered == ["/a"]


# -- jobs -------------------------------------------------------------------------------------------------------


def test_a_job_runs_once_or_on_every_host() -> None:
    service = a_service(jobs=[a_job("once"), a_job("each", phase="start"), a_job("last", phase="finalize")])
    first, second, other = (_build(service, host=host).stages["service"] for host in ("c1", "c2", "n1"))
    assert [[job.name for job in jobs] for jobs in (first.bootstrap, first.start, first.finalize)] == [["once"], ["each"], ["last"]]
    assert [[job.name for job in jobs] for jobs in (second.bootstrap, second.start, second.finalize)] == [[], ["each"], []]
    assert (other.bootstrap, other.start, other.finalize) == ([], [], [])


def test_jobs_of_a_phase_run_in_the_order_they_are_listed() -> None:
    jobs = [a_job("j1"), a_job("k1", phase="start"), a_job("j2", after=["other"]), a_job("k2", phase="start"), a_job("j3")]
    stage = _build(a_service(jobs=jobs)).stages["service"]
    assert [(job.name, job.after) for job in stage.bootstrap] == [("j1", []), ("j2", ["other", "j1"]), ("j3", ["j2"])]
    assert [(job.name, job.after) for job in stage.start] == [("k1", []), ("k2", ["k1"])]


def test_a_job_runs_in_the_place_of_its_container() -> None:
    container = a_container(volumes=["d:/d"], capabilities=["CHOWN"], protected_processes=["qemu"], after=["sync"], env={"A": "1"})
    service = a_service(containers=[container], files=[a_file()], jobs=[a_job(stdin="s", ok_codes=[0, 2], retries=3)])
    built = _build(service)
    (job,) = built.stages["service"].bootstrap
    (spec,) = built.containers
    same = dataclasses.replace(
        job.container, name=spec.name, command=spec.command, protected_processes=spec.protected_processes, after=spec.after
    )
    assert same == spec
    assert (job.container.name, job.container.command, job.container.protected_processes) == ("sync", ["sync"], [])
    assert (job.stdin, job.ok_codes, job.retries, job.service) == ("s", [0, 2], 3, "x")


def test_a_job_overrides_what_it_names_and_keeps_the_configuration() -> None:
    job = a_job(image="tool", user="0:0", capabilities=[], volumes=["t:/t"], devices=["/dev/x"], read_only=False, no_new_privileges=False)
    service = a_service(containers=[a_container(volumes=["d:/d"], capabilities=["CHOWN"])], files=[a_file()], jobs=[job])
    found = _build(service).stages["service"].bootstrap[0].container
    assert (found.image, found.user, found.capabilities, found.devices) == ("caisson/tool:1", "0:0", [], ["/dev/x"])
    assert found.volumes == ["t:/t", "/etc/caisson/api/config:/etc/x:ro"]
    assert (found.read_only, found.no_new_privileges) == (False, False)


# -- backups ----------------------------------------------------------------------------------------------------


def test_data_are_backed_up_on_every_host_of_their_container() -> None:
    service = a_service(containers=[a_container(volumes=["d:/srv", "/run/x:/run/x"])], files=[a_file()], backups=[a_backup()])
    (found,) = _build(service).backups
    assert (found.name, found.service, found.path, found.command, found.volumes) == ("data", "x", "/srv", ["read"], ["d"])
    assert [len(_build(service, host=host).backups) for host in ("c2", "n1")] == [1, 0]


def test_the_first_host_that_takes_part_does_what_is_done_once() -> None:
    jobs = [a_job("each", phase="start"), a_job("some", phase="start", once=True)]
    service = a_service(
        backups=[a_backup(once=True)], jobs=jobs, hooks=[Hook("after_start", "a.yml", once=True), Hook("after_start", "b.yml")]
    )

    def done(host: str, *taking_part: str) -> list[str]:
        site = dataclasses.replace(_site(host))
        built = model.build([service], site, lambda *_args: "", Selection(frozenset({"x"}), frozenset(taking_part)))
        assert [part.name for part in built.restores] == ["data"]
        names = [job.name for job in built.stages["service"].start] + [part.name for part in built.backups]
        return names + [hook.tasks for hook in built.hooks]

    assert done("c1", "c1", "c2") == ["each", "some", "data", "a.yml", "b.yml"]
    assert done("c2", "c1", "c2") == ["each", "b.yml"]
    assert done("c2", "c2") == ["each", "some", "data", "a.yml", "b.yml"]


def test_data_are_put_back_in_the_place_of_their_container_without_its_privileges() -> None:
    container = a_container(volumes=["d:/srv"], capabilities=["CHOWN"], devices=["/dev/x"], no_new_privileges=False, after=["sync"])
    (found,) = _build(a_service(containers=[container], files=[a_file()], jobs=[a_job()], backups=[a_backup()])).backups
    restorer = found.restorer()
    assert (restorer.name, restorer.command, restorer.after) == ("data_restore", ["write"], [])
    assert (restorer.user, restorer.image, restorer.volumes) == (
        "1000:2000",
        "caisson/x:1",
        ["d:/srv", "/etc/caisson/api/config:/etc/x:ro"],
    )
    assert (restorer.capabilities, restorer.devices, restorer.no_new_privileges) == ([], [], True)


@given(st.permutations(["a1", "b1", "c1"]), st.sampled_from(["c1", "c2", "n1"]))
def test_the_order_of_services_changes_no_specification(names: list[str], host: str) -> None:
    services = {
        name: a_service(name=name, containers=[a_container(f"{name}_api")], files=[a_file(containers=[f"{name}_api"])]) for name in names
    }
    built = _build(*(services[name] for name in names), host=host)
    again = _build(*(services[name] for name in sorted(names)), host=host)
    assert {spec.name: spec for spec in built.containers} == {spec.name: spec for spec in again.containers}


# -- rollouts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "tier"), [("infrastructure", "backend"), ("identity", "identity"), ("service", "api")])
def test_a_container_without_a_tier_has_that_of_its_stage(stage: str, tier: str) -> None:
    containers = [a_container(), a_container("worker", tier="worker")]
    gates = _build(a_service(stage=stage, containers=containers)).gates
    assert [(gate.container, gate.tier) for gate in gates] == [("api", tier), ("worker", "worker")]
    assert tier in TIERS
    assert stage in STAGES


def test_a_gate_asks_for_an_agent_and_a_request_where_there_is_one() -> None:
    containers = [a_container(), a_container("metadata"), a_container("worker", agent=Agent("greeting", "hello-worker"))]
    ports = [Frontend("api", 80, 10080, "control", request="/v1/things"), Frontend("metadata", 81, 10081, "control")]
    site = model.Site("c1", GROUPS, "caisson/", "1", {"c1": "192.0.2.1"})
    agents = AgentList("/agents?binary={binary}", "agents", {"state": "up"}, "updated_at")
    api = Endpoint("x", "greeting", "http://i", "http://p", agents=agents)
    built = model.build([a_service(containers=containers, frontends=ports, endpoints=[api])], site, lambda _service, _file: "x")
    question = apis.agent_query(containers[2], {"greeting": agents}, "c1")
    assert question and question.path == "/agents?binary=hello-worker"
    assert built.endpoints == [CatalogEntry("x", "greeting", "http://i", "http://p")]
    assert built.gates == [
        model.Gate("api", "api", None, "http://192.0.2.1:10080/v1/things", "api"),
        model.Gate("metadata", "api", None, "", "metadata"),
        model.Gate("worker", "api", question),
    ]


def test_a_host_without_an_address_is_asked_by_name() -> None:
    (gate,) = _build(a_service(frontends=[Frontend("api", 80, 10080, "control", request="/")]), host="c2").gates
    assert gate.url == "http://c2:10080/"


def test_only_containers_of_the_host_have_gates() -> None:
    service = a_service(containers=[a_container(), a_container("agent", group="compute", tier="compute")])
    assert [gate.container for gate in _build(service, host="n1").gates] == ["agent"]
    assert _build(a_service(enabled=False)).gates == []


def test_jobs_of_a_rollout_run_on_the_first_host_only_and_in_no_start_round() -> None:
    phases = ("check", "expand", "revert", "contract")
    service = a_service(jobs=[a_job(f"{phase}{number}", phase=phase) for number in (1, 2) for phase in phases])
    built = _build(service)
    assert {phase: [(job.name, job.after, job.place) for job in jobs] for phase, jobs in built.rollout_jobs.items()} == {
        phase: [(f"{phase}1", [], "api"), (f"{phase}2", [f"{phase}1"], "api")] for phase in phases
    }
    stage = built.stages["service"]
    assert (stage.bootstrap, stage.start, stage.finalize) == ([], [], [])
    for host in ("c2", "n1"):
        assert set(map(tuple, _build(service, host=host).rollout_jobs.values())) == {()}


def test_a_job_of_a_schema_leaves_it_to_what_knows_whether_the_database_is_ahead() -> None:
    schemas = [Schema("x", "api", "x/db", "/etc/x/x.conf"), Schema("y", "api", "y/db", "/etc/x/y.conf", "api_database")]
    jobs = [a_job("first", schema="y"), a_job("second", schema="x", phase="expand"), a_job("third")]
    built = _build(a_service(schemas=schemas, databases=[Database("x", "x", "p"), Database("y", "y", "p")], jobs=jobs))
    first, third = built.stages["service"].bootstrap
    guard = ["schema-migrations", "apply"]
    assert first.container.command == [*guard, "y", "y/db", "/etc/x/y.conf", "api_database", "sync"]
    # the plan of a rollout knows it
    (second,) = built.rollout_jobs["expand"]
    assert (second.container.command, second.schema) == (["sync"], "x")
    assert third.container.command == ["sync"]


def test_a_schema_is_read_on_the_first_host_only_in_the_place_of_its_container() -> None:
    schema = Schema("x", "api", "x.db", "/etc/x/x.conf")
    service = a_service(schemas=[schema], databases=[Database("x", "x", "p")])
    built = _build(service)
    assert built.schemas == [model.SchemaSpec(schema, built.containers[0])]
    assert [_build(service, host=host).schemas for host in ("c2", "n1")] == [[], []]


# -- a run for some services or hosts ------------------------------------------------------------------------------


def test_a_selection_leaves_others_alone_and_names_what_it_takes_for_granted() -> None:
    database = a_service(name="db", stage="infrastructure", containers=[a_container("db", ports=[3306])])
    other = a_service(name="other", containers=[a_container("other")], databases=[Database("o", "o", "p")])
    chosen = a_service(requires=["db"], files=[a_file()])
    built = model.build(
        [database, other, chosen], _site(), lambda _service, _file: "x", Selection(frozenset({"x"}), frozenset(GROUPS["all"]))
    )
    assert built.services == ["x"]
    assert [spec.name for spec in built.containers] == ["api"]
    assert [file.path for file in built.files] == ["api/config/x.conf"]
    assert (built.databases, built.remote_dependencies) == ([], [])
    assert [spec.name for spec in built.required] == ["db"]


def test_a_limited_run_asks_for_what_runs_elsewhere() -> None:
    database = a_service(name="db", containers=[a_container("db", group="network", ports=[3306])])
    agents = a_container("agent", group="compute", ports=[9])
    service = a_service(requires=["db"], containers=[a_container(), agents], frontends=[Frontend("f", 80, 10080, "control")])
    site = model.Site("n1", GROUPS, "caisson/", "1", {"c1": "192.0.2.1"})
    built = model.build([database, service], site, lambda _service, _file: "x", Selection(frozenset({"db", "x"}), frozenset({"n1", "n2"})))
    assert set(built.remote_dependencies) == {
        RemoteDependency("db", "c1", "192.0.2.1", 3306),
        RemoteDependency("x", "c1", "192.0.2.1", 10080),
        RemoteDependency("x", "c2", "c2", 10080),
    }
    assert _build(database, service, host="n1").remote_dependencies == []


def test_a_limited_run_asks_for_no_other_host_that_has_the_same_container() -> None:
    service = a_service(containers=[a_container("agent", group="compute", ports=[9]), a_container("api", ports=[10])])
    built = model.build([service], _site("n1"), lambda _service, _file: "x", Selection(frozenset({"x"}), frozenset({"n1"})))
    assert {(item.host, item.port) for item in built.remote_dependencies} == {("c1", 10), ("c2", 10)}


def test_a_host_without_containers_of_a_service_asks_for_nothing() -> None:
    service = a_service(containers=[a_container(ports=[1])])
    built = model.build([service], _site("n1"), lambda _service, _file: "x", Selection(frozenset({"x"}), frozenset({"n1"})))
    assert built.remote_dependencies == []


def test_a_group_without_hosts_means_nothing_to_do() -> None:
    assert _build(a_service(containers=[a_container(group="empty")], jobs=[a_job()])).stages["service"] == model.StageModel()
