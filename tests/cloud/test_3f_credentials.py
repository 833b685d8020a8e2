# SPDX-License-Identifier: Apache-2.0
"""Application credentials: access rules hold at every service, and a credential that is deleted ends within a minute."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.error
import urllib.request
import uuid

import pytest

from tests.cloud.conftest import API, Cloud, trust

KEYSTONE = f"{API}:5000/v3"
#: What each service is asked, by its type in the catalog: what the rules allow, and what they do not.
ALLOWED = {
    "compute": ("8774", "/v2.1/servers", "/v2.1/flavors"),
    "network": ("9696", "/v2.0/networks", "/v2.0/ports"),
    "image": ("9292", "/v2/images", "/v2/schemas/image"),
    "placement": ("8778", "/resource_providers", "/allocations/00000000-0000-0000-0000-000000000000"),
}
#: For so long services may use what they know of a token (``token_cache_time``).
CACHED = 60


class Answer(t.NamedTuple):
    """What a service said."""

    status: int
    token: str
    body: dict[str, t.Any]


def ask(url: str, token: str = "", body: dict[str, t.Any] | None = None, method: str | None = None) -> Answer:
    """Return the answer to a request, whatever its status."""
    headers = {"Content-Type": "application/json"} | ({"X-Auth-Token": token} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60, context=trust()) as answer:
            return Answer(answer.status, answer.headers.get("X-Subject-Token", ""), json.loads(answer.read() or b"{}"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, "", {})


class Credential(t.NamedTuple):
    """An application credential of the administrator, and a token that was got with it."""

    url: str
    owner: str
    token: str


@pytest.fixture
def credential(cloud: Cloud) -> t.Iterator[Credential]:
    """A credential whose rules allow one request at each service."""
    user = {"name": "admin", "password": cloud.secrets["keystone_admin_password"], "domain": {"id": "default"}}
    scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
    identity = {"methods": ["password"], "password": {"user": user}}
    owner = ask(f"{KEYSTONE}/auth/tokens", body={"auth": {"identity": identity, "scope": scope}})
    place = f"{KEYSTONE}/users/{owner.body['token']['user']['id']}/application_credentials"
    rules = [{"service": service, "method": "GET", "path": path} for service, (_port, path, _other) in ALLOWED.items()]
    wanted = {"name": f"caisson-test-{uuid.uuid4()}", "access_rules": rules}
    made = ask(place, owner.token, {"application_credential": wanted})
    assert made.status == 201
    found = made.body["application_credential"]
    identity = {"methods": ["application_credential"], "application_credential": {"id": found["id"], "secret": found["secret"]}}
    token = ask(f"{KEYSTONE}/auth/tokens", body={"auth": {"identity": identity}}).token
    yield Credential(f"{place}/{found['id']}", owner.token, token)
    ask(f"{place}/{found['id']}", owner.token, method="DELETE")
    for rule in ask(place.replace("application_credentials", "access_rules"), owner.token).body["access_rules"]:
        ask(f"{place.replace('application_credentials', 'access_rules')}/{rule['id']}", owner.token, method="DELETE")


@pytest.mark.parametrize("service", ALLOWED)
def test_access_rules_allow_what_they_say_and_nothing_else(credential: Credential, service: str) -> None:
    port, allowed, other = ALLOWED[service]
    assert ask(f"{API}:{port}{allowed}", credential.token).status == 200
    assert ask(f"{API}:{port}{other}", credential.token).status == 401
    assert ask(f"{API}:{port}{other}", credential.owner).status == 200


def test_a_deleted_credential_ends_at_once_in_keystone_and_within_a_minute_elsewhere(credential: Credential) -> None:
    urls = [f"{API}:{port}{allowed}" for port, allowed, _other in ALLOWED.values()]
    assert {ask(url, credential.token).status for url in urls} == {200}
    assert ask(credential.url, credential.owner, method="DELETE").status == 204
    # the token cannot be read any more, as its credential is not there
    assert ask(f"{KEYSTONE}/auth/projects", credential.token).status == 404
    deadline = time.monotonic() + CACHED + 5
    while {ask(url, credential.token).status for url in urls} != {401}:
        assert time.monotonic() < deadline
        time.sleep(2)
