# SPDX-License-Identifier: Apache-2.0
"""A cloud whose database somebody else runs."""

from __future__ import annotations

import re

import pytest

from tests.tls import write_engine_certificates
from tests.unit.roles.rendering import Host
from tests.unit.roles.test_definitions import hosts

SERVER = "db.example.org"


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Host]:
    """A region with three control hosts and two hypervisors."""
    directory = tmp_path_factory.mktemp("certificates")
    write_engine_certificates(directory)
    settings = {"mariadb_external_host": SERVER, "mariadb_external_port": 3307, "mariadb_external_admin_password": "of-the-operator"}
    return hosts("region", "2026.1", **settings, mariadb_external_ca_file=str(directory / "ca.pem"))


@pytest.fixture(scope="module")
def own() -> dict[str, Host]:
    return hosts("region", "2026.1")


def _text(host: Host, path: str) -> str:
    (found,) = (file["content"] for file in host["files"] if file["path"].endswith(path))
    return str(found)


def test_no_host_runs_a_database_or_sends_connections_to_one(external: dict[str, Host], own: dict[str, Host]) -> None:
    services = [{item["service"] for host in models.values() for item in host["containers"]} for models in (own, external)]
    assert services[0] - services[1] == {"mariadb"}
    for host in (external["control1"], external["control3"]):
        assert not re.search(r"database|peers|lua", _text(host, "/haproxy.cfg"))
        assert not [item for item in host["backups"] if item["service"] == "mariadb"]
        (balancer,) = (item for item in host["containers"] if item["name"] == "haproxy")
        assert balancer["after"] == []


@pytest.mark.parametrize(
    "path", ["/keystone.conf", "/glance-api.conf", "/placement.conf", "/neutron.conf", "/barbican.conf", "nova_api/config/nova.conf"]
)
def test_every_service_asks_the_external_server_and_verifies_it(external: dict[str, Host], path: str) -> None:
    urls = re.findall(
        r"^connection = mysql\+pymysql://[^@]+@(.*)",
        next(file["content"] for file in external["control1"]["files"] if file["path"].endswith(path)),
        re.MULTILINE,
    )
    assert urls
    for url in urls:
        assert re.fullmatch(rf"{SERVER}:3307/\w+\?charset=utf8mb4&ssl_ca=/etc/caisson/database_ca.crt", url)


def test_containers_have_the_ca(external: dict[str, Host], own: dict[str, Host]) -> None:
    def having(models: dict[str, Host]) -> set[str]:
        return {file["path"].split("/")[0] for file in models["control1"]["files"] if file["path"].endswith("/database_ca.crt")}

    assert having(own) == set()
    assert having(external) > {"keystone_api", "glance_api", "nova_conductor", "neutron_api", "placement_api", "mysqld_exporter"}


def test_hosts_have_to_reach_it_that_use_it(external: dict[str, Host], own: dict[str, Host]) -> None:
    used = {
        name: [(item["service"], item["address"], item["port"]) for item in host["external_servers"]] for name, host in external.items()
    }
    assert used["control1"] == used["control2"] == used["control3"] == [("mariadb", SERVER, 3307)]
    assert used["compute1"] == used["compute2"] == []
    assert not any(host["external_servers"] for host in own.values())


def test_cells_keep_the_port(external: dict[str, Host], own: dict[str, Host]) -> None:
    def templates(models: dict[str, Host]) -> list[str]:
        jobs = {job["name"]: job["container"]["command"] for job in models["control1"]["jobs"]}
        return [jobs["nova_map_cell0"][-1], jobs["nova_create_cell1"][6]]

    assert templates(own) == [f"{{scheme}}://{{username}}:{{password}}@{{hostname}}/{name}?{{query}}" for name in ("nova_cell0", "{path}")]
    assert templates(external) == [text.replace("{hostname}", "{hostname}:{port}") for text in templates(own)]


def test_one_exporter_watches_it(external: dict[str, Host]) -> None:
    assert [name for name, host in external.items() if any(item["name"] == "mysqld_exporter" for item in host["containers"])] == [
        "control1"
    ]
    text = _text(external["control1"], "mysqld_exporter/config/my.cnf")
    assert f"host = {SERVER}\nport = 3307\n" in text
    assert "ssl-ca = /etc/caisson/database_ca.crt" in text
    assert "tls = custom" in text
    assert _text(external["control2"], "/prometheus.yml").count(":9104") == _text(external["control1"], "/prometheus.yml").count(":9104")


def test_the_password_of_the_administrator_is_in_no_file(external: dict[str, Host]) -> None:
    assert not [file["path"] for host in external.values() for file in host["files"] if "of-the-operator" in file["content"]]
