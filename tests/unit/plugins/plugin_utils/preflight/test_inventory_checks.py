# SPDX-License-Identifier: Apache-2.0
"""Names, types and host groups of an inventory."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import inventory_checks as checks
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Role, Setting

_NOVA: dict[str, dict[str, t.Any]] = {
    "nova_group": {"type": "str"},
    "nova_api_port": {"type": "int"},
    "nova_service_password": {"type": "str"},
}
_CLOUD: dict[str, dict[str, t.Any]] = {"cloud_workers": {"type": "int"}, "cloud_release": {"type": "str", "choices": ["2025.2", "2026.1"]}}
ROLES = {
    "nova": Role(_NOVA, frozenset({*_NOVA, "nova_service", "nova_wsgi_env"}), service=True),
    "nova_extra": Role({}, frozenset({"nova_extra_size"}), service=True),
    "glance": Role({}, frozenset(), service=True),
    "cloud": Role(_CLOUD, frozenset({*_CLOUD, "cloud_secrets"})),
    "host": Role({"host_minimum_disk": {"type": "int"}}, frozenset({"host_minimum_disk"})),
}


def _names(*names: str) -> tuple[list[str], list[str]]:
    errors, warnings = checks.check_names({"a": {name: Setting(1, "all.yml:7") for name in names}}, ROLES)
    return [message for _host, message in errors], [message for _host, message in warnings]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nova_api_prot", "nova_api_prot (all.yml:7): no role has a variable of this name; did you mean 'nova_api_port'?"),
        ("nova_workrs", "nova_workrs (all.yml:7): no role has a variable of this name; did you mean 'cloud_workers'?"),
        ("cloud_relase", "cloud_relase (all.yml:7): no role has a variable of this name; did you mean 'cloud_release'?"),
        ("host_minimum_disc", "host_minimum_disc (all.yml:7): no role has a variable of this name; did you mean 'host_minimum_disk'?"),
        (
            "glnace_service_overrides",
            "glnace_service_overrides (all.yml:7): there is no service 'glnace'; did you mean 'glance_service_overrides'?",
        ),
    ],
)
def test_a_slip_is_refused_with_the_nearest_name(name: str, error: str) -> None:
    assert _names(name) == ([error], [])


@pytest.mark.parametrize(
    "name",
    [
        *("nova_group", "nova_wsgi_env", "cloud_secrets", "nova_service_overrides", "nova_extra_size"),
        # of a service in another play, of other software, of the operator's own
        *("hello_service_overrides", "glances_port", "host_rack", "cloud_provider_zone", "novality", "my_nova_api_prot"),
    ],
)
def test_other_names_are_left_alone(name: str) -> None:
    assert _names(name) == ([], [])


def test_a_name_that_is_like_no_other_gets_a_warning() -> None:
    assert _names("nova_favourite_colour") == (
        [],
        ["nova_favourite_colour (all.yml:7): role nova has no variable of this name and ignores it"],
    )


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("cloud_workers", "4", ""),
        ("cloud_release", "2026.1", ""),
        ("cloud_release", 2026.1, ""),
        ("nova_unknown", [], ""),
        ("cloud_workers", "four", "cloud_workers (all.yml:7): expected a whole number, got 'four'"),
        ("cloud_release", "2026.2", "cloud_release (all.yml:7): expected one of 2025.2, 2026.1, got '2026.2'; did you mean '2026.1'?"),
        ("nova_api_port", 0, "nova_api_port (all.yml:7): expected a port between 1 and 65535, got 0"),
        ("nova_service_password", ["hunter2"], "nova_service_password (all.yml:7): expected text, got something else"),
    ],
)
def test_a_value_has_the_declared_type(name: str, value: t.Any, error: str) -> None:
    assert checks.check_types({"a": {name: Setting(value, "all.yml:7")}}, ROLES, {}) == ([("a", error)] if error else [])


def test_groups_must_be_there_and_have_hosts() -> None:
    groups = {"all": ["a"], "ungrouped": [], "control": ["a"], "spare": []}
    assert checks.check_groups({"nova_group": "control", "ovn_group": "spare:control"}, groups) == []
    assert checks.check_groups({"a_group": "contrl", "b_group": "control:contrl", "c_group": "spare", "d_group": "x"}, groups) == [
        "the inventory has no host group 'contrl', which a_group, b_group name (it has: control, spare); did you mean 'control'?",
        "the inventory has no host group 'x', which d_group names (it has: control, spare)",
        "host group 'spare', which c_group names, has no hosts; put hosts into it, or name another group",
    ]


@pytest.mark.parametrize(
    ("sources", "ignored", "refused"),
    [
        (["/my-cloud"], (), True),
        (["/my-cloud"], ("config",), False),
        (["/my-cloud/hosts.yml"], (), False),
        (["/other", "/my-cloud"], (), True),
        (["host1,"], (), False),
    ],
)
def test_override_files_are_no_inventory(sources: list[str], ignored: tuple[str, ...], refused: bool) -> None:
    errors = checks.check_sources(sources, pathlib.Path("/my-cloud/config"), lambda name: name in ignored)
    assert [error.split(",")[0] for error in errors] == (["-i /my-cloud is a directory"] if refused else [])
    assert all("-i /my-cloud/hosts.yml" in error for error in errors)


def test_there_are_control_hosts_whatever_groups_the_services_have() -> None:
    patterns = {"nova_group": "chiefs", "ovn_group": "chiefs", "ovs_group": "chiefs:compute"}
    (error,) = checks.check_control(patterns, {"chiefs": ["a"], "compute": ["b"]})
    assert error.startswith("host group 'control' has no hosts:")
    assert error.endswith(": control: {children: {chiefs: {}}}")
    assert checks.check_control({"nova_group": "chiefs", "ovn_group": "control:chiefs"}, {"chiefs": ["a"], "control": []})
    assert not checks.check_control(patterns, {"chiefs": ["a"], "compute": ["b"], "control": ["a"]})
    # the journal's group has a default of this name: that is no second error, and the remedy is the same
    defaulted = {**patterns, "rollout_journal_group": "control"}
    for groups in ({"chiefs": ["a"], "compute": ["b"]}, {"chiefs": ["a"], "compute": ["b"], "control": []}):
        assert checks.check_groups(defaulted, groups) + checks.check_control(defaulted, groups) == [error]
    # nothing of the play needs them, or the group is missed already
    assert not checks.check_control({}, {"build": ["a"]})
    assert not checks.check_control({"nova_group": "control"}, {"chiefs": ["a"]})
    assert not checks.check_control({"nova_group": "control"}, {"chiefs": ["a"], "control": []})


def test_a_build_host_runs_no_services() -> None:
    patterns = {"nova_group": "control", "ovn_group": "network:control", "libvirt_group": "compute", "registry_group": "build"}
    assert checks.check_build_host(patterns, {"control": ["a"]}) == []
    assert checks.check_build_host(patterns, {"control": ["a"], "build": ["b"]}) == []
    (error,) = checks.check_build_host(patterns, {"control": ["a", "b"], "build": ["b"]})
    assert error.startswith("host b is in group 'build', and nova_group, ovn_group name a group that has it, too:")


def test_a_fault_of_several_hosts_is_said_once() -> None:
    errors = [("a", "x"), ("b", "x"), ("a", "y"), ("", "z")]
    assert checks.lines(errors, ["a", "b"]) == ["x", "y [a]", "z"]


def test_a_variable_of_a_secret_is_as_strict_as_the_file_of_secrets() -> None:
    errors = checks.check_types(
        {"a": {"nova_service_password": Setting(0o123456, "all.yml:7")}}, ROLES, {"nova_service_password": "password"}
    )
    assert errors == [("a", "nova_service_password (all.yml:7) must be text, but is a number; put it in quotes")]
    assert (
        checks.check_types({"a": {"nova_service_password": Setting("x", "all.yml:7")}}, ROLES, {"nova_service_password": "password"}) == []
    )


def test_what_a_role_sets_itself_is_refused_unless_it_is_forced() -> None:
    roles = {"nova": Role({}, frozenset({"nova_uwsgi"}), frozenset({"nova_uwsgi"}), service=True)}
    setting = Setting({}, "all.yml:1:2")
    errors, warnings = checks.check_names({"c1": {"nova_uwsgi": setting}}, roles)
    what = "nova_uwsgi (all.yml:1:2): role nova sets this variable itself, so the value from the inventory has no effect"
    assert (errors, warnings) == ([("c1", f"{what}; use nova_service_overrides or a file below config/nova")], [])
    errors, warnings = checks.check_names({"c1": {"nova_uwsgi": Setting({}, forced=True)}}, roles)
    assert (errors, len(warnings)) == ([], 1)


def test_hosts_have_names_of_their_own_and_are_in_a_group() -> None:
    groups = {"all": [], "ungrouped": ["AGE-SECRET-KEY-1QQQQQQQQ"], "control": []}
    assert checks.check_host_names(["Ctl_01.Example.ORG", "10.0.0.31", "a-1"], groups) == []
    errors = checks.check_host_names(["a b", "2001:db8::5", "-a", "A", "a", "AGE-SECRET-KEY-1QQQQQQQQ"], groups)
    assert [error.split(":")[0].split(" differ")[0].split(" is in no")[0] for error in errors] == [
        *("host 'a b'", "host '2001", "host '-a'", "hosts A and a", "host AGE-SECRET-K..."),
    ]


def test_a_host_that_a_variable_names_is_there() -> None:
    roles = {"backup": Role(options={"backup_host": {"limit": {"format": "host"}}})}
    settings = {"c1": {"backup_host": Setting("c11"), "backup_keep": Setting(1)}, "n1": {"backup_host": Setting("n1")}}
    assert checks.check_hosts(settings, roles, ["c1", "n1"]) == [("c1", "backup_host: the inventory has no host 'c11'; did you mean 'c1'?")]


def test_a_group_has_no_more_hosts_than_its_service_can_use() -> None:
    groups = {"control": ["a", "b"], "other": ["b"]}
    limits: dict[str, dict[str, t.Any]] = {"x_group": {"hosts": 1, "because": "of a reason"}, "y_group": {"format": "host_groups"}}
    patterns = {"x_group": "control:other", "y_group": "control"}
    assert checks.check_group_sizes(patterns, groups, limits.__getitem__) == [
        "x_group is 'control:other', which has 2 hosts (a, b); no more than one host is supported yet, because of a reason: "
        "set x_group to a group with one host, such as control[0]"
    ]
    assert checks.check_group_sizes({"x_group": "other"}, groups, limits.__getitem__) == []
