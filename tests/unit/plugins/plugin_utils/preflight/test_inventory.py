# SPDX-License-Identifier: Apache-2.0
"""What an inventory says of its hosts, what services listen on, and whether their addresses fit each other."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import declarations, host_addresses, listeners, shared_settings
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory import Inventory
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Role, Setting
from tests import expressions

_GROUPS = {"all": ["c1", "n1"], "control": ["c1"], "compute": ["n1"]}
_HOSTS = {"c1": {"cloud_address": "192.0.2.11"}, "n1": {"ansible_host": "192.0.2.31"}}
_API = {"name": "alpha_api", "group": "{{ alpha_group }}", "ports": [8080], "volumes": ["alpha_data:/data", "/etc:/etc"]}
_FRONTEND = {"name": "alpha", "group": "{{ alpha_group }}", "port": "{{ alpha_port }}", "listen_port": 10080}
_SERVICE = {"containers": [_API], "frontends": [_FRONTEND]}


def _inventory(
    hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None, roles: t.Collection[str] = ("alpha",), **variables: t.Any
) -> Inventory:
    written = {host: {**own, **(hosts or {}).get(host, {})} for host, own in _HOSTS.items()}
    return Inventory(
        variables={"groups": _GROUPS, "alpha_group": "control", "alpha_port": 80, "alpha_service": _SERVICE, **variables},
        in_play={role: pathlib.Path("/nowhere") / role for role in roles},
        written=lambda host: written[host],
        resolve=expressions.resolve,
        origin=lambda _value: "hosts.yml",
        forced=["alpha_forced"],
    )


def test_settings_of_roles_are_resolved_with_the_variables_of_the_host() -> None:
    own = {"alpha_a": "{{ port + 1 }}", "port": 1, "alpha_later": "{{ facts }}", "alpha_forced": 3, "other": 4}
    found = _inventory({"c1": own}).settings("c1", ["alpha"])
    assert found == {
        "alpha_a": Setting(2, "hosts.yml"),
        "alpha_later": Setting(..., "hosts.yml"),
        "alpha_forced": Setting(3, "hosts.yml", forced=True),
    }


def test_groups_of_disabled_services_are_not_looked_for() -> None:
    assert _inventory(beta_group="compute").patterns == {"alpha_group": "control"}
    assert _inventory(alpha_service_overrides={"enabled": "no"}).patterns == {}
    assert _inventory(alpha_group="{{ nothing }}").patterns == {}


def test_hosts_of_patterns() -> None:
    inventory = _inventory(alpha_group="control:compute")
    assert inventory.hosts_of_services() == inventory.members() == ["c1", "n1"]
    assert inventory.hosts_or_none("missing") == []
    with pytest.raises(KeyError):
        inventory.hosts("missing")


def test_ports_and_volumes_by_host() -> None:
    inventory = _inventory(roles=["alpha", "loadbalancer"], loadbalancer_group="compute")
    items = list(listeners.items(inventory))
    assert listeners.listeners(inventory, items) == {
        "c1": [{"service": "alpha", "port": 8080, "setting": ""}, {"service": "alpha", "port": 10080, "setting": ""}],
        "n1": [{"service": "alpha", "port": 80, "setting": "alpha_port"}],
    }
    assert listeners.volumes(inventory, items) == {"c1": ["alpha_data"]}


def test_an_override_moves_what_listens_unless_it_does_not_fit() -> None:
    moved = _inventory(alpha_service_overrides={"containers": [{"name": "alpha_api", "group": "compute", "ports": [1, 2]}]})
    assert [item["port"] for item in listeners.listeners(moved, listeners.items(moved))["n1"]] == [1, 2]
    wrong = _inventory(alpha_service_overrides={"containers": [{"group": "compute"}]})
    assert listeners.listeners(wrong, listeners.items(wrong)).keys() == {"c1"}
    disabled = _inventory(alpha_service_overrides={"enabled": False})
    assert list(listeners.items(disabled)) == []


def _errors(hosts: t.Mapping[str, t.Mapping[str, t.Any]], **variables: t.Any) -> list[tuple[str, str]]:
    roles = ["alpha", "cloud", "loadbalancer", "openvswitch"]
    groups = {"loadbalancer_group": "control", "openvswitch_group": "control:compute"}
    mappings = {"openvswitch_bridge_mappings": "physnet1:br-ex", "openvswitch_tunnel_bridge": "br-tunnel"}
    inventory = _inventory(hosts, roles, **{"cloud_api_address": "192.0.2.11", **groups, **mappings, **variables})
    settings = {host: inventory.settings(host, [*roles, "verify", "neutron"]) for host in ("c1", "n1")}
    return host_addresses.check(inventory, settings)


def test_sound_addresses_pass() -> None:
    assert _errors({}) == []
    # known to later tasks only
    assert _errors({"n1": {"cloud_address": "{{ facts }}"}}) == []


@pytest.mark.parametrize(
    ("hosts", "variables", "host", "words"),
    [
        ({"n1": {"cloud_address": "192.0.2.11"}}, {}, "", "hosts c1 and n1 have the same address, 192.0.2.11"),
        ({}, {"cloud_api_address": "192.0.2.31"}, "", "the address of n1, where no load balancer runs"),
        ({}, {"cloud_api_names": ["a_b.example.org"]}, "", "cloud_api_names: "),
        ({}, {"loadbalancer_external": "yes"}, "", "cloud_api_address is 192.0.2.11, the address of c1, and loadbalancer_external is true"),
        ({}, {"cloud_public_address": "192.0.2.11"}, "", "cloud_public_address is 192.0.2.11, and so is cloud_api_address"),
        ({}, {"cloud_public_address": "users"}, "", "cloud_public_address is 'users'; it must be an address"),
        ({}, {"cloud_public_address": "192.0.2.31"}, "", "cloud_public_address is 192.0.2.31, the address of n1, where no load balancer"),
        (
            {},
            {"cloud_public_tls_certificate_file": "/a"},
            "",
            "cloud_public_tls_certificate_file is for users with an address",
        ),
        ({}, {"cloud_public_fqdn": "cloud.example.org"}, "", "but users have no address of their own: set cloud_public_address, or use"),
        (
            {},
            {"cloud_public_address": "198.51.100.9", "cloud_public_fqdn": "a_b"},
            "",
            "cloud_public_fqdn: 'a_b' has an underscore, which names",
        ),
        (
            {},
            {"cloud_public_address": "198.51.100.9", "cloud_public_fqdn": "Localhost"},
            "",
            "cloud_public_fqdn: 'localhost' must resolve to cloud_public_address, 198.51.100.9, and to nothing else",
        ),
        ({"n1": {"cloud_tunnel_address": "192.0.2.11"}}, {}, "", "hosts c1 and n1 have the same tunnel address"),
        ({"n1": {"openvswitch_external_address": "192.0.2.1/24"}}, {}, "n1", "holds 192.0.2.31, on which the host serves"),
        ({"n1": {"openvswitch_external_address": "192.0.2.1/28"}}, {}, "n1", "addresses on which other hosts serve, 192.0.2.11 of c1"),
        ({"n1": {"neutron_flat_networks": "physnet9"}}, {}, "n1", "no host has physical network 'physnet9'"),
        ({"n1": {"openvswitch_bridge_mappings": "a:br-int"}}, {}, "n1", "br-int carries the networks of projects"),
    ],
)
def test_addresses_that_do_not_fit_are_named(
    hosts: dict[str, dict[str, t.Any]], variables: dict[str, t.Any], host: str, words: str
) -> None:
    (error,) = _errors(hosts, **variables)
    assert error[0] == host
    assert words in error[1]


def test_each_virtual_address_has_a_router_id_of_its_own() -> None:
    def errors(**variables: t.Any) -> list[str]:
        roles = ["cloud", "keepalived", "loadbalancer"]
        settings = {"cloud_api_address": "192.0.2.100", "loadbalancer_group": "control", "keepalived_group": "control", **variables}
        inventory = _inventory({}, roles, **settings)
        own = {host: inventory.settings(host, roles) for host in ("c1", "n1")}
        return [error for _host, error in host_addresses.check(inventory, own)]

    ids: dict[str, t.Any] = {"keepalived_router_id": 51, "keepalived_public_router_id": "51"}
    enabled = {"keepalived_service": {"enabled": True}}
    assert errors(**ids, **enabled) == []
    assert errors(**ids, cloud_public_address="198.51.100.9", keepalived_service={"enabled": False}) == []
    (error,) = errors(**ids, **enabled, cloud_public_address="198.51.100.9")
    (both,) = errors(**enabled, loadbalancer_external=True)
    assert both.startswith("loadbalancer_external and keepalived_enabled are true: either your own load balancer has cloud_api_address")
    assert error.startswith("keepalived_public_router_id is 51, and so is keepalived_router_id")


def test_a_bridge_with_an_interface_may_lead_to_other_hosts() -> None:
    own = {"openvswitch_external_address": "192.0.2.1/28", "openvswitch_external_interface": "eth1"}
    assert _errors({"n1": own}) == []
    assert _errors({"n1": {"openvswitch_external_address": "192.0.2.1/28"}}, openvswitch_external_interface="eth1") == []


def test_a_role_declares_its_options_and_their_defaults(tmp_path: pathlib.Path) -> None:
    for path, text in {
        "defaults/main.yml": "alpha_a: '{{ x }}'\nalpha_b: 2\n",
        "vars/main.yml": "alpha_fixed: 1\n",
        "meta/argument_specs.yml": "argument_specs: {main: {options: {alpha_a: {type: int}}}}\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    paths = {"alpha": tmp_path, "beta": tmp_path}
    found = declarations.declared(paths, {"c1": {"alpha_a": Setting(1)}}, ["alpha"])
    assert found["alpha"] == Role(
        {"alpha_a": {"type": "int", "limit": {}}}, frozenset({"alpha_a", "alpha_b", "alpha_fixed"}), frozenset({"alpha_fixed"}), True
    )
    # no variable mentions it
    assert found["beta"] == Role()
    assert declarations.defaults(tmp_path) == {"alpha_a": "{{ x }}", "alpha_b": 2}


def test_hosts_of_a_cloud_agree_on_its_settings() -> None:
    declared = {"alpha": Role({"alpha_a": {"type": "int"}, "alpha_own": {"type": "int"}}, service=True)}

    def errors(first: dict[str, t.Any], second: dict[str, t.Any]) -> list[str]:
        inventory = _inventory({"c1": first, "n1": second}, alpha_group="control:compute", alpha_host_options=["alpha_own"])
        settings = {host: inventory.settings(host, ["alpha"]) for host in ("c1", "n1")}
        return list(shared_settings.check_all(inventory, settings, declared))

    assert errors({"alpha_a": 1, "alpha_own": 1}, {"alpha_a": "1", "alpha_own": 2}) == []
    assert errors({"alpha_a": 1}, {"alpha_a": "{{ facts }}"}) == []
    (error,) = errors({"alpha_a": 1}, {})
    assert "alpha_a differs between hosts of one cloud: 1 on c1 (hosts.yml); null on n1 (default of role alpha)" in error
