# SPDX-License-Identifier: Apache-2.0
"""The other accounts of pairs: which of them a server has to accept as well, and which have to go."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database, User

Item = t.TypeVar("Item", Database, User)
#: The field that names the account.
_NAME: dict[type, str] = {Database: "user", User: "name"}


def accepted(items: t.Iterable[Item]) -> list[Item]:
    """Return *items*, each followed by itself with its alternate account if that one has a password."""
    found: list[Item] = []
    for item in items:
        found.append(dataclasses.replace(item, alternate=None))
        if item.alternate and item.alternate.password:
            account: dict[str, t.Any] = {_NAME[type(item)]: item.alternate.user, "password": item.alternate.password}
            found.append(dataclasses.replace(found[-1], **account))
    return found


def retired(items: t.Iterable[Item]) -> list[str]:
    """Return the names of the accounts to remove."""
    return sorted({item.alternate.user for item in items if item.alternate and not item.alternate.password})
