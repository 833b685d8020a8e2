# SPDX-License-Identifier: Apache-2.0
"""From definitions to what a host runs."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils import model
from ansible_collections.caisson.openstack.plugins.module_utils.definition import (
    ConfigFile,
    Container,
    Database,
    Frontend,
    Job,
    Service,
    User,
)

_GROUPS = {"control": ["c1", "c2"], "compute": ["n1", "n2"], "network": ["c1"], "empty": [], "all": ["c1", "c2", "n1", "n2"]}


def _container(name: str = "api", **options: t.Any) -> Container:
    values = {"image": "x", "group": "control", "command": ["run"], "user": "1000:2000", "config_dir": "/etc/x", **options}
    return Container(name=name, **values)


def _file(path: str = "/etc/x/x.conf", containers: t.Sequence[str] = ("api",), **options: t.Any) -> ConfigFile:
    return ConfigFile(path=path, containers=list(containers), format="ini", **options)


def _job(name: str = "sync", **options: t.Any) -> Job:
    return Job(**{"name": name, "phase": "bootstrap", "container": "api", "command": ["sync"], **options})


def _service(**options: t.Any) -> Service:
    return Service(**{"name": "x", "wave": "service", "containers": [_container()], **options})


def _site(host: str = "c1") -> model.Site:
    return model.Site(host, _GROUPS, "caisson/", "1")


def _build(*services: Service, host: str = "c1", content: str = "text") -> model.HostModel:
    return model.build(services, _site(host), lambda _service, file: f"{content} {file.path}")


def _faults(*services: Service) -> list[str]:
    with pytest.raises(model.ModelError) as caught:
        model.check(services, _GROUPS)
    return caught.value.messages


# -- groups -----------------------------------------------------------------------------------------------------


def test_a_group_pattern_is_a_union_without_repeats() -> None:
    assert model.resolve_group("network:compute:control", _GROUPS) == ["c1", "n1", "n2", "c2"]


def test_frontends_know_the_hosts_behind_them() -> None:
    service = _service(frontends=[Frontend("api", 80, 10080, "control", check_path="/")])
    (found,) = model.frontends([service], _GROUPS, lambda host: f"addr-{host}")
    assert found["backends"] == [
        {"name": "c1", "address": "addr-c1", "port": 10080},
        {"name": "c2", "address": "addr-c2", "port": 10080},
    ]
    assert (found["port"], found["mode"], found["check_path"]) == (80, "http", "/")


# -- check ------------------------------------------------------------------------------------------------------


def test_a_sound_definition_passes() -> None:
    service = _service(
        containers=[_container(after=["api_start"])],
        files=[_file(), _file("/etc/x/live.conf", on_change="reload")],
        databases=[Database("x", "x", "p")],
        jobs=[_job(database="x"), _job("api_start", phase="start")],
        frontends=[Frontend("api", 80, 10080, "control")],
    )
    model.check([service], _GROUPS)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"containers": [_container(group="contol")]}, "api belongs to host group contol, which the inventory does not have (it has: comp"),
        ({"containers": [_container(user="nova")]}, "user of api is 'nova'; it must be numbers"),
        ({"containers": [_container("my api")]}, "'my api' is no name for a container"),
        ({"containers": [_container(after=["nobody"])]}, "api comes after nobody, which is not defined"),
        ({"containers": [_container(), _container()]}, "the name api is taken by service x"),
        ({"jobs": [_job("api")]}, "the name api is taken by service x"),
        ({"jobs": [_job(container="nobody")]}, "job sync runs in the place of container nobody"),
        ({"jobs": [_job(database="nothing")]}, "job sync belongs to database nothing, which is not defined"),
        ({"jobs": [_job(user="root")]}, "user of sync is 'root'"),
        ({"jobs": [_job(after=["nobody"])]}, "sync comes after nobody"),
        ({"jobs": [_job(after=["sync"])]}, "these wait for each other: sync -> sync"),
        ({"containers": [_container(after=["b1"]), _container("b1", after=["api"])]}, "these wait for each other: api -> b1 -> api"),
        ({"files": [_file(containers=["nobody"])]}, "file /etc/x/x.conf is for container nobody"),
        ({"files": [_file(mode="416")]}, "file /etc/x/x.conf has mode '416'; it must be four digits in quotes"),
        ({"files": [_file(), _file()]}, "file /etc/x/x.conf is defined twice for container api"),
        ({"files": [_file("/etc/y", on_change="reload")]}, "file /etc/y cannot be reloaded in api: it is not below config_dir ('/etc/x')"),
        ({"frontends": [Frontend("a", 1, 2, "control"), Frontend("b", 1, 3, "control")]}, "port 1 of b is taken by a"),
        ({"frontends": [Frontend("a", 1, 2, "control"), Frontend("b", 3, 2, "control")]}, "listen_port 2 of b is taken by a"),
        ({"frontends": [Frontend("a", 0, 2, "control")]}, "port 0 of a is not between 1 and 65535"),
        ({"frontends": [Frontend("a", 1, 2, "nobody")]}, "a belongs to host group nobody"),
    ],
)
def test_a_contradiction_is_named(options: dict[str, t.Any], fault: str) -> None:
    (message,) = _faults(_service(**options))
    assert fault in message


def test_contradictions_of_several_services_are_reported_together() -> None:
    first = _service(containers=[_container(user="x")])
    second = _service(name="y", containers=[_container(group="nobody")])
    assert len(_faults(first, second)) == 3


def test_after_may_name_what_another_service_defines() -> None:
    model.check([_service(), _service(name="y", containers=[_container("other", after=["api"])])], _GROUPS)


# -- containers and files ---------------------------------------------------------------------------------------


def test_a_host_gets_the_containers_of_its_groups() -> None:
    service = _service(containers=[_container(), _container("agent", group="compute")])
    assert [spec.name for spec in _build(service, host="c2").containers] == ["api"]
    assert [spec.name for spec in _build(service, host="n1").containers] == ["agent"]


def test_a_disabled_service_is_known_but_has_nothing() -> None:
    built = _build(_service(enabled=False, files=[_file()], jobs=[_job()], databases=[Database("x", "x", "p")], users=[User("x", "p")]))
    assert built.services == ["x"]
    assert (built.containers, built.files, built.databases, built.users, built.volumes) == ([], [], [], [], [])


def test_a_container_is_resolved() -> None:
    service = _service(containers=[_container(volumes=["x_data:/var/lib/x", "/run:/run:ro"])], files=[_file(), _file("/usr/lib/y.conf")])
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
        model.HostFile("api/config/x.conf", "text /etc/x/x.conf", "0640", 2000, False),
        model.HostFile("api/files/usr/lib/y.conf", "text /usr/lib/y.conf", "0640", 2000, False),
    ]


def test_a_writable_root_or_an_own_tmp_needs_no_further_one() -> None:
    specs = _build(_service(containers=[_container(read_only=False), _container("b1", tmpfs=["/tmp:size=1m"])])).containers
    assert [spec.tmpfs for spec in specs] == [[], ["/tmp:size=1m"]]


def test_a_directory_is_mounted_only_where_it_has_files() -> None:
    (spec,) = _build(_service()).containers
    assert spec.volumes == []


@pytest.mark.parametrize(("on_change", "restart", "reload"), [("restart", True, False), ("reload", False, True), ("none", False, False)])
def test_a_change_of_content_or_mode_does_what_the_file_says(on_change: str, restart: bool, reload: bool) -> None:
    service = _service(files=[_file(on_change=on_change)])
    (before,) = _build(service).containers
    for (after,) in (
        _build(service, content="other").containers,
        _build(_service(files=[_file(on_change=on_change, mode="0600")])).containers,
    ):
        assert (before.config_digest != after.config_digest, before.reload_digest != after.reload_digest) == (restart, reload)


def test_only_the_files_of_a_container_matter_to_it() -> None:
    containers = [_container(), _container("b1")]
    before = _build(_service(containers=containers, files=[_file(), _file(containers=["b1"])])).containers
    after = _build(_service(containers=containers, files=[_file(), _file(containers=["b1"], mode="0600")])).containers
    assert [one.config_digest == other.config_digest for one, other in zip(before, after, strict=True)] == [True, False]


def test_only_what_the_host_needs_is_rendered() -> None:
    rendered: list[str] = []
    service = _service(containers=[_container(), _container("agent", group="compute")], files=[_file(), _file("/a", ["agent"])])
    model.build([service], _site("n1"), lambda _service, file: rendered.append(file.path) or "")  # type: ignore[func-returns-value]
    assert rendered == ["/a"]


# -- jobs -------------------------------------------------------------------------------------------------------


def test_a_job_runs_once_or_on_every_host() -> None:
    service = _service(jobs=[_job("once"), _job("each", phase="start"), _job("last", phase="finalize")])
    first, second, other = (_build(service, host=host).waves["service"] for host in ("c1", "c2", "n1"))
    assert [[job.name for job in jobs] for jobs in (first.bootstrap, first.start, first.finalize)] == [["once"], ["each"], ["last"]]
    assert [[job.name for job in jobs] for jobs in (second.bootstrap, second.start, second.finalize)] == [[], ["each"], []]
    assert (other.bootstrap, other.start, other.finalize) == ([], [], [])


def test_a_group_without_hosts_is_no_fault() -> None:
    service = _service(containers=[_container(group="empty")], jobs=[_job()])
    model.check([service], _GROUPS)
    assert _build(service).waves["service"] == model.WaveModel()


def test_jobs_of_a_phase_run_in_the_order_they_are_listed() -> None:
    jobs = [_job("j1"), _job("k1", phase="start"), _job("j2", after=["other"]), _job("k2", phase="start"), _job("j3")]
    wave = _build(_service(jobs=jobs)).waves["service"]
    assert [(job.name, job.after) for job in wave.bootstrap] == [("j1", []), ("j2", ["other", "j1"]), ("j3", ["j2"])]
    assert [(job.name, job.after) for job in wave.start] == [("k1", []), ("k2", ["k1"])]


def test_a_job_runs_in_the_place_of_its_container() -> None:
    container = _container(volumes=["d:/d"], capabilities=["CHOWN"], survivors=["qemu"], after=["sync"], env={"A": "1"})
    service = _service(containers=[container], files=[_file()], jobs=[_job(stdin="s", ok_codes=[0, 2], retries=3)])
    built = _build(service)
    (job,) = built.waves["service"].bootstrap
    (spec,) = built.containers
    same = dataclasses.replace(job.container, name=spec.name, command=spec.command, survivors=spec.survivors, after=spec.after)
    assert same == spec
    assert (job.container.name, job.container.command, job.container.survivors) == ("sync", ["sync"], [])
    assert (job.stdin, job.ok_codes, job.retries, job.service) == ("s", [0, 2], 3, "x")


def test_a_job_overrides_what_it_names_and_keeps_the_configuration() -> None:
    job = _job(image="tool", user="0:0", capabilities=[], volumes=["t:/t"], devices=["/dev/x"], read_only=False, no_new_privileges=False)
    service = _service(containers=[_container(volumes=["d:/d"], capabilities=["CHOWN"])], files=[_file()], jobs=[job])
    found = _build(service).waves["service"].bootstrap[0].container
    assert (found.image, found.user, found.capabilities, found.devices) == ("caisson/tool:1", "0:0", [], ["/dev/x"])
    assert found.volumes == ["t:/t", "/etc/caisson/api/config:/etc/x:ro"]
    assert (found.read_only, found.no_new_privileges) == (False, False)


@given(st.permutations(["a1", "b1", "c1"]), st.sampled_from(["c1", "c2", "n1"]))
def test_the_order_of_services_changes_no_specification(names: list[str], host: str) -> None:
    services = {
        name: _service(name=name, containers=[_container(f"{name}_api")], files=[_file(containers=[f"{name}_api"])]) for name in names
    }
    built = _build(*(services[name] for name in names), host=host)
    again = _build(*(services[name] for name in sorted(names)), host=host)
    assert {spec.name: spec for spec in built.containers} == {spec.name: spec for spec in again.containers}
