# SPDX-License-Identifier: Apache-2.0
"""Keys and passwords are rotated while the cloud is in use: no login fails, and no secret shows."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import secrets
import subprocess
import time
import typing as t

import docker
import pytest

from tests import runs
from tests.cloud.conftest import ARTIFACTS, Cloud, credentials, environment, recap, twins
from tests.cloud.leaks import Secrets, Watcher
from tests.cloud.prober import KEYSTONE, REQUESTS, Prober, login, send
from tests.definitions import accounts

LOGS = pathlib.Path("/var/log/caisson")
#: What a database server or a broker writes when it refuses credentials, and what its clients write then.
REFUSALS = re.compile(r"Access denied for user|ACCESS_REFUSED|login refused|invalid credentials", re.IGNORECASE)
#: A client that Keystone or another API refuses, as the load balancer sees it; health checks of containers go past it.
UNAUTHORIZED = re.compile(r" \w+/\w+ 401 ")
EVERYTHING = ["-e", '{"rotate_secrets": ["all"]}', "-vvv", "--diff"]
#: Passwords of accounts that come in pairs, and the user of the first of each pair.
DATABASES, SERVICES = accounts("database"), accounts("service")


def started(cloud: Cloud) -> dict[str, str]:
    """Return when each container started."""
    return {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}


def admin_token(cloud: Cloud) -> str:
    """Log in as the administrator."""
    status, token = login("admin", cloud.secrets["keystone_admin_password"])
    assert status == 201
    return token


def valid(token: str) -> bool:
    """Whether Keystone accepts a token."""
    return send("GET", f"{KEYSTONE}/users?limit=1", token)[0] == 200


def test_a_rotation_of_keys_restarts_nothing_and_keeps_tokens(cloud: Cloud) -> None:
    before, token, keys = started(cloud), admin_token(cloud), cloud.secrets["keystone_fernet_keys"]
    cloud.play("rotate")
    # the key that was staged is primary now, the old primary still decrypts
    assert cloud.secrets["keystone_fernet_keys"][1:] == [*keys[1:], keys[0]]
    assert valid(token)
    assert valid(admin_token(cloud))
    assert started(cloud) == before


@pytest.fixture(scope="module")
def user(cloud: Cloud) -> t.Iterator[tuple[str, str]]:
    """A user that may see everything, and whose password is none of the cloud's."""
    token, name, password = admin_token(cloud), f"prober-{secrets.token_hex(4)}", secrets.token_hex(16)
    body = {"user": {"name": name, "password": password, "domain_id": "default"}}
    identifier = send("POST", f"{KEYSTONE}/users", token, body)[2]["user"]["id"]
    project = send("GET", f"{KEYSTONE}/projects?name=admin", token)[2]["projects"][0]["id"]
    role = send("GET", f"{KEYSTONE}/roles?name=admin", token)[2]["roles"][0]["id"]
    assert send("PUT", f"{KEYSTONE}/projects/{project}/users/{identifier}/roles/{role}", token)[0] == 204
    yield name, password
    send("DELETE", f"{KEYSTONE}/users/{identifier}", admin_token(cloud))


class Logs:
    """What was written since this was made, into the files that collect the output of all containers."""

    def __init__(self) -> None:
        self._sizes = {path: path.stat().st_size for path in LOGS.glob("*.log")}

    def grep(self, pattern: re.Pattern[str], name: str = "*") -> list[str]:
        """Return the lines that match."""
        lines = []
        for path in LOGS.glob(f"{name}.log"):
            with path.open(errors="replace") as stream:
                size = self._sizes.get(path, 0)
                stream.seek(size if size <= path.stat().st_size else 0)
                lines += [f"{path.stem}: {line.rstrip()}" for line in stream if pattern.search(line)]
        return lines


def cut_off_while_clients_move(cloud: Cloud) -> None:
    """Begin a rotation of everything, and kill it at some moment after clients have begun to move."""
    command = ["ansible-playbook", "-i", "inventory/aio/hosts.yml", "caisson.openstack.rotate", *EVERYTHING]
    before = started(cloud)
    with (ARTIFACTS / "rotate-killed.log").open("w") as log:
        run = subprocess.Popen(command, cwd=cloud.root, env=environment(cloud.root), stdout=log, stderr=log, start_new_session=True)
        try:
            while sum(started(cloud).get(name) != begun for name, begun in before.items()) < 3:
                assert run.poll() is None, "the rotation ended before it could be killed"
                time.sleep(0.5)
        finally:
            runs.kill(run)


def execute(container: str, script: str, **variables: str) -> tuple[int, str]:
    """Run a script in a container; return its exit code and what it wrote."""
    client = docker.APIClient()
    made = client.exec_create(container, ["bash", "-c", script], environment=variables)
    text = client.exec_start(made["Id"]).decode()
    return client.exec_inspect(made["Id"])["ExitCode"], text


