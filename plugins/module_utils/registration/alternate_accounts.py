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
    """Return *items*, each followed by itself with its standby account if that one has a password."""
    found: list[Item] = []
    for item in items:
        found.append(dataclasses.replace(item, standby=None))
        if item.standby and item.standby.password:
            account: dict[str, t.Any] = {_NAME[type(item)]: item.standby.user, "password": item.standby.password}
            found.append(dataclasses.replace(found[-1], **account))
    return found


def retired(items: t.Iterable[Item]) -> list[str]:
    """Return the names of the accounts that have to go."""
    return sorted({item.standby.user for item in items if item.standby and not item.standby.password})
