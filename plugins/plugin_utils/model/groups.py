# SPDX-License-Identifier: Apache-2.0
"""Groups of an inventory that may have thousands of hosts. Pure."""

from __future__ import annotations

import itertools
import re
import typing as t

_Inventory = t.Mapping[str, t.Sequence[str]]
#: A group, and which of its hosts alone is meant, as in ``control[0]``.
_PART = re.compile(r"(?P<name>.+?)(\[(?P<number>\d+)\])?")


class Groups(dict[str, list[str]]):
    """The hosts of each group. What patterns mean is kept.

    Expressions get it as it is, because Ansible does not know the type; of a plain dict it copies all hosts of a group at each use.
    """

    def __init__(self, groups: _Inventory) -> None:
        super().__init__({name: list(hosts) for name, hosts in groups.items()})
        self.resolved: dict[str, dict[str, None]] = {}


def names(pattern: str) -> list[str]:
    """Return the names of the groups in a pattern."""
    return [name for name, _number in _parts(pattern)]


def _parts(pattern: str) -> t.Iterator[tuple[str, int | None]]:
    """Yield each group of a pattern, and which of its hosts alone is meant."""
    for part in pattern.split(":"):
        found = _PART.fullmatch(part)
        yield (found["name"], int(found["number"]) if found["number"] else None) if found else (part, None)


def _part(hosts: t.Sequence[str], number: int | None) -> t.Sequence[str]:
    return hosts if number is None else hosts[number : number + 1]


def hosts_of(pattern: str, groups: _Inventory) -> t.KeysView[str]:
    """Return the hosts of a pattern such as ``control``, ``network:compute`` or ``control[0]``, each once; quick to search.

    They are in the order of the inventory; ``control[0]`` is the first host of the group, as in patterns of Ansible.

    Raises:
        KeyError: with the name of a group that the inventory does not have.
    """
    resolved = groups.resolved if isinstance(groups, Groups) else {}
    if pattern not in resolved:
        resolved[pattern] = dict.fromkeys(itertools.chain.from_iterable(_part(groups[name], number) for name, number in _parts(pattern)))
    return resolved[pattern].keys()


def known_hosts_of(pattern: str, groups: _Inventory) -> list[str]:
    """Return what :func:`hosts_of` does; a group that the inventory does not have counts as empty."""
    known = [part for part in pattern.split(":") if names(part)[0] in groups]
    return list(hosts_of(":".join(known), groups)) if known else []