def database_accepts(user: str, password: str) -> bool:
    """Log in at MariaDB over TCP."""
    code, text = execute("mariadb", 'mariadb --host=127.0.9.1 --user="$NAME" -e "SELECT 1"', NAME=user, MYSQL_PWD=password)
    assert code == 0 or "Access denied" in text
    return code == 0


def broker_accepts(user: str, password: str) -> bool:
    """Log in at RabbitMQ with the script of its health check."""
    script = 'sed -e "s/^user=.*/user=$NAME/" -e "s/^password=.*/password=$PASSWORD/" /etc/rabbitmq/healthcheck | bash'
    return execute("rabbitmq", script, NAME=user, PASSWORD=password)[0] == 0


@dataclasses.dataclass(frozen=True)
class Rotation:
    """What was seen while everything rotated, and the run was cut off once."""

    old: dict[str, t.Any]
    new: dict[str, t.Any]
    started: dict[str, str]
    logs: Logs
    prober: Prober
    watcher: Watcher
    output: str


@pytest.fixture(scope="module")
def rotation(cloud: Cloud, user: tuple[str, str]) -> Rotation:
    """Everything is rotated under the eyes of clients, and of those who look for secrets."""
    old, before, logs = cloud.secrets, started(cloud), Logs()
    with Watcher() as watcher, Prober(*user) as prober:
        cut_off_while_clients_move(cloud)
        assert cloud.secrets["rotation"]["phase"] == "move"
        # what is named now waits for its turn: the rotation that was cut off goes on
        output = cloud.play("rotate", "-vvv", "--diff")
        time.sleep(5)
    return Rotation(old, cloud.secrets, before, logs, prober, watcher, (ARTIFACTS / "rotate-killed.log").read_text() + output)


def test_everything_rotates_without_a_failed_login_though_the_run_is_cut_off(cloud: Cloud, rotation: Rotation) -> None:
    old, new, prober, logs = rotation.old, rotation.new, rotation.prober, rotation.logs
    counts = sorted(f"{what} {status}: {count}" for (what, status), count in prober.counts.items())
    print("answers while everything rotated:", ", ".join(counts))
    assert new["rotation"]["phase"] == "none"
    assert set(twins(new)) == {*DATABASES, *SERVICES, "rabbitmq_password"} - set(twins(old))
    assert {answer.what for answer in prober.answers if answer.status in (200, 201)} == {"login", *REQUESTS}
    assert not [answer for answer in prober.answers if answer.status in (401, 403)]
    assert {answer.status for answer in prober.answers[-len(REQUESTS) :]} <= {200, 201}
    assert logs.grep(REFUSALS) == []
    assert logs.grep(UNAUTHORIZED, "haproxy") == []
    now = started(cloud)
    kept = {"mariadb", "rabbitmq", "memcached", "haproxy", "rsyslog", "libvirt", "ovn_controller", "openvswitch_vswitchd"}
    assert {name: now[name] for name in kept} == {name: rotation.started[name] for name in kept}
    assert recap(cloud.play("site"))["changed"] == 0
    _only_the_new_is_accepted(old, new)
    time.sleep(5)  # the collector is a moment behind
    # each of those was seen where nothing had been seen before
    assert {line.split(":")[0] for line in logs.grep(REFUSALS)} >= {"mariadb", "rabbitmq"}
    assert logs.grep(UNAUTHORIZED, "haproxy")


def test_a_rotation_shows_neither_old_nor_new(rotation: Rotation) -> None:
    known, watcher = Secrets(), rotation.watcher
    for kind, values in (("old", rotation.old), ("new", rotation.new)):
        known.add({f"{kind} {name}": value for name, value in values.items() if name not in {"rotation", "generation"}})
    texts = f"{len(watcher.seen)} texts of {watcher.rounds} looks, and in {len(rotation.output)} characters of output"
    print(f"{len(known)} secrets looked for in {texts}")
    assert len(known) >= 30
    # the run is seen at work: its jobs, its diffs
    assert any(where.startswith("inspect of /rabbitmq_accounts") for where, _text in watcher.seen)
    assert "keystone-manage" in str(watcher.seen)
    assert "+++ after: /etc/caisson/nova_api/config/nova.conf" in rotation.output
    assert known.found("output", rotation.output) + watcher.found(known) == []


def _only_the_new_is_accepted(old: dict[str, t.Any], new: dict[str, t.Any]) -> None:
    for values, right in ((old, False), (new, True)):
        assert {name for name, user in DATABASES.items() if database_accepts(*credentials(values, name, user)) != right} == set()
        statuses = {name: login(*credentials(values, name, user), "service")[0] for name, user in SERVICES.items()}
        assert set(statuses.values()) == {201 if right else 401}, statuses
        assert broker_accepts(*credentials(values, "rabbitmq_password", "openstack")) == right
    assert login("admin", old["keystone_admin_password"])[0] == 401
    assert login("admin", new["keystone_admin_password"])[0] == 201
    assert new["keystone_fernet_keys"][-1] == old["keystone_fernet_keys"][0]
