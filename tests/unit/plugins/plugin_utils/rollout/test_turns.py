# SPDX-License-Identifier: Apache-2.0
"""Hosts take turns with the containers that several of them have: by stage, by tier, by host."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.output.plans import PlanStep
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout import turns


def step(name: str, stage: str = "", tier: str = "") -> PlanStep:
    """Return the replacement of a container."""
    return PlanStep(kind="container", name=name, action="replace", stage=stage, tier=tier)


HOSTS = {
    "c1": [step("nova_api", "service", "api"), step("mariadb", "infrastructure", "backend"), step("keystone_api", "identity", "identity")],
    "c2": [step("nova_api", "service", "api"), step("mariadb", "infrastructure", "backend")],
    "n1": [step("libvirt", "infrastructure", "compute"), step("nova_compute", "service", "compute")],
    "n2": [step("only_here")],
}


def test_turns_are_in_the_order_of_start_rounds_tiers_and_hosts() -> None:
    assert [(turn.stage, turn.tier, turn.hosts) for turn in turns.order(HOSTS)] == [
        ("infrastructure", "backend", ["c1"]),
        ("infrastructure", "backend", ["c2"]),
        ("infrastructure", "compute", ["n1"]),
        ("identity", "identity", ["c1"]),
        ("service", "api", ["c1"]),
        ("service", "api", ["c2"]),
        ("service", "compute", ["n1"]),
    ]


def test_a_turn_has_the_containers_of_each_host() -> None:
    assert [turn.containers for turn in turns.order(HOSTS, [2])][:2] == [{"c1": ["mariadb"], "c2": ["mariadb"]}, {"n1": ["libvirt"]}]


def test_a_plan_without_shared_containers_has_no_turns() -> None:
    assert turns.order({"n2": HOSTS["n2"], "(cloud)": []}) == []
    assert turns.summary([]) == []


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        ([1], [1] * 10),
        ([1, 4], [1, 4, 4, 1]),
        (["30%"], [3, 3, 3, 1]),
        (["1%"], [1] * 10),
        ([1, "50%", 20], [1, 5, 4]),
        ([], [1] * 10),
    ],
)
def test_batches_have_the_sizes_of_serial(serial: list[int | str], sizes: list[int]) -> None:
    hosts = [f"n{number}" for number in range(10)]
    found = turns.batches(hosts, serial)
    assert [len(batch) for batch in found] == sizes
    assert [host for batch in found for host in batch] == hosts


def test_a_batch_has_hosts_of_one_zone_and_zones_follow_each_other() -> None:
    hosts = ["n1", "n2", "n3", "n4", "n5", "n6"]
    zones = {"a": ["n1", "n3", "n5"], "b": ["n2", "n4"]}
    assert turns.by_zone(hosts, zones) == ["n1", "n3", "n5", "n2", "n4", "n6"]
    assert turns.batches(hosts, [2], zones) == [["n1", "n3"], ["n5"], ["n2", "n4"], ["n6"]]
    assert turns.batches(hosts, [1, "100%"], zones) == [["n1"], ["n3", "n5"], ["n2", "n4"], ["n6"]]
    assert turns.batches(hosts, [4], {"a": hosts}) == turns.batches(hosts, [4]) == [hosts[:4], hosts[4:]]


def test_turns_of_a_tier_keep_zones_apart() -> None:
    steps = {host: [step("libvirt", "infrastructure", "compute")] for host in ("n1", "n2", "n3")}
    zones = {"a": ["n1", "n3"], "b": ["n2"]}
    assert [turn.hosts for turn in turns.order(steps, [3], zones)] == [["n1", "n3"], ["n2"]]


@pytest.mark.parametrize("serial", [0, "0%", "-1", "half", 1.5])
def test_a_size_that_is_no_number_of_hosts_is_refused(serial: int | str) -> None:
    with pytest.raises(turns.SerialError, match="is not a number of hosts"):
        turns.batches(["n1"], [serial])


def test_people_see_who_replaces_what_in_which_order() -> None:
    assert turns.summary(turns.order(HOSTS, [2]))[:3] == [
        "Replaced or restarted host by host, in this order:",
        "  1. c1, c2: mariadb",
        "  2. n1: libvirt",
    ]
