# SPDX-License-Identifier: Apache-2.0
"""Hosts that cannot be part of the cloud are refused, with every reason."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_checks
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.api_name import ApiName
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.host_checks import HostFacts, HostRequirements, Port
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.interfaces import Bridge, Interface
from ansible_collections.caisson.openstack.plugins.module_utils.preflight.ports import Listener, Owner

SEEN = HostFacts("debian", "12", (3, 11), 0, 8000, 9000, ("192.0.2.11",), {"192.0.2.1": "its gateway"})
WANTED = HostRequirements(
    "192.0.2.11", 4000, 8000, "198.51.100.1/24", (Port("glance", 9292, "glance_port"), Port("ovn", 6641)), engine=True
)
BUSY: dict[str, t.Any] = {"listeners": (Listener("0.0.0.0", 9292, "7"), Listener("127.0.0.1", 6641, "8"))}


def _errors(seen: dict[str, t.Any] | None = None, wanted: dict[str, t.Any] | None = None) -> list[str]:
    return host_checks.errors(dataclasses.replace(SEEN, **seen or {}), dataclasses.replace(WANTED, **wanted or {}))


def test_a_sound_host_passes() -> None:
    assert _errors() == []
    assert _errors({"version": "13.1"}, {"address": "127.0.9.1", "external_network": ""}) == []


@pytest.mark.parametrize(
    ("seen", "wanted", "error"),
    [
        ({"distribution": "ubuntu", "version": "24.04"}, {}, "the host runs ubuntu 24.04; Debian 12 or 13 is needed"),
        ({"version": "11"}, {}, "the host runs debian 11; Debian 12 or 13 is needed"),
        ({"python": (3, 9)}, {}, "Python 3.9 runs the modules; at least 3.11 is needed (ansible_python_interpreter)"),
        ({"uid": 1000}, {}, "modules run as user 1000; they must run as root (ansible_user: root, or become: true)"),
        ({"memory": 3999}, {}, "the host has 3999 MiB of memory; 4000 are needed (host_minimum_memory)"),
        ({"disk": 7999}, {}, "/var/lib has 7999 MiB free; 8000 are needed (host_minimum_disk)"),
        ({}, {"address": "aio"}, "cloud_address is 'aio', which is not an IP address"),
        ({}, {"address": "192.0.2.12"}, "cloud_address 192.0.2.12 is not an address of this host (it has: 192.0.2.11)"),
        ({}, {"external_network": "x/y"}, "the floating range 'x/y' is not a network such as 198.51.100.0/24"),
        (
            {},
            {"external_network": "192.0.2.9/28"},
            "the floating range 192.0.2.0/28 holds 192.0.2.1, which this host needs (its gateway); choose another range",
        ),
        ({"engine_error": "no engine"}, {}, "no engine"),
        (
            {**BUSY, "owners": {"7": Owner(42, "nginx")}},
            {},
            "port 9292, on which glance is to listen, is taken by process 42 (nginx) at 0.0.0.0; "
            "stop that, or set glance_port to another port",
        ),
        (
            {**BUSY, "owners": {"7": Owner(42, "nginx", "c" * 64)}, "containers": {"d" * 64: "glance_api"}},
            {},
            "port 9292, on which glance is to listen, is taken by process 42 (nginx) in container cccccccccccc at 0.0.0.0; "
            "stop that, or set glance_port to another port",
        ),
        (
            {"listeners": (Listener("192.0.2.11", 6641, "8"),)},
            {},
            "port 6641, on which ovn is to listen, is taken by a process that cannot be seen at 192.0.2.11; stop that",
        ),
    ],
)
def test_what_is_not_as_it_must_be_is_named(seen: dict[str, t.Any], wanted: dict[str, t.Any], error: str) -> None:
    assert _errors(seen, wanted) == [error]


def test_a_cloud_that_is_there_is_not_in_its_own_way() -> None:
    containers = {"d" * 64: "glance_api"}
    assert _errors({**BUSY, "owners": {"7": Owner(42, "uwsgi", "d" * 64)}, "containers": containers}) == []
    assert _errors({"containers": containers, "disk": 1}, {"external_network": "192.0.2.9/28"}) == []


def test_containers_that_outlive_their_engine_do_not_keep_it_from_coming_back() -> None:
    seen = {**BUSY, "owners": {"7": Owner(42, "uwsgi", "d" * 64)}, "engine_error": "no engine"}
    assert _errors(seen, {"engine": False}) == []


def test_an_engine_may_be_absent_before_it_is_installed() -> None:
    assert _errors({"engine_error": "no engine"}, {"engine": False}) == []


def test_addresses_that_services_use_must_be_on_the_host() -> None:
    here = {"interfaces": {"eth0": Interface("eth0", addresses=("192.0.2.11/24",))}}
    (balancer,) = _errors(here, {"api_address": "192.0.2.200"})
    assert "no network interface of this host has 192.0.2.200, on which its load balancer is to listen (it has: 192.0.2.11)" in balancer
    assert "set cloud_api_address to an address of it" in balancer and balancer.endswith("set loadbalancer_external to true")
    (users,) = _errors(here, {"api_address": "192.0.2.11", "public_address": "198.51.100.7"})
    assert "no network interface of this host has 198.51.100.7, on which its load balancer is to listen" in users
    assert "set cloud_public_address to an address of it" in users and "loadbalancer_external" in users
    (tunnel,) = _errors(here, {"tunnel_address": "10.0.0.5"})
    assert "cloud_tunnel_address 10.0.0.5 is not an address of this host (it has: 192.0.2.11)" in tunnel
    assert _errors(here, {"api_address": "192.0.2.11", "tunnel_address": "192.0.2.11"}) == []
    assert _errors(here, {"api_address": "127.0.9.1", "tunnel_address": "127.0.9.1"}) == []
    # keepalived and its like move an address while everybody listens on it
    assert _errors({**here, "binds_any_address": True}, {"api_address": "192.0.2.200"}) == []
    # the bridge is going to have it
    bridge = Bridge("br-tunnel", "eth1", "10.0.0.5/24", "openvswitch_tunnel_interface")
    have = {"interfaces": {**here["interfaces"], "eth1": Interface("eth1")}}
    assert _errors(have, {"tunnel_address": "10.0.0.5", "bridges": (bridge,)}) == []


def test_the_name_of_the_apis_is_resolved_as_the_inventory_says() -> None:
    asked = {"api_names": (ApiName("cloud.example.org", "192.0.2.10"),)}
    assert _errors({"api_name_addresses": {"cloud.example.org": ["192.0.2.10"]}}, asked) == []
    (error,) = _errors({"api_name_addresses": {"cloud.example.org": ["192.0.2.9"]}}, asked)
    assert error.startswith("cloud_api_fqdn: 'cloud.example.org' must resolve to cloud_api_address, 192.0.2.10")
    assert "but this host resolves it to 192.0.2.9; correct DNS or /etc/hosts there" in error


def test_a_bridge_needs_an_address_that_is_one() -> None:
    bridge = Bridge("br-tunnel", "eth1", "banana/24", "openvswitch_tunnel_interface")
    assert _errors({"interfaces": {"eth1": Interface("eth1")}}, {"bridges": (bridge,)}) == [
        "bridge br-tunnel is to have 'banana/24', which is no address with a prefix length such as 192.0.2.11/24"
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ""),
        (" \n", ""),
        ('{"debug": true}', ""),
        ("{", "is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("[]", "is JSON, but not an object"),
    ],
)
def test_the_options_of_the_engine_can_be_read(text: str, error: str) -> None:
    errors = _errors({"engine_options": text})
    assert (len(errors) == 1 and error in errors[0] and "/etc/docker/daemon.json" in errors[0]) if error else errors == []


@pytest.mark.parametrize(
    ("host", "error", "warning"),
    [
        (1005.0, "", ""),
        (999.0, "", ""),
        (1011.0, "", ""),
        # within the ten seconds that the answer took nobody can tell
        (1000.0, "", ""),
        (1013.0, "", "the clock of the host is 3 s ahead of the controller's"),
        (990.0, "", "the clock of the host is 10 s behind the controller's"),
        (960.0, "the clock of the host is 40 s behind the controller's, more than the 30 s allowed", ""),
        (1110.0, "the clock of the host is 100 s ahead of the controller's", ""),
    ],
)
def test_clocks_agree(host: float, error: str, warning: str) -> None:
    found = host_checks.clock(host, 1000.0, 1010.0)
    assert [bool(text) for text in found] == [bool(error), bool(warning)]
    assert error in found[0] and warning in found[1]


def test_another_cloud_of_the_host_is_named_once_and_not_for_each_port() -> None:
    listeners = (Listener("0.0.0.0", 9292, "7"), Listener("192.0.2.11", 6641, "8"))
    owners = {"7": Owner(42, "python3", "c" * 64), "8": Owner(43, "ovsdb-server", "d" * 64)}
    (error,) = _errors({"listeners": listeners, "owners": owners, "foreign": {"c" * 64: "old", "d" * 64: "old"}})
    assert "the host runs another cloud, 'old', whose containers have 2 of the ports that are needed (9292, ...)" in error
    assert "set cloud_name to old" in error
