# SPDX-License-Identifier: Apache-2.0
"""What keepalived and the load balancers are told in a region, and on a single host; with real containers: tests/integration."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.unit.roles.rendering import Host, lines
from tests.unit.roles.test_definitions import hosts

CONTROL = ("control1", "control2", "control3")


def file(host: Host, path: str) -> str:
    return next((item["content"] for item in host["files"] if item["path"] == path), "")


def container(host: Host, name: str) -> dict[str, t.Any]:
    return next((item for item in host["containers"] if item["name"] == name), {})


@pytest.fixture(scope="module")
def region() -> dict[str, Host]:
    return hosts("region", "2026.1")


def test_each_host_knows_the_others_and_its_place(region: dict[str, Host]) -> None:
    for number, name in enumerate(CONTROL, 1):
        text = file(region[name], "keepalived/config/keepalived.conf")
        addresses = {f"192.0.2.{10 + other}" for other in (1, 2, 3)}
        assert f"priority {201 - number}\n" in text
        assert f"unicast_src_ip 192.0.2.{10 + number}\n" in text
        assert set(re.findall(r"^ {8}([\d.]+)$", text, re.MULTILINE)) == addresses - {f"192.0.2.{10 + number}"}
        assert "    virtual_ipaddress {\n        192.0.2.100/32 dev bond0\n" in text
    assert not container(region["compute1"], "keepalived")


def test_every_load_balancer_listens_on_the_address_that_one_has(region: dict[str, Host]) -> None:
    for number, name in enumerate(CONTROL, 1):
        text = file(region[name], "haproxy/config/haproxy.cfg")
        lines = set(re.findall(r"^ +bind (.*)$", text, re.MULTILINE))
        public = {line for line in lines if line.startswith("192.0.2.100:")}
        own = lines - public
        # and services of the host reach the database through its own
        assert own == {f"192.0.2.{10 + number}:18404", f"192.0.2.{10 + number}:3306"}
        assert len(public) > 5 and all(" transparent" in line for line in public)
        assert "inter 15s" in text and "server-state-file" in text
        assert container(region[name], "haproxy")["drain"]["command"] == ["/usr/local/bin/hand-over"]


def test_connections_end_on_each_change_of_the_host_of_an_address(region: dict[str, Host]) -> None:
    text = file(region["control1"], "keepalived/config/keepalived.conf")
    for state in ("master", "backup", "fault", "stop"):
        # another user could not end them
        assert f'    notify_{state} "/usr/local/bin/end-connections 192.0.2.100" root\n' in text
    assert container(region["control1"], "keepalived")["user"] == "0:0"


def test_the_load_balancer_is_not_replaced_where_one_host_becomes_three(region: dict[str, Host]) -> None:
    """Of its files only what it reads again on a reload may differ: not this one, where the database has a port of three hosts."""
    script = next(item["content"] for item in region["control1"]["files"] if item["path"].endswith("hand-over"))
    assert "    192.0.2.100) echo 5000 ;;\n" in script


def test_a_load_balancer_of_the_operator_is_in_front_of_the_hosts() -> None:
    addresses = {"cloud_api_address": "192.0.2.200", "cloud_public_address": "198.51.100.200"}
    models = hosts("region", "2026.1", keepalived_enabled=False, loadbalancer_external=True, **addresses)
    for number, name in enumerate(CONTROL, 1):
        host = models[name]
        lines = re.findall(r"^ +bind (.*)$", file(host, "haproxy/config/haproxy.cfg"), re.MULTILINE)
        assert len(lines) == len(set(lines)) > 5
        assert all(line.startswith(f"192.0.2.{10 + number}:") and "transparent" not in line for line in lines)
        assert not container(host, "keepalived")
        assert container(host, "haproxy")["drain"]["command"] == ["/usr/local/bin/hand-over"]
        script = next(item["content"] for item in host["files"] if item["path"].endswith("hand-over"))
        assert script.endswith("admin disable frontend ready || exit 1\nsleep 10\n") and "/proc" not in script
        for endpoint in host["endpoints"]:
            assert (endpoint["internal_url"].split(":")[1], endpoint["public_url"].split(":")[1]) == ("//192.0.2.200", "//198.51.100.200")


def test_a_single_host_has_none_of_it() -> None:
    host = hosts("aio", "2026.1", keepalived_enabled=False)["aio"]
    text = file(host, "haproxy/config/haproxy.cfg")
    assert not re.search(r"transparent|server-state|redispatch 1|observe", text)
    assert "default-server inter 5s fastinter 1s downinter 1s fall 3 rise 1\n" in text
    assert not container(host, "keepalived") and not container(host, "haproxy").get("drain")
    assert not any("hand-over" in item["path"] for item in host["files"])


def test_the_address_may_be_ipv6_while_hosts_have_ipv4() -> None:
    """HAProxy, Django and URLs want brackets, keepalived, certificates and the metadata agent none."""
    models = hosts("region", "2026.1", cloud_api_address="2001:db8::50")
    host = models["control1"]
    balancer = file(host, "haproxy/config/haproxy.cfg")
    assert "bind [2001:db8::50]:5000 transparent ssl" in balancer and "hdr Host [2001:db8::50] hdr" in balancer
    moved = file(host, "keepalived/config/keepalived.conf")
    # elections go through IPv4, the network of the hosts, so the other family is excluded from them
    assert "virtual_ipaddress_excluded {\n        2001:db8::50/128 dev bond0\n" in moved and "unicast_src_ip 192.0.2.11\n" in moved
    assert '"[2001:db8::50]"' in file(host, "horizon/config/local_settings.py")
    agent = file(models["compute1"], "neutron_ovn_agent/config/ovn_agent.ini")
    assert "nova_metadata_host = 2001:db8::50\n" in agent
    bare = {line for line in lines(models) if re.search(r"(?://|@|Host |\d:)2001:db8::|2001:db8::50:\d|\[\[2001", line)}
    assert bare == set()
