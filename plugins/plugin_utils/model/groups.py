# SPDX-License-Identifier: Apache-2.0
"""Groups of an inventory that may have thousands of hosts. Pure."""

from __future__ import annotations

import itertools
import typing as t

_Inventory = t.Mapping[str, t.Sequence[str]]


class Groups(dict[str, list[str]]):
    """The hosts of each group. What patterns mean is kept.

    Expressions get it as it is, because Ansible does not know the type; of a plain dict it copies all hosts of a group at each use.
    """

    def __init__(self, groups: _Inventory) -> None:
        super().__init__({name: list(hosts) for name, hosts in groups.items()})
        self.resolved: dict[str, dict[str, None]] = {}


def hosts_of(pattern: str, groups: _Inventory) -> t.KeysView[str]:
    """Return the hosts of a pattern such as ``control`` or ``network:compute``, each once, in inventory order; quick to search.

    Raises:
        KeyError: with the name of a group that the inventory does not have.
    """
    resolved = groups.resolved if isinstance(groups, Groups) else {}
    if pattern not in resolved:
        resolved[pattern] = dict.fromkeys(itertools.chain.from_iterable(groups[name] for name in pattern.split(":")))
    return resolved[pattern].keys()


def known_hosts_of(pattern: str, groups: _Inventory) -> list[str]:
    """Return what :func:`hosts_of` does; a group that the inventory does not have counts as empty."""
    known = [name for name in pattern.split(":") if name in groups]
    return list(hosts_of(":".join(known), groups)) if known else []
