# SPDX-License-Identifier: Apache-2.0
"""Addresses on which hosts serve."""

from __future__ import annotations

import contextlib
import contextvars
import typing as t

_Hostvars = t.Mapping[str, t.Mapping[str, t.Any]]

_known: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar("addresses", default=None)


@contextlib.contextmanager
def remembered() -> t.Iterator[None]:
    """Look up the address of each host once while the context lasts: the variables of thousands of hosts take long to read."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def address(host: str, hostvars: _Hostvars) -> str:
    """Return the ``cloud_address`` of a host, its ``ansible_host`` or its name, whichever the inventory has first."""
    known = _known.get()
    if known is None:
        return _address(host, hostvars)
    if host not in known:
        known[host] = _address(host, hostvars)
    return known[host]


def _address(host: str, hostvars: _Hostvars) -> str:
    values = hostvars[host]
    return str(values.get("cloud_address") or values.get("ansible_host") or host)


class Addresses(t.Mapping[str, str]):
    """Addresses by host, each looked up when it is needed."""

    def __init__(self, hostvars: _Hostvars) -> None:
        self._hostvars = hostvars

    def __getitem__(self, host: str) -> str:
        return address(host, self._hostvars)

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)
