# SPDX-License-Identifier: Apache-2.0
"""Addresses on which hosts serve."""

from __future__ import annotations

import typing as t


def address(host: str, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    """Return the ``cloud_address`` of a host, its ``ansible_host`` or its name, whichever the inventory has first."""
    known = hostvars[host]
    return str(known.get("cloud_address") or known.get("ansible_host") or host)


class Addresses(t.Mapping[str, str]):
    """Addresses by host, each looked up when it is needed: the variables of thousands of hosts take long to read."""

    def __init__(self, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
        self._hostvars = hostvars
        self._known: dict[str, str] = {}

    def __getitem__(self, host: str) -> str:
        if host not in self._known:
            self._known[host] = address(host, self._hostvars)
        return self._known[host]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)
