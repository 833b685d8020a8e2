# SPDX-License-Identifier: Apache-2.0
"""A cloud whose broker somebody else runs."""

from __future__ import annotations

import pathlib
import re

import pytest

from tests.tls import write_engine_certificates
from tests.unit.roles.rendering import Host
from tests.unit.roles.test_definitions import hosts

BROKERS = ["mq1.example.org", "mq2.example.org", "mq3.example.org"]
LOGIN = "cloud:of%40the%2Foperator"


def _hosts(directory: pathlib.Path, brokers: list[str]) -> dict[str, Host]:
    write_engine_certificates(directory)
    # a list cannot be remembered
    return hosts.__wrapped__(
        "region",
        "2026.1",
        rabbitmq_external_hosts=brokers,
        rabbitmq_external_port=5671,
        rabbitmq_external_user="cloud",
        rabbitmq_external_password="of@the/operator",
        rabbitmq_external_vhost="north",
        rabbitmq_external_ca_file=str(directory / "ca.pem"),
    )


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Host]:
    return _hosts(tmp_path_factory.mktemp("three"), BROKERS)


@pytest.fixture(scope="module")
def own() -> dict[str, Host]:
    return hosts("region", "2026.1")


def _text(host: Host, path: str) -> str:
    return str(next(file["content"] for file in host["files"] if file["path"].endswith(path)))


def test_no_host_runs_a_broker_and_nobody_watches_one(external: dict[str, Host], own: dict[str, Host]) -> None:
    services = [{item["service"] for host in models.values() for item in host["containers"]} for models in (own, external)]
    assert services[0] - services[1] == {"rabbitmq"}
    assert not [job["name"] for host in external.values() for job in host["jobs"] if job["service"] == "rabbitmq"]
    assert "job_name: rabbitmq" in _text(own["control1"], "/prometheus.yml")
    assert "job_name: rabbitmq" not in _text(external["control1"], "/prometheus.yml")


@pytest.mark.parametrize(
    ("host", "path"),
    [("control1", "nova_conductor/config/nova.conf"), ("control2", "/neutron.conf"), ("compute1", "nova_compute/config/nova.conf")],
)
def test_services_know_all_brokers_and_verify_them(external: dict[str, Host], host: str, path: str) -> None:
    text = _text(external[host], path)
    (url,) = re.findall(r"^transport_url = rabbit://(.*)$", text, re.MULTILINE)
    places, _, vhost = url.partition("/")
    assert vhost == "north"
    assert sorted(places.split(",")) == [f"{LOGIN}@{broker}:5671" for broker in BROKERS]
    assert "ssl = true\nssl_ca_file = /etc/caisson/broker_ca.crt\n" in text.lower()
    assert "heartbeat_rate = 3\n" in text
    directory = path.split("/")[0] if path.startswith("nova") else "neutron"
    assert [file for file in external[host]["files"] if file["path"].startswith(directory) and file["path"].endswith("/broker_ca.crt")]


def test_one_broker_is_no_cluster(tmp_path: pathlib.Path) -> None:
    assert "heartbeat_rate" not in _text(_hosts(tmp_path, BROKERS[:1])["control1"], "nova_conductor/config/nova.conf")


def test_hypervisors_have_to_reach_it_too(external: dict[str, Host], own: dict[str, Host]) -> None:
    for host in external.values():
        used = [(item["service"], item["address"], item["port"]) for item in host["external_servers"]]
        assert used == [("rabbitmq", broker, 5671) for broker in BROKERS]
    assert not any(host["external_servers"] for host in own.values())


def test_health_checks_look_for_connections_to_it(external: dict[str, Host]) -> None:
    (conductor,) = (item for item in external["control1"]["containers"] if item["name"] == "nova_conductor")
    assert conductor["healthcheck"]["test"] == ["CMD", "healthcheck-amqp", ",".join(BROKERS), "5671"]
