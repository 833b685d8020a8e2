# SPDX-License-Identifier: Apache-2.0
"""Prometheus sees the whole cloud, says nothing while it is well, and notices a container that does not run."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.parse
import urllib.request

import docker
import pytest

from tests.cloud.conftest import Cloud
from tests.definitions import definitions, on_by_default

PROMETHEUS = "http://127.0.9.1:9090/api/v1"
#: A few looks of Prometheus, one every 30 seconds.
PATIENCE = 90

#: What each exporter has to tell; none of them if it is not let in.
METRICS = (
    'node_memory_MemAvailable_bytes{host="aio"}',
    'node_filesystem_avail_bytes{host="aio",mountpoint="/usr"}',
    "node_timex_sync_status",
    'namedprocess_namegroup_memory_bytes{host="aio",memtype="resident"}',
    "mysql_up == 1",
    "mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0",
    "rabbitmq_alarms_memory_used_watermark == 0",
    "rabbitmq_detailed_queue_consumers > 0",
    'haproxy_backend_active_servers{proxy="keystone_api"} == 1',
    'haproxy_frontend_http_responses_total{proxy="keystone_api",code="2xx"} > 0',
    "libvirt_up == 1",
    "probe_ssl_earliest_cert_expiry - time() > 14 * 86400",
)


def get(path: str) -> t.Any:
    """Return what an address of Prometheus' interface answers."""
    with urllib.request.urlopen(f"{PROMETHEUS}/{path}", timeout=10) as answer:
        return json.load(answer)["data"]


def ask(expression: str) -> list[dict[str, str]]:
    """Return the labels of each series that an expression finds now."""
    return [row["metric"] for row in get(f"query?query={urllib.parse.quote(expression)}")["result"]]


def wait(what: str, missing: t.Callable[[], t.Any]) -> None:
    """Wait until *missing* finds nothing."""
    deadline = time.monotonic() + PATIENCE
    while found := missing():
        assert time.monotonic() < deadline, f"{what}: {found}"
        time.sleep(2)


@pytest.mark.usefixtures("cloud")
def test_every_target_answers() -> None:
    def down() -> list[str]:
        return [f"{item['scrapeUrl']}: {item['lastError']}" for item in get("targets")["activeTargets"] if item["health"] != "up"]

    wait("targets are up", down)
    jobs = {item["labels"]["job"] for item in get("targets")["activeTargets"]}
    expected = {"node", "process", "mariadb", "rabbitmq", "rabbitmq_queues", "haproxy", "libvirt", "blackbox", "prometheus", "api"}
    assert jobs == expected


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("expression", METRICS)
def test_every_exporter_tells_what_the_alerts_ask(expression: str) -> None:
    wait(expression, lambda: not ask(expression))


@pytest.mark.usefixtures("cloud")
def test_every_api_answers_as_its_users_reach_it() -> None:
    # what only clusters have is an expression, and no API
    listed = [found for name in on_by_default() if isinstance(found := definitions()[name].get("frontends"), list)]
    apis = {item["name"] for found in listed for item in found if item.get("mode", "http") == "http"}
    wait("probes succeed", lambda: apis - {row["service"] for row in ask("probe_success == 1")})


def test_every_container_is_known_by_its_name_and_has_processes(cloud: Cloud) -> None:
    known = "sum by (host, id) (namedprocess_namegroup_num_procs) * on (host, id) group_left (name) caisson_container_info > 0"
    wait("processes by name", lambda: set(cloud.containers) ^ {row["name"] for row in ask(known)})
    ids = {container["Id"] for container in cloud.containers.values()}
    assert {row["id"] for row in ask("caisson_container_info")} == ids


@pytest.mark.usefixtures("cloud")
def test_nothing_is_said_of_a_cloud_that_is_well() -> None:
    # whether the clock of this machine is kept is not the cloud's doing
    wait("no alert", lambda: ask('ALERTS{alertname!="ClockNotSynchronized",alertstate="firing"}'))


@pytest.mark.usefixtures("cloud")
def test_a_container_that_was_stopped_is_noticed_and_forgiven() -> None:
    client = docker.APIClient()
    # nobody notices but the monitoring
    name = "libvirt_exporter"
    noticed = f'ALERTS{{alertname="ContainerDown",host="aio",name="{name}",service="monitoring"}}'
    client.stop(name, timeout=5)
    try:
        wait("the alert", lambda: not ask(noticed))
        assert {row["name"] for row in ask('ALERTS{alertname="ContainerDown"}')} == {name}
    finally:
        client.start(name)
    wait("the end of the alert", lambda: ask(noticed))


def test_the_account_of_monitoring_sees_no_data(cloud: Cloud) -> None:
    client = docker.APIClient()
    password = cloud.secrets["monitoring_database_password"]
    query = 'mariadb --host=127.0.9.1 --user="$NAME" --skip-column-names --execute "SHOW DATABASES"'
    user = ask_for_the_user(client)
    made = client.exec_create("mariadb", ["sh", "-c", query], environment={"NAME": user, "MYSQL_PWD": password})
    assert client.exec_start(made["Id"]).decode().split() == ["information_schema"]


def ask_for_the_user(client: docker.APIClient) -> str:
    """Return the account that the exporter uses; a rotation changes its name."""
    made = client.exec_create("mysqld_exporter", ["sed", "-n", "s/^user = //p", "/etc/mysqld-exporter/my.cnf"])
    return client.exec_start(made["Id"]).decode().strip()
