# SPDX-License-Identifier: Apache-2.0
"""A MariaDB server outside of the cloud: on a network of its own, with TLS, as an operator would run it."""

from __future__ import annotations

import dataclasses
import pathlib
import time
import typing as t

import docker
import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import AlternateAccount, Database
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases, external_database
from ansible_collections.caisson.openstack.plugins.module_utils.registration.external_database import DatabaseServer, ExternalDatabaseError
from tests.tls import write_engine_certificates

from .conftest import Lab

NAME = "caisson-test-external"
SUBNET, ADDRESS, PORT = "10.213.77.0/24", "10.213.77.10", 3307
#: All that could end a literal, an option or a line of a shell.
PASSWORD = "p'a\"s\\s; $(id) %s #`é?@/"
NOVA = Database("ext_nova", "ext_nova", "nova'pass%word")
_START = """
cp /certificates/* /tmp/
mariadb-install-db --no-defaults --auth-root-authentication-method=socket --auth-root-socket-user=mysql --skip-test-db >/dev/null
exec mariadbd --no-defaults --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock --skip-name-resolve \\
  --port={port} --innodb-snapshot-isolation=OFF --ssl-ca=/tmp/ca.pem --ssl-cert=/tmp/server.pem --ssl-key=/tmp/server-key.pem
"""


@dataclasses.dataclass(frozen=True)
class External:
    """The server, its administrator, and who must ask it."""

    lab: Lab
    server: DatabaseServer

    def ask(self, **changes: t.Any) -> external_database.Ask:
        return external_database.asker(self.lab.engine, dataclasses.replace(self.server, **changes), self.lab.cloud)

    def read(self, *wanted: Database, **changes: t.Any) -> databases.DatabaseState:
        return external_database.read(self.ask(**changes), dataclasses.replace(self.server, **changes), wanted)

    def converge(self, *wanted: Database) -> list[str]:
        statements = databases.plan(wanted, self.read(*wanted))
        external_database.apply(self.ask(), self.server, statements)
        return [f"{statement.subject}: {statement.reason}" for statement in statements]

    def sql(self, text: str) -> str:
        """Run SQL as the operator, inside the server's container."""
        result = self.lab.engine.exec(NAME, ["mariadb", "--batch", "--skip-column-names"], stdin=text.encode())
        assert result.rc == 0, result.output
        return result.stdout

    def use(self, wanted: Database, query: str) -> str:
        """Return the cipher of a service's connection, or why it has none; as a service does it, with a URL in its configuration."""
        script = (
            "import sys, sqlalchemy, urllib.parse as u; ca, user, password, place = sys.stdin.read().split(chr(0))\n"
            "open('/tmp/ca.crt', 'w').write(ca)\n"
            "url = f'mysql+pymysql://{u.quote(user, safe=str())}:{u.quote(password, safe=str())}@{place}'\n"
            "try:\n"
            "    with sqlalchemy.create_engine(url).begin() as c:\n"
            "        c.exec_driver_sql('CREATE OR REPLACE TABLE t (x INT)')\n"
            "        print('cipher', c.exec_driver_sql(\"SHOW STATUS LIKE 'Ssl_cipher'\").fetchone()[1])\n"
            "except sqlalchemy.exc.OperationalError as error: print(error.orig)\n"
        )
        spec = ContainerSpec(
            name="use",
            service="use",
            image=self.server.image,
            command=["/opt/openstack/bin/python", "-c", script],
            tmpfs=["/tmp:mode=1777"],
        )
        place = f"{self.server.label}/{wanted.name}?charset=utf8mb4{query}"
        stdin = "\0".join([self.server.ca_certificates, wanted.user, wanted.password, place]).encode()
        image = self.lab.engine.require_image(spec.image)
        return self.lab.engine.run_once(spec, image, self.lab.cloud, stdin=stdin, timeout=60).output


def start_mariadb(name: str, network: str, address: str, image: str, certificates: pathlib.Path) -> None:
    """Run a server that is no part of any cloud, with an administrator who may do everything."""
    client = docker.from_env()
    client.containers.run(
        image,
        ["sh", "-ec", _START.format(port=PORT)],
        name=name,
        detach=True,
        user="42434:42434",
        volumes={str(certificates): {"bind": "/certificates", "mode": "ro"}},
        tmpfs=dict.fromkeys(("/tmp", "/run/mysqld", "/var/lib/mysql"), "uid=42434,gid=42434"),
        network=network,
        networking_config={network: client.api.create_endpoint_config(ipv4_address=address)},
    )


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[External]:
    lab = Lab(connect())
    client = docker.from_env()
    certificates = tmp_path_factory.mktemp("certificates")
    write_engine_certificates(certificates, ADDRESS)
    for file in (certificates, *certificates.iterdir()):
        file.chmod(0o755)
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=SUBNET)])
    network = client.networks.create(NAME, ipam=pool)
    server = DatabaseServer(ADDRESS, PORT, "operator", PASSWORD, lab.image("client"), (certificates / "ca.pem").read_text())
    made = External(lab, server)
    try:
        start_mariadb(NAME, NAME, ADDRESS, lab.image("mariadb"), certificates)
        deadline = time.monotonic() + 120
        while lab.engine.exec(NAME, ["mariadb", "-e", "SELECT 1"]).rc:
            assert time.monotonic() < deadline, lab.engine.logs(NAME)
            time.sleep(0.5)
        made.sql(
            databases.PREAMBLE
            + f"GRANT ALL ON *.* TO operator@'%' IDENTIFIED BY {databases.quote_text(PASSWORD)} WITH GRANT OPTION;"
            + f"GRANT ALL ON *.* TO modest@'%' IDENTIFIED BY {databases.quote_text(PASSWORD)};"
        )
        yield made
    finally:
        client.api.remove_container(NAME, force=True, v=True)
        network.remove()
        lab.clean()


