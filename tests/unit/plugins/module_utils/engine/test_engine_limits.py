# SPDX-License-Identifier: Apache-2.0
"""Limits of a container as the engine says them, against those of its specification. On a real engine: tests/integration."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import limits
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from tests.unit.builders import a_state


def _spec(**options: t.Any) -> ContainerSpec:
    return ContainerSpec(name="api", service="x", image="x:1", command=["run"], **options)


@pytest.mark.parametrize(
    ("options", "current"),
    [
        ({}, {}),
        ({}, {"Memory": 0, "CpusetCpus": "", "CpuShares": 0}),
        # as an update has unset them
        ({}, {"CpusetCpus": "0-3", "CpuShares": 1024}),
        ({"cpuset_cpus": "0-3", "cpu_shares": 1024}, {}),
        ({"memory": "1024m", "cpuset_cpus": "0-2", "cpu_shares": 5}, {"Memory": 2**30, "CpusetCpus": "2,0,1", "CpuShares": 5}),
    ],
)
def test_what_means_the_same_is_no_difference(options: dict[str, t.Any], current: dict[str, t.Any]) -> None:
    assert limits.differences(_spec(**options), a_state(host_config=current), "0-3") == []


@pytest.mark.parametrize(
    ("options", "current", "reason"),
    [
        ({"memory": "1g"}, {}, "memory: none -> 1g"),
        ({}, {"Memory": 1536 * 2**20}, "memory: 1536m -> none"),
        ({"memory": "1g"}, {"Memory": 1000}, "memory: 1000 -> 1g"),
        ({"cpuset_cpus": "0"}, {}, "cpuset_cpus: none -> 0"),
        ({}, {"CpusetCpus": "1"}, "cpuset_cpus: 1 -> none"),
        ({}, {"CpuShares": 2}, "cpu_shares: 2 -> 0"),
        ({"cpu_shares": 2}, {}, "cpu_shares: 1024 -> 2"),
    ],
)
def test_a_limit_that_differs_is_named(options: dict[str, t.Any], current: dict[str, t.Any], reason: str) -> None:
    assert [str(found) for found in limits.differences(_spec(**options), a_state(host_config=current), "0-3")] == [reason]


def test_only_a_limit_of_memory_that_goes_takes_a_new_container() -> None:
    current = a_state(host_config={"Memory": 2**30, "CpusetCpus": "0", "CpuShares": 5})
    found = limits.differences(_spec(), current, "0-3")
    assert [difference.option for difference in found if limits.needs_new_container(difference)] == ["memory"]
    assert len(found) == 3
    (changed,) = limits.differences(_spec(memory="2g", cpuset_cpus="0", cpu_shares=5), current, "0-3")
    assert not limits.needs_new_container(changed)


def test_an_update_says_everything_because_what_is_empty_would_stay() -> None:
    assert limits.update(_spec(), "0-3") == {"cpuset_cpus": "0-3", "cpu_shares": 1024}
    assert limits.update(_spec(memory="1g", cpuset_cpus="2", cpu_shares=7), "0-3") == {
        "mem_limit": 2**30,
        "memswap_limit": 2**31,
        "cpuset_cpus": "2",
        "cpu_shares": 7,
    }
