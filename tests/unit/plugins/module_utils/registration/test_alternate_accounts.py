# SPDX-License-Identifier: Apache-2.0
"""Which accounts of pairs are accepted, and which go."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import AlternateAccount, Database, User
from ansible_collections.caisson.openstack.plugins.module_utils.registration.alternate_accounts import accepted, retired


def test_one_with_a_password_is_accepted_with_all_that_the_first_has() -> None:
    items = [Database("nova", "nova", "1", AlternateAccount("nova_b", "2")), Database("nova_api", "nova", "1")]
    assert accepted(items) == [Database("nova", "nova", "1"), Database("nova", "nova_b", "2"), Database("nova_api", "nova", "1")]
    users = [User("nova_b", "2", ["admin"], AlternateAccount("nova", "1"))]
    assert accepted(users) == [User("nova_b", "2", ["admin"]), User("nova", "1", ["admin"])]
    assert retired(items) == retired(users) == []


@pytest.mark.parametrize(
    "items",
    [
        [Database("nova", "nova", "1", AlternateAccount("nova_b")), Database("nova_api", "nova", "1", AlternateAccount("nova_b"))],
        [User("nova", "1", [], AlternateAccount("nova_b"))],
    ],
)
def test_one_without_a_password_goes(items: t.Any) -> None:
    assert retired(items) == ["nova_b"]
    assert [item.alternate for item in accepted(items)] == [None] * len(items)
