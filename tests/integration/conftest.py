# SPDX-License-Identifier: Apache-2.0
"""What the tests on a real engine share. They need dockerd and the images that ``playbooks/build.yml`` made."""

from __future__ import annotations

import dataclasses
import socket
import time
import typing as t
import uuid

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from tests import engine_lock
from tests import whole_host as whole_host_lock
from tests.cloud.records import TEST_CLOUD


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> t.Generator[None, t.Any, t.Any]:
    """A test of a cloud on this machine that kills the engine waits for the end of each test here, its fixtures included."""
    with engine_lock.shared():
        return (yield)


class Lab:
    """A cloud of its own for one test: nothing else on the engine has its label, and all of it goes in the end."""

    def __init__(self, client: t.Any) -> None:
        self.client = client
        self.engine = Engine(client)
        self.cloud = f"{TEST_CLOUD}{uuid.uuid4().hex[:8]}"
        self.label = f"{specs.LABEL_CLOUD}={self.cloud}"

    def name(self, word: str) -> str:
        """Return a name that no other test uses."""
        return f"{self.cloud}-{word}"

    def image(self, name: str) -> str:
        """Return the reference of the newest image *name* of the collection."""
        found = [tag for image in self.client.images(name=f"caisson/{name}") for tag in image["RepoTags"] or []]
        assert found, f"no image caisson/{name} on this engine; build it (make build, or playbooks/build.yml)"
        return found[0]

    def clean(self) -> None:
        """Remove every container and volume of this cloud."""
        for row in self.client.containers(all=True, filters={"label": self.label}):
            self.client.remove_container(row["Id"], force=True, v=True)
        for volume in self.client.volumes()["Volumes"] or []:
            if volume["Name"].startswith(self.cloud):
                self.client.remove_volume(volume["Name"])


@pytest.fixture
def lab() -> t.Iterator[Lab]:
    """A cloud of its own on the engine of this machine."""
    made = Lab(connect())
    yield made
    made.clean()


@pytest.fixture(scope="module")
def whole_host() -> t.Iterator[None]:
    """Use the directories that this host has once, such as /etc/caisson, alone."""
    with whole_host_lock.exclusive():
        yield


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclasses.dataclass(frozen=True)
class MariaDB:
    """A server of the collection's own image, installed as roles/mariadb installs it, with its data in memory."""

    lab: Lab
    container: str
    port: int

    def sql(self, text: str, *options: str) -> str:
        """Run SQL as the administrator, or as the user that *options* of the client name."""
        result = self.lab.engine.exec(self.container, ["mariadb", "--batch", "--skip-column-names", *options], stdin=text.encode())
        assert result.rc == 0, result.output
        return result.stdout


_INSTALL = """
mariadb-install-db --no-defaults --auth-root-authentication-method=socket --auth-root-socket-user=mysql --skip-test-db
exec mariadbd --no-defaults --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock \\
  --bind-address=127.0.0.1 --port=$PORT --skip-name-resolve
"""


@pytest.fixture(scope="session")
def mariadb() -> t.Iterator[MariaDB]:
    """A server that answers."""
    lab = Lab(connect())
    server = MariaDB(lab, lab.name("mariadb"), free_port())
    spec = ContainerSpec(
        name=server.container,
        service="mariadb",
        image=lab.image("mariadb"),
        command=["sh", "-ec", _INSTALL],
        user="42434:42434",
        env={"PORT": str(server.port)},
        tmpfs=["/tmp:mode=1777", "/run/mysqld:uid=42434,gid=42434", "/var/lib/mysql:uid=42434,gid=42434"],
        stop_timeout=0,
    )
    try:
        lab.engine.create(spec, lab.engine.image_id(spec.image) or "", lab.cloud)
        lab.engine.start(spec.name)
        deadline = time.monotonic() + 120
        while lab.engine.exec(spec.name, ["mariadb", "-e", "SELECT 1"]).rc:
            assert time.monotonic() < deadline, lab.engine.logs(spec.name)
            time.sleep(0.5)
        yield server
    finally:
        lab.clean()
