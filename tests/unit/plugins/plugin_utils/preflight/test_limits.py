# SPDX-License-Identifier: Apache-2.0
"""Formats and bounds of options, each with values on both sides of it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import inventory_checks, limits

ROLES = sorted(path.parents[1] for path in pathlib.Path(__file__).parents[5].glob("roles/*/meta/argument_specs.yml"))
OPTIONS = [(role.name, name) for role in ROLES for name in play_roles.options(role)]

#: Values of each format that are accepted, and such that are not.
VALUES: dict[str, tuple[list[t.Any], list[t.Any]]] = {
    "name": (["RegionOne", "a", "eu-west_1.b", "0"], ["", "my cloud/../x", "-a", "a-", "a" * 64, "a\n", "a$(id)", "höst"]),
    "line": (["public", "my network"], ["", "a\nb", "a\x00"]),
    "host_name": (
        ["c1", "Ctl_01.Example.ORG", "192.0.2.1", "2001:db8::5", "a.b-c.d"],
        ["", "a b", "x$(id)", 'q"', "007", "1.2.3", "höst", "-a", "a..b", "a.", ".a", "[::1]", "a:b", "a" * 64],
    ),
    "dns_domain": (["cloud.internal", "example.org"], ["", ".internal", "a b", "a..b", "192.0.2.1"]),
    "allowed_host": (["*", ".example.org", "example.org", "192.0.2.1"], ["", "*.example.org", "a b", "http://a"]),
    "ip_address": (["192.0.2.1", "2001:db8::1"], ["", "banana", "192.0.2.300", "[::1]", "192.0.2.1/24", "::1/64"]),
    "ipv4_address": (["192.0.2.1"], ["", "banana", "192.0.2.300", "::1", "192.0.2.1/24", "192.0.2"]),
    "ipv4_network": (["192.0.2.0/24"], ["", "192.0.2.1/24", "192.0.2.0/33", "x"]),
    "ipv4_interface": (["192.0.2.1/24"], ["", "192.0.2.1/33", "x"]),
    "host_port": (["a.example:9093", "192.0.2.1:9093", "[2001:db8::1]:9093"], ["", "a", "a:0", "a:65536", "http://a:9093", "::1:9"]),
    "registry": (["a.example", "a.example:5000", "192.0.2.0/24", "[::1]:5000"], ["", "http://a:5000", "a:5000/x", "a b"]),
    "engine_url": (
        ["unix:///var/run/docker.sock", "unix:///run/podman/podman.sock", "tcp://a.example:2376", "tcp://192.0.2.1:2376"],
        ["", "unix://docker.sock", "unix:///a b", "tcp://a", "tcp://a:0", "http://a:2376", "/var/run/docker.sock"],
    ),
    "url": (["http://a.example/debian", "https://a"], ["", "a.example", "ftp://a", "http:// a", "http:///"]),
    "ovsdb_connection": (
        ["tcp:192.0.2.1:6641", "ssl:a.example:6641", "tcp:[2001:db8::1]:6641", "tcp:192.0.2.1:6641,tcp:192.0.2.2:6641"],
        ["", "192.0.2.1:6641", "tcp:192.0.2.1", "tcp:192.0.2.1:6641,", "udp:192.0.2.1:1", "tcp:::1:6641"],
    ),
    "interface": (["eth0", "enp3s0f0np0", "bond0.100", "br-ex"], ["", "no such card", "a" * 16, "eth0:1", "a/b", "-a", "..", "a;b"]),
    "bridge_mappings": (
        ["physnet1:br-ex", "a:br-a,b:br-b"],
        ["", "physnet1", "a:br-a, b:br-b", "a:br-a,", ":br-ex", "a:", "a:b:c", "a:" + "b" * 16],
    ),
    "physical_network": (["physnet1"], ["", "a,b", "a b", "*"]),
    "physical_networks": (["physnet1", "a,b", "a, b", "*"], ["", "a b", "a,", ",a", "a;b", "a:br-ex"]),
    "host_path": (["/var/log", "/a b"], ["", "var/log", "/a:b", "/a\nb", "~/a"]),
    "file": (["secrets.yml", "/a/b c.yml"], ["", "a\nb"]),
    "image_prefix": (
        ["", "caisson/", "registry.example.org:5000/a/b/", "localhost/", "my-", "192.0.2.1:5000/x-"],
        ["registry.example.org/Caisson", "caisson", "/caisson/", "a//", "A/", "http://a/", "a b/", "-a/"],
    ),
    "cpus": (["0", "0-3,8", "12,14-15"], ["", "a", "1-", "0,,1", "0 1", "^3"]),
    "cpu_model": (["Skylake-Server", "EPYC-v4", "qemu64"], ["", "a b", "-x", "Skylake,Haswell"]),
    "image_tag": (["2026.1-abc", "_x", "V1"], ["", "-a", ".a", "a b", "a:b", "a" * 129]),
    "image": (["debian", "docker.io/library/debian:trixie", "a:5000/b/c@sha256:" + "0" * 64], ["", "Debian", "a/", "a:b:c", "a b"]),
    "package": (["docker.io", "docker-ce=5:27.0-1~debian"], ["", "-y", "a b", "Docker", "a;b"]),
    "expression": (["smoke", "a|b"], ["(", "["]),
    "mariadb_size": (["128M", "2g", "8388608"], ["", "lots", "-1", "1.5G", "1GB", "1 G"]),
    "rabbitmq_size": (["256MB", "2GiB", "256000000", "1g"], ["", "many", "0.4", "-1", "1TB", "256 MB"]),
    "rabbitmq_vhost": (["/", "north", "cloud-1_a.b"], ["", "/north", "a/b", "a b", "%2F", "a" * 129]),
    "duration": (["30s", "15d", "1d12h", "500ms"], ["", "30", "1.5h", "d", "-1s", "1h1d", "30 s"]),
    "port": (["1", 65535, "443"], ["", 0, 65536, -1, "http", "1_0"]),
    "host_groups": (["control", "control:network"], ["", "a b", "a:", ":a"]),
    "host": (["c1"], ["", "a b"]),
}


@pytest.mark.parametrize("name", limits.FORMATS)
def test_a_format_accepts_what_works_and_nothing_else(name: str) -> None:
    accepted, refused = VALUES[name]
    assert not [value for value in accepted if limits.check({"format": name}, value)]
    assert not [value for value in refused if not limits.check({"format": name}, value)]


@pytest.mark.parametrize(
    ("limit", "accepted", "refused"),
    [
        ({"minimum": 1, "maximum": 256}, [1, "256", 2.5], [0, -1, 257, "1000"]),
        ({"minimum": 0}, [0, 10**40], [-1]),
        ({"format": "mariadb_size", "minimum": "8M", "maximum": "16T"}, ["8M", "1G", "16T", str(8 << 20)], ["7M", "128", "17T"]),
        ({"format": "rabbitmq_size", "minimum": "128MB"}, ["128MB", "123MiB", "1GB"], ["256", "64MB", "1kB"]),
        ({"format": "duration", "minimum": "1s", "maximum": "1m"}, ["1s", "30s", "60s", "1m"], ["0s", "61s", "999ms", "1h"]),
        ({"format": "interface", "empty": True}, ["", "eth0"], ["a b"]),
    ],
)
def test_bounds_are_measured_in_the_notation_of_the_format(limit: limits.Limit, accepted: list[t.Any], refused: list[t.Any]) -> None:
    assert not [value for value in accepted if limits.check(limit, value)]
    assert not [value for value in refused if not limits.check(limit, value)]


def test_a_refusal_names_what_is_expected_and_the_item() -> None:
    assert limits.check({"minimum": 1, "maximum": 256}, 0) == ["expected 1 to 256, got 0"]
    assert limits.check({"format": "duration", "minimum": "2h"}, "15s") == ["expected at least 2h, got '15s'"]
    assert limits.check({"format": "interface", "empty": True}, "a b")[0].endswith("or nothing, got 'a b'")
    assert limits.check({"format": "ipv4_address"}, ["192.0.2.1", "x"]) == ["expected an IPv4 address such as 192.0.2.11, got 'x'"]


@pytest.mark.parametrize(("role", "name"), OPTIONS, ids=[name for _role, name in OPTIONS])
def test_every_option_says_what_it_may_be(role: str, name: str) -> None:
    option = play_roles.options(ROLES[0].parent / role)[name]
    if option["type"] in ("bool", "dict") or "choices" in option:
        return
    limit = option["limit"]
    assert limit, f"roles/{role}/meta/limits.yml has no entry for {name}"
    assert limit.keys() == {"free"} or limit.keys() <= {"format", "minimum", "maximum", "empty", "hosts", "because", "unless"}
    assert ("hosts" in limit) == ("because" in limit)
    assert limit.get("unless", name) in play_roles.options(ROLES[0].parent / role)
    if option["type"] in ("int", "float"):
        assert limit.keys() & {"format", "minimum", "maximum"}
    elif "free" not in limit:
        assert limit["format"] in limits.FORMATS
        assert name.endswith("_group") == (limit["format"] == "host_groups")
    for bound in (limit[key] for key in ("minimum", "maximum") if key in limit):
        assert not limits.check(limit, bound)


@pytest.mark.parametrize("role", ROLES, ids=lambda path: str(path.name))
def test_every_limit_is_of_an_option_and_accepts_its_default(role: pathlib.Path) -> None:
    options = play_roles.options(role)
    path = role / "meta" / "limits.yml"
    assert set(yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}) <= options.keys()
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text("utf-8"))
    for name, value in defaults.items():
        if "{{" not in str(value):
            assert not inventory_checks.check_value(name, options[name], inventory_checks.Setting(value), {})
