# SPDX-License-Identifier: Apache-2.0
"""The region of this scenario, and of ``control_hosts``, which has the same tests."""

from __future__ import annotations

import secrets
import typing as t

import pytest
from testinfra.host import Host

from tests.molecule.observer import Observer
from tests.molecule.region import Region


@pytest.fixture(scope="session")
def region(reach: t.Callable[[str], Host]) -> Region:
    return Region(reach)


@pytest.fixture(scope="session")
def account(region: Region) -> t.Iterator[dict[str, str]]:
    """An administrator whose password is none of the cloud's secrets, and so stays when those are rotated."""
    found = {"username": f"observer-{secrets.token_hex(4)}", "password": secrets.token_hex(16)}
    user = {"name": found["username"], "password": found["password"], "domain_id": "default"}
    identifier = region.ask("identity", "/users", {"user": user})["user"]["id"]
    (project,) = region.ask("identity", "/projects?name=admin")["projects"]
    (role,) = region.ask("identity", "/roles?name=admin")["roles"]
    region.session().send("PUT", "identity", f"/projects/{project['id']}/users/{identifier}/roles/{role['id']}").check()
    yield found
    region.session().send("DELETE", "identity", f"/users/{identifier}").check()


@pytest.fixture
def users(region: Region, account: dict[str, str]) -> t.Callable[[], Observer]:
    """Return a function that returns users who are about to read and write."""
    return lambda: Observer(lambda: region.session(**account), region.apis)
