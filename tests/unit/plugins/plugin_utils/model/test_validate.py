# SPDX-License-Identifier: Apache-2.0
"""Definitions that do not make a cloud are refused."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import (
    Cluster,
    ContainerCommand,
    Database,
    Frontend,
    ReadyCheck,
    Schema,
    Service,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import validate
from tests.unit.builders import GROUPS, a_backup, a_container, a_file, a_job, a_service


def _errors(*services: Service) -> list[str]:
    with pytest.raises(validate.ModelError) as caught:
        validate.check(services, GROUPS)
    return caught.value.messages


def test_a_sound_definition_passes() -> None:
    service = a_service(
        containers=[a_container(after=["api_start"])],
        files=[a_file(), a_file("/etc/x/live.conf", on_change="reload")],
        databases=[Database("x", "x", "p")],
        schemas=[Schema("x", "api", "x.db", "/etc/x/x.conf")],
        jobs=[a_job(database="x"), a_job("api_start", phase="start")],
        frontends=[Frontend("api", 80, 10080, "control")],
    )
    validate.check([service], GROUPS)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            {"containers": [a_container(group="contol")]},
            "api belongs to host group contol, which the inventory does not have (it has: comp",
        ),
        ({"containers": [a_container(user="nova")]}, "user of api is 'nova'; it must be numbers"),
        ({"containers": [a_container(stop_check=ContainerCommand([]))]}, "stop_check of api has an empty command"),
        ({"containers": [a_container(drain=ContainerCommand(["x"], 0))]}, "drain of api has timeout 0; it must be at least 1"),
        ({"containers": [a_container(ready=ReadyCheck(["x"], interval=0))]}, "ready of api has interval 0; it must be at least 1"),
        ({"containers": [a_container(cluster=Cluster(ContainerCommand(["x"])))]}, "api belongs to a cluster, but has no volume"),
        (
            {"containers": [a_container(volumes=["a:/b"], cluster=Cluster(ContainerCommand([])))]},
            "cluster.facts of api has an empty command",
        ),
        (
            {"containers": [a_container(volumes=["a:/b"], cluster=Cluster(ContainerCommand(["x"]), lost_hosts=["c9"]))]},
            "lost host c9 of api is not in host group control",
        ),
        ({"containers": [a_container("my api")]}, "'my api' is not a container name"),
        ({"containers": [a_container(after=["nobody"])]}, "api comes after nobody, which is not defined"),
        ({"containers": [a_container(), a_container()]}, "the name api is taken by service x"),
        ({"jobs": [a_job("api")]}, "the name api is taken by service x"),
        ({"jobs": [a_job(container="nobody")]}, "job sync runs in the place of container nobody"),
        ({"jobs": [a_job(database="nothing")]}, "job sync belongs to database nothing, which is not defined"),
        ({"jobs": [a_job(user="root")]}, "user of sync is 'root'"),
        ({"jobs": [a_job(after=["nobody"])]}, "sync comes after nobody"),
        ({"jobs": [a_job(after=["sync"])]}, "these wait for each other: sync -> sync"),
        ({"containers": [a_container(after=["b1"]), a_container("b1", after=["api"])]}, "these wait for each other: api -> b1 -> api"),
        ({"files": [a_file(containers=["nobody"])]}, "file /etc/x/x.conf is for container nobody"),
        ({"files": [a_file(mode="416")]}, "file /etc/x/x.conf has mode '416'; it must be four digits in quotes"),
        ({"files": [a_file(), a_file()]}, "file /etc/x/x.conf is defined twice for container api"),
        ({"files": [a_file("/etc/y", on_change="reload")]}, "file /etc/y cannot be reloaded in api: it is not below config_dir ('/etc/x')"),
        ({"frontends": [Frontend("a", 1, 2002, "control"), Frontend("b", 1, 2003, "control")]}, "port 1 of b is taken by a"),
        ({"frontends": [Frontend("a", 1, 2002, "control"), Frontend("b", 3, 2002, "control")]}, "listen_port 2002 of b is taken by a"),
        ({"frontends": [Frontend("a", 0, 2002, "control")]}, "port 0 of a is not between 1 and 65535"),
        ({"frontends": [Frontend("a", 1, 2002, "nobody")]}, "a belongs to host group nobody"),
        ({"jobs": [a_job(schema="y")]}, "job sync applies migrations of schema y, which is not defined"),
        ({"schemas": [Schema("nothing", "api", "x.db", "/x")]}, "schema nothing belongs to a database that is not defined"),
        (
            {"schemas": [Schema("x", "nobody", "x.db", "/x")], "databases": [Database("x", "x", "p")]},
            "schema x is read in the place of container nobody, which is not defined",
        ),
        (
            # one that is only looked into has no schema of ours
            {"schemas": [Schema("x", "api", "x.db", "/x")], "databases": [Database("x", "x", "p", privileges=["SELECT"])]},
            "schema x belongs to a database that is not defined",
        ),
        ({"backups": [a_backup(container="nobody")]}, "backup data is of container nobody, which is not defined"),
        ({"backups": [a_backup(path="srv")]}, "backup data has path 'srv'; it must begin with '/'"),
        ({"backups": [a_backup("../data")]}, "backup ../data: its name becomes a file name"),
        ({"backups": [a_backup("secrets")]}, "backup secrets: the name is taken by the collection itself"),
        ({"backups": [a_backup(), a_backup()]}, "backup data: the name is taken by service x"),
    ],
)
def test_a_contradiction_is_named(options: dict[str, t.Any], error: str) -> None:
    (message,) = _errors(a_service(**options))
    assert error in message


def test_contradictions_of_several_services_are_reported_together() -> None:
    first = a_service(containers=[a_container(user="x")])
    second = a_service(name="y", containers=[a_container(group="nobody")])
    assert len(_errors(first, second)) == 3


def test_after_may_name_what_another_service_defines() -> None:
    validate.check([a_service(), a_service(name="y", containers=[a_container("other", after=["api"])])], GROUPS)


def test_a_group_without_hosts_is_no_fault_of_a_disabled_service() -> None:
    options = {"containers": [a_container(group="empty")], "jobs": [a_job()]}
    validate.check([a_service(enabled=False, **options)], GROUPS)
    (error,) = _errors(a_service(**options))
    assert (
        error == "x: api belongs to host group empty, which has no hosts; put hosts into it, or set x_service_overrides: {enabled: false}"
    )


def test_services_of_one_host_do_not_share_a_port() -> None:
    first = a_service(containers=[a_container(ports=[8000])], frontends=[Frontend("front", 443, 8000, "control")])
    second = a_service(name="y", containers=[a_container("other", group="network", ports=[8000, 0])])
    assert _errors(first, second) == [
        "y: port 8000 of other is taken by front of service x on the same host",
        "y: port 8000 of other is taken by api of service x on the same host",
        "y: port 0 of other is not between 1 and 65535",
    ]
    validate.check([first, a_service(name="y", containers=[a_container("other", group="compute", ports=[8000])])], GROUPS)


@pytest.mark.parametrize(
    ("services", "error"),
    [
        (
            [a_service(requires=["maria"]), a_service(name="mariadb", containers=[])],
            "x: requires service maria, which is not in this play; did you mean 'mariadb'?",
        ),
        ([a_service(requires=["y"]), a_service(name="y", enabled=False, containers=[])], "x: requires service y, which is disabled"),
        ([a_service(requires=["y"]), a_service(name="y", requires=["x"], containers=[])], "services wait for each other: x -> y -> x"),
        (
            [a_service(containers=[a_container(memory="much")])],
            "x: memory of api: 'much' is not a size; use a number with b, k, m or g, as in 512m",
        ),
    ],
)
def test_a_requirement_that_cannot_be_met_is_named(services: list[Service], error: str) -> None:
    assert _errors(*services) == [error]


def test_a_disabled_service_requires_nothing() -> None:
    validate.check([a_service(enabled=False, requires=["y"]), a_service(name="y", enabled=False, containers=[])], GROUPS)


def test_a_public_port_is_nobody_elses_at_the_same_address() -> None:
    dashboard = a_service(containers=[a_container(ports=[9090])], frontends=[Frontend("dashboard", 9090, 18080, "control")])
    remote = a_service(name="y", containers=[a_container("agent", group="compute", ports=[9090])])
    validate.check([dashboard, remote], GROUPS)
    with pytest.raises(validate.ModelError) as caught:
        validate.check([dashboard, remote], GROUPS, balancer="c2")
    assert caught.value.messages == [
        "x: public port 9090 of dashboard is taken by api of service x, which listens on the address of the load balancer, too (host c2); "
        "take another port"
    ]
    # a listen port is taken as well, be it one's own
    own = a_service(name="z", containers=[], frontends=[Frontend("own", 18080, 18080, "control")])
    with pytest.raises(validate.ModelError, match="public port 18080 of own is taken by own of service z"):
        validate.check([own], GROUPS, balancer="c1")
    validate.check([dataclasses.replace(own, enabled=False)], GROUPS, balancer="c1")


def test_only_public_ports_are_below_1024() -> None:
    service = a_service(containers=[a_container(ports=[443])], frontends=[Frontend("front", 80, 81, "control")])
    assert [message.split(",")[0] for message in _errors(service)] == [
        "x: port 443 of api is below 1024",
        "x: port 81 of front is below 1024",
    ]
    validate.check([a_service(containers=[a_container(ports=[443], capabilities=["NET_BIND_SERVICE"])])], GROUPS)
