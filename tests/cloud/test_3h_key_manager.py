# SPDX-License-Identifier: Apache-2.0
"""The key manager, which is off by default: a member of a project stores a key and reads it back, whatever happens to the service."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import time
import typing as t
import urllib.error
import urllib.request

import docker
import pytest
from cryptography.fernet import Fernet

from tests.cloud.conftest import API, Cloud, recap, trust
from tests.cloud.prober import KEYSTONE, login, send
from tests.cloud.test_2b_rotation import LOGS, execute

SECRETS = f"{API}:9311/v1/secrets"
CONTAINER = "barbican_api"
ON = ["-e", "barbican_enabled=true"]


@dataclasses.dataclass(frozen=True)
class Member:
    """A user with the role member in a project of its own."""

    token: str
    project: str


@pytest.fixture(scope="module")
def enabled(cloud: Cloud) -> t.Iterator[Cloud]:
    """The cloud while it has a key manager."""
    cloud.play("site", *ON, "-e", "services=barbican,loadbalancer,monitoring")
    yield cloud
    cloud.play("site")
    assert CONTAINER not in cloud.containers


@pytest.fixture(scope="module")
def members(enabled: Cloud) -> t.Iterator[list[Member]]:
    """Two ordinary users of different projects."""
    password = enabled.secrets["keystone_admin_password"]
    status, token = login("admin", password)
    assert status == 201
    role = send("GET", f"{KEYSTONE}/roles?name=member", token)[2]["roles"][0]["id"]
    made: list[str] = []

    def create(kind: str, **values: str) -> str:
        content = send("POST", f"{KEYSTONE}/{kind}s", token, {kind: {"domain_id": "default", **values}})[2]
        made.append(f"{KEYSTONE}/{kind}s/{content[kind]['id']}")
        return str(content[kind]["id"])

    found = []
    for name in (f"caisson-test-{secrets.token_hex(4)}" for _number in range(2)):
        project, user = create("project", name=name), create("user", name=name, password=f"{name}-password")
        assert send("PUT", f"{KEYSTONE}/projects/{project}/users/{user}/roles/{role}", token)[0] == 204
        found.append(Member(login(name, f"{name}-password", name)[1], project))
    yield found
    # the first token may have expired
    token = login("admin", enabled.secrets["keystone_admin_password"])[1]
    for url in reversed(made):
        send("DELETE", url, token)


@pytest.fixture(scope="module")
def key() -> str:
    """What is stored."""
    return secrets.token_hex(32)


@pytest.fixture(scope="module")
def stored(members: list[Member], key: str) -> t.Iterator[str]:
    """The URL of a key that the first member has stored."""
    status, _headers, content = send(
        "POST", SECRETS, members[0].token, {"name": "caisson-test", "payload": key, "payload_content_type": "text/plain"}
    )
    assert status == 201
    yield content["secret_ref"]
    assert send("DELETE", content["secret_ref"], members[0].token)[0] == 204


def read(url: str, member: Member) -> tuple[int, str]:
    """Return status and payload of a secret."""
    request = urllib.request.Request(f"{url}/payload", headers={"X-Auth-Token": member.token, "Accept": "text/plain"})
    try:
        with urllib.request.urlopen(request, timeout=60, context=trust()) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def database(script: str) -> str:
    """Run a script where MariaDB runs; return what it writes."""
    code, text = execute("mariadb", script)
    assert code == 0, text
    return text.strip()


def test_a_key_has_a_url_of_the_load_balancer_and_is_read_back(members: list[Member], stored: str, key: str) -> None:
    assert stored.startswith(f"{SECRETS}/")
    assert read(stored, members[0]) == (200, key)


def test_a_member_of_another_project_may_not_read_it(members: list[Member], stored: str) -> None:
    assert read(stored, members[1]) == (403, "")
    assert send("GET", SECRETS, members[1].token)[2]["secrets"] == []


def test_it_is_there_after_a_restart(enabled: Cloud, members: list[Member], stored: str, key: str) -> None:
    docker.from_env().containers.get(CONTAINER).restart()
    deadline = time.monotonic() + 120
    while enabled.containers[CONTAINER]["State"]["Health"]["Status"] != "healthy":
        assert time.monotonic() < deadline
        time.sleep(1)
    assert read(stored, members[0]) == (200, key)


def test_the_database_does_not_have_it_in_clear(stored: str, key: str) -> None:
    identifier = stored.rpartition("/")[2]
    text = database("mariadb-dump --compact barbican")
    assert identifier in text
    for form in (key, base64.b64encode(key.encode()).decode()):
        assert form not in text
        assert form not in (LOGS / f"{CONTAINER}.log").read_text()


def test_another_run_changes_nothing(enabled: Cloud) -> None:
    assert recap(enabled.play("site", *ON))["changed"] == 0


def test_a_rotation_encrypts_again_so_that_the_former_keys_may_go(enabled: Cloud, members: list[Member], stored: str, key: str) -> None:
    former = enabled.secrets["barbican_encryption_keys"]
    text = enabled.play("rotate", *ON, "-e", json.dumps({"rotate_secrets": ["barbican_encryption_keys"]}))
    now = enabled.secrets["barbican_encryption_keys"]
    assert now[1:] == [*former[1:], former[0]]
    assert not [value for value in now if value in text]
    assert read(stored, members[0]) == (200, key)
    # none needs a key that a later rotation drops
    wrapped = database("mariadb -NBe 'SELECT plugin_meta FROM barbican.kek_data'").split()
    assert wrapped
    assert all(Fernet(now[-1]).decrypt(value) for value in wrapped)
