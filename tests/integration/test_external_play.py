# SPDX-License-Identifier: Apache-2.0
"""A small service whose database is in a server outside of the cloud: plan, deployment, refusals, rotation, and the way back."""

from __future__ import annotations

import json
import pathlib
import sys
import time
import typing as t

import docker
import pytest
import yaml

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from tests import plays
from tests.cloud.records import TEST_CLOUD
from tests.tls import write_engine_certificates

from .conftest import Lab
from .test_external_database import PASSWORD, PORT, start_mariadb

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.usefixtures("whole_host")]
CLOUD = f"{TEST_CLOUD}external"
NAME = "caisson-test-external-play"
SUBNET, ADDRESS = "10.213.78.0/24", "10.213.78.10"

#: A service that notes in its database that it was deployed.
_JOB = """
import sqlalchemy
with sqlalchemy.create_engine("{{ ledger_url }}").begin() as connection:
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS entries (line TEXT)")
    connection.exec_driver_sql("INSERT INTO entries VALUES ('deployed')")
"""
_SECRETS = {
    "ledger_required_secrets": [{"name": "ledger_database_password", "type": "password", "user": "ledger"}],
    "ledger_database_account": "{{ cloud_accounts.ledger_database_password }}",
    "ledger_database_password": "{{ cloud_secrets.ledger_database_password }}",
    "ledger_url": "mysql+pymysql://{{ ledger_database_account.user | caisson.openstack.url_login(cloud_secrets.ledger_database_password) }}"
    "@{{ cloud_database_url_host }}/ledger?{{ cloud_database_query }}",
}
_SERVICE = {
    "ledger_service": {
        "name": "ledger",
        "stage": "service",
        "requires": ["mariadb"],
        "containers": [
            {
                "name": "caisson-test-external-ledger",
                "image": "openstack",
                "group": "control",
                "command": ["sleep", "inf"],
                "user": "42999:42999",
                "stop_timeout": 0,
            }
        ],
        "databases": [
            {
                "name": "ledger",
                "user": "{{ ledger_database_account.user }}",
                "password": "{{ ledger_database_password }}",
                "alternate": "{{ ledger_database_account.alternate }}",
            }
        ],
        "jobs": [
            {
                "name": "caisson-test-external-ledger-sync",
                "phase": "bootstrap",
                "container": "caisson-test-external-ledger",
                "command": ["/opt/openstack/bin/python", "-"],
                "stdin": _JOB,
                "database": "ledger",
            }
        ],
    }
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Lab]:
    """A server of an operator; containers of the lab's engine reach it."""
    lab, client = Lab(connect()), docker.from_env()
    certificates = tmp_path_factory.mktemp("certificates")
    write_engine_certificates(certificates, ADDRESS)
    for file in (certificates, *certificates.iterdir()):
        file.chmod(0o755)
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=SUBNET)])
    network = client.networks.create(NAME, ipam=pool)
    try:
        start_mariadb(NAME, NAME, ADDRESS, lab.image("mariadb"), certificates)
        deadline = time.monotonic() + 120
        while lab.engine.exec(NAME, ["mariadb", "-e", "SELECT 1"]).rc:
            assert time.monotonic() < deadline, lab.engine.logs(NAME)
            time.sleep(0.5)
        sql(
            lab,
            "GRANT ALL ON *.* TO operator@'%' IDENTIFIED BY '" + PASSWORD.replace("\\", "\\\\").replace("'", "''") + "' WITH GRANT OPTION",
        )
        yield lab
    finally:
        client.api.remove_container(NAME, force=True, v=True)
        network.remove()
        lab.clean()


def sql(lab: Lab, text: str) -> str:
    result = lab.engine.exec(NAME, ["mariadb", "--batch", "--skip-column-names"], stdin=text.encode())
    assert result.rc == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def site(server: Lab, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[pathlib.Path]:
    """A directory with the role, a play and an inventory."""
    directory = tmp_path_factory.mktemp("site")
    for place, data in (("vars/main/secrets.yml", _SECRETS), ("vars/main/service.yml", _SERVICE)):
        (directory / "roles/ledger" / place).parent.mkdir(parents=True, exist_ok=True)
        (directory / "roles/ledger" / place).write_text(yaml.safe_dump(data))
    play = {"hosts": "all", "gather_facts": False, "roles": ["caisson.openstack.mariadb", "ledger", "caisson.openstack.service"]}
    (directory / "ledger.yml").write_text(yaml.safe_dump([play]))
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "cloud_address": "127.0.9.8"}
    settings = {
        "cloud_name": CLOUD,
        "cloud_image_tag": server.image("openstack").rpartition(":")[2],
        "mariadb_external_host": ADDRESS,
        "mariadb_external_port": PORT,
        "mariadb_external_admin_user": "operator",
        "mariadb_external_admin_password": PASSWORD,
    }
    inventory = {"all": {"hosts": {"here": host}, "vars": settings, "children": {"control": {"hosts": {"here": {}}}}}}
    (directory / "hosts.yml").write_text(yaml.safe_dump(inventory))
    yield directory
    run(directory, "-e", '{"ledger_service_overrides": {"enabled": false}}')


def run(site: pathlib.Path, *arguments: str, check: bool = True) -> str:
    text = plays.run(site, plays.command("hosts.yml", "ledger.yml", "-vv", *arguments), check).stdout
    assert PASSWORD not in text
    assert json.dumps(PASSWORD) not in text
    return text


def test_what_cannot_be_used_changes_nothing(site: pathlib.Path, server: Lab) -> None:
    text = run(site, "-e", json.dumps({"mariadb_external_admin_password": "wrong"}), check=False)
    assert "Access denied for user 'operator'" in text
    assert "nothing was changed" in text
    text = run(site, "-e", "mariadb_external_port=3399", "-e", json.dumps({"ledger_url": "x"}), check=False)
    assert "Check mariadb_external_host" in text
    assert sql(server, "SHOW DATABASES LIKE 'ledger'") == ""
    assert server.engine.container("caisson-test-external-ledger") is None


def test_the_database_is_made_and_used_and_a_second_run_changes_nothing(site: pathlib.Path, server: Lab) -> None:
    text = run(site)
    assert "database ledger: it does not exist" in text
    assert sql(server, "SELECT line FROM ledger.entries") == "deployed\n"
    assert server.engine.container("mariadb") is None or "mariadb" not in server.engine.containers([f"org.caisson.cloud={CLOUD}"])
    assert "changed=0" in run(site)


def test_another_cloud_is_kept_away(site: pathlib.Path, server: Lab) -> None:
    """A cloud that has never used the server, and has other passwords, as a second one would."""
    sql(server, "SET PASSWORD FOR ledger@'%' = PASSWORD('of another cloud')")
    assert "user ledger: its password differs" in run(site, "--check")
    state = pathlib.Path("/var/lib/caisson/state.json")
    kept = state.read_text()
    state.write_text(json.dumps({**json.loads(kept), "databases": {}}))
    try:
        assert "has users ledger with other passwords" in run(site, check=False)
    finally:
        state.write_text(kept)
    run(site)
    assert "changed=0" in run(site)


def test_the_way_back_to_a_container_is_refused_with_the_data_outside(site: pathlib.Path) -> None:
    text = run(site, "-e", "mariadb_external_host=", check=False)
    assert f"the databases of this cloud are in the external server {ADDRESS}:{PORT}, and container mariadb does not have them" in text
