# SPDX-License-Identifier: Apache-2.0
"""Limits that an operator sets for containers or for all of a service."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.limits import ContainerLimits, LimitedContainer, errors, unfit
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import container_limits
from tests.unit.builders import a_container, a_service

SERVICES = [
    a_service(name="nova", containers=[a_container("nova_api", memory="1g"), a_container("nova_compute", memory="1g")]),
    a_service(name="mariadb", containers=[a_container("mariadb", memory="2g"), a_container("mysqld_exporter", memory="256m")]),
]


def _limits(setting: t.Any) -> dict[str, tuple[str, str, int]]:
    own, wrong = container_limits.load(setting, SERVICES)
    assert wrong == []
    applied = container_limits.apply(SERVICES, own)
    return {item.name: (item.memory, item.cpuset_cpus, item.cpu_shares) for service in applied for item in service.containers}


def test_without_limits_definitions_are_as_they_were() -> None:
    assert container_limits.load({}, SERVICES) == ({}, [])
    assert container_limits.apply(SERVICES, {}) == SERVICES


def test_what_a_container_says_precedes_what_its_service_says() -> None:
    setting = {"nova": {"cpuset_cpus": "0-1", "cpu_shares": 512}, "nova_compute": {"cpuset_cpus": 0, "memory": "3g"}}
    assert _limits(setting) == {
        "nova_api": ("1g", "0-1", 512),
        "nova_compute": ("3g", "0", 512),
        "mariadb": ("2g", "", 0),
        "mysqld_exporter": ("256m", "", 0),
    }


def test_a_name_of_a_service_and_of_a_container_is_that_of_the_container() -> None:
    assert {name for name, limits in _limits({"mariadb": {"cpu_shares": 9}}).items() if limits[2]} == {"mariadb"}


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({"mariadbb": {}}, "cloud_container_limits: no container or service is named 'mariadbb'; did you mean 'mariadb'?"),
        ({"nova": {"memroy": "1g"}}, "cloud_container_limits.nova.memroy: "),
        ({"nova": "1g"}, "cloud_container_limits.nova: expected a mapping, got '1g'"),
        ({"nova": {"memory": "much"}}, "cloud_container_limits: memory of nova: 'much' is not a size; use a number with b, k, m or g"),
        ({"nova": {"cpuset_cpus": "3-1"}}, "cloud_container_limits: cpuset_cpus of nova: '3-1' is not a list of processors"),
        (
            {"nova": {"cpu_shares": 1}},
            "cloud_container_limits: cpu_shares of nova is 1; it must be from 2 to 262144, or 0 for the usual 1024",
        ),
        ({"nova": {"cpu_shares": "many"}}, "cloud_container_limits.nova.cpu_shares: expected a whole number, got 'many'"),
    ],
)
def test_what_is_wrong_is_named(setting: dict[str, t.Any], error: str) -> None:
    (found,) = container_limits.load(setting, SERVICES)[1]
    assert found.startswith(error)


def test_only_a_play_of_all_services_knows_all_names() -> None:
    assert container_limits.load({"mariadb": {"memory": "1g"}}, SERVICES[:1]) == ({}, [])


def test_a_host_has_what_its_containers_may_use() -> None:
    own = {"a": ContainerLimits("3g", "0-1"), "b": ContainerLimits("2g"), "elsewhere": ContainerLimits("900g")}
    limited = container_limits.of_host(["a", "b", "c"], own)
    assert limited == [LimitedContainer("a", "3g", "0-1"), LimitedContainer("b", "2g")]
    assert unfit(limited, 8192, "0-3") == []
    assert unfit(limited, 4096, "0-3") == [
        "cloud_container_limits: the memory of its containers is 5120 MiB together (a 3072, b 2048); the host has 4096 MiB"
    ]
    assert unfit(limited, 2500, "0,2") == [
        "cloud_container_limits: cpuset_cpus of a names processor 1; the host has 0,2",
        "cloud_container_limits: memory of a is 3g; the host has 2500 MiB",
    ]


def test_a_definition_is_held_to_the_same() -> None:
    assert errors(a_container(cpuset_cpus="x", cpu_shares=-1), "api") == [
        "cpuset_cpus of api: 'x' is not a list of processors; use numbers and ranges with commas, as in 0-3,8",
        "cpu_shares of api is -1; it must be from 2 to 262144, or 0 for the usual 1024",
    ]
