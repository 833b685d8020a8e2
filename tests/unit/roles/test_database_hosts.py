# SPDX-License-Identifier: Apache-2.0
"""What the number of database hosts makes of MariaDB, of the load balancer, and of the address at which services look for it."""

from __future__ import annotations

import configparser
import re

import pytest
import yaml

from tests.definitions import switches
from tests.unit.roles.rendering import Host, render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF, hosts

ADDRESSES = {f"h{number}": f"192.0.2.1{number}" for number in (1, 2, 3)}
API = "192.0.2.10"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Host]:
    """Three hosts with MariaDB; the last one has no load balancer."""
    directory = tmp_path_factory.mktemp("three")
    groups = {"control": ["h1", "h2", "h3"], "balancer": ["h1", "h2"], "one": ["h1"], "network": ["h1"], "compute": ["h1"]}
    single = {f"{role}_group": "one" for role in ("rabbitmq", "ovn", "glance", "memcached")}
    settings = {**single, "loadbalancer_group": "balancer", "cloud_api_address": API, "cloud_name": "three"}
    children = {name: {"hosts": dict.fromkeys(members)} for name, members in groups.items()}
    own = {host: {"ansible_host": address} for host, address in ADDRESSES.items()}
    (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": own, "vars": settings, "children": children}}), "utf-8")
    variables = {"cloud_release": "2026.1", "cloud_host_capabilities": HOST_CAPABILITIES_OF["2026.1"], **switches()}
    return render(directory / "hosts.yml", directory, variables)


def text(host: Host, path: str) -> str:
    (found,) = (file["content"] for file in host["files"] if file["path"] == path)
    return str(found)


def database_of(host: Host) -> str:
    (found,) = re.findall(r"^connection = mysql\+pymysql://.*@(.*)/keystone", text(host, "keystone_api/config/keystone.conf"), re.MULTILINE)
    return found


def test_one_server_is_no_cluster_and_connections_wait_for_it() -> None:
    host = hosts("aio", "2026.1")["aio"]
    options = configparser.ConfigParser()
    options.read_string(text(host, "mariadb/config/my.cnf"))
    assert options["mariadbd"]["port"] == "13306"
    assert not [name for name in options["mariadbd"] if name.startswith("wsrep")]
    (server,) = (item for item in host["containers"] if item["name"] == "mariadb")
    assert (server["command"], server["cluster"], server["stop_check"], server["ready"]) == (["mariadbd"], None, None, None)
    balancer = text(host, "haproxy/config/haproxy.cfg")
    assert not re.search(r"peers|lua|stick", balancer)
    lines = [line.strip() for line in balancer.splitlines()]
    backend = lines[lines.index("backend mariadb") :]
    backend = backend[: backend.index("")]
    address = options["mariadbd"]["bind-address"]
    assert "retries 60" in backend
    assert [line for line in backend if line.startswith("server ")] == [f"server aio {address}:13306"]
    assert f"bind {address}:3306" in lines
    assert database_of(host) == address


def test_members_listen_on_their_own_addresses_only(three: dict[str, Host]) -> None:
    for name, address in ADDRESSES.items():
        options = configparser.ConfigParser()
        options.read_string(text(three[name], "mariadb/config/my.cnf"))
        server = options["mariadbd"]
        assert (server["bind-address"], server["port"], server["wsrep_node_name"]) == (address, "13306", name)
        assert server["wsrep_cluster_address"] == "gcomm://" + ",".join(ADDRESSES.values())
        assert f"gmcast.listen_addr=tcp://{address}:4567; ist.recv_addr={address}:4568" in server["wsrep_provider_options"]
        assert options["sst"]["sockopt"] == f",bind={address}"


def test_services_use_the_load_balancer_of_their_own_host_if_it_has_one(three: dict[str, Host]) -> None:
    assert {name: database_of(host) for name, host in three.items()} == {**ADDRESSES, "h3": API}


def test_load_balancers_agree_on_one_member(three: dict[str, Host]) -> None:
    for name in ("h1", "h2"):
        lines = [line.strip() for line in text(three[name], "haproxy/config/haproxy.cfg").splitlines()]
        assert f"localpeer {name}" in lines
        assert [line for line in lines if line.startswith("peer ")] == [f"peer {peer} {ADDRESSES[peer]}:18405" for peer in ("h1", "h2")]
        backend = lines[lines.index("backend mariadb") :]
        servers = [line for line in backend[: backend.index("")] if line.startswith("server ")]
        assert servers == [f"server {host} {ADDRESSES[host]}:13306 check{' backup' if host != 'h1' else ''}" for host in ADDRESSES]
        assert f"bind {ADDRESSES[name]}:3306" in lines
    assert [file["path"] for file in three["h3"]["files"] if file["path"].startswith("haproxy/")] == []


def test_the_account_of_the_check_is_accepted_from_control_hosts_only(three: dict[str, Host]) -> None:
    accounts = re.findall(r"^CREATE USER IF NOT EXISTS haproxy@'(.*)';$", text(three["h2"], "mariadb/config/accounts.sql"), re.MULTILINE)
    assert accounts == list(ADDRESSES.values())