def test_databases_are_made_once_and_services_use_them_with_tls(external: External) -> None:
    assert external.converge(NOVA) == [
        "database ext_nova: it does not exist",
        "user ext_nova: it does not exist",
        "user ext_nova: it has no access to database ext_nova",
    ]
    assert external.converge(NOVA) == []
    assert external.use(NOVA, "&ssl_ca=/tmp/ca.crt").startswith("cipher TLS_")
    assert external.use(NOVA, "") == "cipher"
    assert "utf8mb4" in external.sql("SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'ext_nova'")


def test_passwords_of_services_rotate_with_the_account_of_the_operator(external: External) -> None:
    first, second = Database("ext_pair", "ext_pair", "one"), Database("ext_pair", "ext_pair_b", "two")
    external.converge(first)
    external.converge(dataclasses.replace(second, alternate=AlternateAccount("ext_pair", "one")))
    assert external.use(first, "").startswith("cipher")
    assert external.use(second, "").startswith("cipher")
    external.converge(dataclasses.replace(second, alternate=AlternateAccount("ext_pair")))
    assert "Access denied" in external.use(first, "")
    assert external.use(second, "").startswith("cipher")


def test_what_it_is_asked_is_no_secret_to_nobody_but_it(external: External) -> None:
    """The password is neither in the definition of the container that asks, nor in what is said when the server refuses."""
    seen: list[str] = []
    create = external.lab.engine._create

    def watched(*arguments: t.Any, **options: t.Any) -> str:
        made = create(*arguments, **options)
        seen.append(str(external.lab.client.inspect_container(made)))
        return made

    external.lab.engine._create = watched  # type: ignore[method-assign]
    try:
        with pytest.raises(ExternalDatabaseError) as caught:
            external.read(NOVA, password="not'" + PASSWORD)
    finally:
        external.lab.engine._create = create  # type: ignore[method-assign]
    assert "Access denied for user 'operator'" in str(caught.value)
    assert "Check mariadb_external_admin_user and mariadb_external_admin_password" in str(caught.value)
    assert seen
    assert not [text for text in [*seen, str(caught.value)] if PASSWORD in text or "s; $(id)" in text]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user": "modest"}, "WITH GRANT OPTION"),
        ({"port": 3399}, "Can't connect to MySQL server on '10.213.77.10'"),
        ({"host": "10.213.77.99"}, "Check mariadb_external_host"),
        ({"ca_certificates": "other"}, "certificate verify failed"),
    ],
)
def test_a_server_that_cannot_be_used_is_refused_with_the_reason(
    external: External, changes: dict[str, t.Any], said: str, tmp_path: pathlib.Path
) -> None:
    if changes.get("ca_certificates"):
        write_engine_certificates(tmp_path)
        changes = {"ca_certificates": (tmp_path / "ca.pem").read_text()}
    with pytest.raises(ExternalDatabaseError, match="nothing was changed") as caught:
        external.read(NOVA, **changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "back", "said"),
    [
        ("SET GLOBAL max_connections = 50", "SET GLOBAL max_connections = 151", "it accepts 50 connections"),
        ("SET GLOBAL read_only = ON", "SET GLOBAL read_only = OFF", "it is read only"),
        ("SET GLOBAL innodb_snapshot_isolation = ON", "SET GLOBAL innodb_snapshot_isolation = OFF", "set it to OFF"),
        ("CREATE DATABASE ext_nova2 CHARACTER SET latin1", "DROP DATABASE ext_nova2", "character set latin1"),
    ],
)
def test_settings_of_a_real_server_are_checked(external: External, change: str, back: str, said: str) -> None:
    external.sql(change)
    try:
        with pytest.raises(ExternalDatabaseError, match=said):
            external.read(Database("ext_nova2", "ext_nova2", "p"))
    finally:
        external.sql(back)
    assert external.read(NOVA).databases
