# SPDX-License-Identifier: Apache-2.0
"""Fernet keys are rotated while tokens are in use."""

from __future__ import annotations

import json
import urllib.request

from tests.cloud.conftest import Cloud

KEYSTONE = "http://127.0.9.1:5000/v3"


def token(cloud: Cloud) -> str:
    """Log in as the administrator."""
    user = {"name": "admin", "password": cloud.secrets["keystone_admin_password"], "domain": {"id": "default"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    request = urllib.request.Request(f"{KEYSTONE}/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["X-Subject-Token"]


def valid(checked: str) -> bool:
    """Whether Keystone accepts a token."""
    request = urllib.request.Request(f"{KEYSTONE}/auth/tokens", headers={"X-Auth-Token": checked, "X-Subject-Token": checked})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status == 200


def test_a_rotation_of_keys_restarts_nothing_and_keeps_tokens(cloud: Cloud) -> None:
    started = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    before, keys = token(cloud), cloud.secrets["keystone_fernet_keys"]
    cloud.play("rotate")
    # the key that was staged is primary now, the old primary still decrypts
    assert cloud.secrets["keystone_fernet_keys"][1:] == [*keys[1:], keys[0]]
    assert valid(before)
    assert valid(token(cloud))
    cloud.play("rotate")
    assert valid(before)
    assert {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()} == started
