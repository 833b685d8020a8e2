# SPDX-License-Identifier: Apache-2.0
"""Which hosts must reach each other, and what is refused when they found out that they do not fit together."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import listeners, peers
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from tests import expressions

ADDRESSES = {"c1": "192.0.2.11", "c2": "192.0.2.12", "c3": "192.0.2.13", "n1": "192.0.2.31"}
GROUPS = {"all": [*ADDRESSES], "control": ["c1", "c2"], "apis": ["c2", "c3"], "compute": ["n1"]}
SERVICE = {
    "containers": [
        {"name": "db", "group": "{{ alpha_group }}", "ports": [4567, 3306], "cluster": {"facts": {"command": ["facts"]}}},
        {"name": "api", "group": "apis", "ports": [10080]},
        {"name": "agent", "group": "compute", "ports": [9100]},
    ],
    "frontends": [{"name": "api", "group": "apis", "port": 80, "listen_port": 10080}],
}


def _peers(**variables: t.Any) -> dict[str, list[dict[str, t.Any]]]:
    inventory = Inventory(
        variables={"groups": GROUPS, "alpha_group": "control", "loadbalancer_group": "control", "alpha_service": SERVICE, **variables},
        in_play={role: pathlib.Path("/nowhere") / role for role in ("alpha", "loadbalancer", "cloud")},
        written=lambda host: {"ansible_host": ADDRESSES[host]},
        resolve=expressions.resolve,
        origin=lambda _value: "hosts.yml",
    )
    return peers.peers(inventory, list(listeners.items(inventory)))


def test_members_of_a_cluster_and_load_balancers_have_peers_and_hypervisors_none() -> None:
    assert _peers() == {
        "c1": [
            {"host": "c2", "address": "192.0.2.12", "ports": [3306, 4567, 10080]},
            {"host": "c3", "address": "192.0.2.13", "ports": [10080]},
        ],
        "c2": [
            {"host": "c1", "address": "192.0.2.11", "ports": [3306, 4567]},
            {"host": "c3", "address": "192.0.2.13", "ports": [10080]},
        ],
    }
    assert _peers(groups={**GROUPS, "control": ["c1"], "apis": ["c1"]}) == {}


VIRTUAL = {"cloud_api_address": "192.0.2.100", "cloud_public_address": "198.51.100.100"}


def _found(**hosts: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    own: dict[str, t.Any] = {
        "clock_ahead": [0.0, 0.5],
        "unreachable": [],
        "virtual_addresses": {address: {"here": False, "at": ""} for address in VIRTUAL.values()},
    }
    return {host: {**own, **hosts.get(host, {})} for host in ("c1", "c2", "c3")}


def _errors(hosts: dict[str, t.Any], virtual: t.Sequence[str] = ("c1", "c2", "c3")) -> list[str]:
    return list(peers.errors(hosts, virtual, VIRTUAL))


def test_hosts_that_fit_together_pass() -> None:
    assert _errors(_found()) == []
    assert _errors({}) == _errors({"c1": {"failed": True}}) == []


def test_clocks_that_certainly_differ_are_refused() -> None:
    assert _errors(_found(c1={"clock_ahead": [16, 17]}, c2={"clock_ahead": [-14, -13]})) == []
    (error,) = _errors(_found(c1={"clock_ahead": [20, 21]}, c3={"clock_ahead": [-20, -19]}))
    assert error.startswith("the clock of c1 is 39 s ahead of that of c3, more than the 30 s allowed;")


def test_a_peer_that_takes_part_in_the_run_must_be_reached() -> None:
    away = {"host": "c2", "address": "192.0.2.12", "ports": [3306, 4567]}
    (error,) = _errors(_found(c1={"unreachable": [away]}))
    assert error.startswith("host c1 does not reach c2 (192.0.2.12) on TCP ports 3306, 4567: services on these hosts need each other")
    # a host that is down is borne
    hosts = _found(c1={"unreachable": [away]})
    del hosts["c2"]
    assert _errors(hosts) == []


@pytest.mark.parametrize(
    ("hosts", "virtual", "taken"),
    [
        ({"c1": {"here": False, "at": "aa:bb"}, "c3": {"here": False, "at": "aa:bb"}}, ("c1", "c2", "c3"), True),
        ({"c1": {"here": False, "at": "aa:bb"}, "c2": {"here": True, "at": ""}}, ("c1", "c2", "c3"), False),
        # the host that has it may be the one that does not answer
        ({"c1": {"here": False, "at": "aa:bb"}}, ("c1", "c2", "c3", "c4"), False),
        ({"c1": {"here": False, "at": "aa:bb"}}, (), False),
    ],
)
def test_a_virtual_address_that_a_stranger_has_is_refused(hosts: dict[str, t.Any], virtual: t.Sequence[str], taken: bool) -> None:
    for setting, address in VIRTUAL.items():
        others = {other: {"here": False, "at": ""} for other in VIRTUAL.values()}
        found = _errors(_found(**{host: {"virtual_addresses": {**others, address: owner}} for host, owner in hosts.items()}), virtual)
        assert len(found) == taken
        assert all(error.startswith(f"{setting} {address} is taken: the machine with the hardware address aa:bb") for error in found)
