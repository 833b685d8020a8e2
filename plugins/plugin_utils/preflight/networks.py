# SPDX-License-Identifier: Apache-2.0
"""Arithmetic of many IPv4 addresses and networks: overlaps, and which addresses are inside which ranges. Pure.

The standard library parses the texts, because it is stricter than netaddr, which takes ``10/8`` or ``192.0.2.0/+24`` in some versions.
"""

from __future__ import annotations

import bisect
import functools
import ipaddress
import typing as t

try:
    import netaddr

    LIBRARY_ERROR = ""
except ImportError as import_error:
    LIBRARY_ERROR = f"the controller lacks a Python library (pip install netaddr): {import_error}"

#: A network, or the addresses from a first to a last one.
Range = t.Union["netaddr.IPNetwork", "netaddr.IPRange"]


def address(value: t.Any) -> netaddr.IPAddress | None:
    """Return an IPv4 address, or None if *value* is none."""
    return _address(str(value))


def interface(value: t.Any) -> netaddr.IPNetwork | None:
    """Return an IPv4 address with the prefix length of its network, 32 if it has none, or None if *value* is no such thing."""
    return _interface(str(value))


# several checks read the same text, which many hosts may have
@functools.cache
def _address(text: str) -> netaddr.IPAddress | None:
    try:
        return netaddr.IPAddress(int(ipaddress.IPv4Address(text)), version=4)
    except ValueError:
        return None


@functools.cache
def _interface(text: str) -> netaddr.IPNetwork | None:
    try:
        found = ipaddress.IPv4Interface(text)
    except ValueError:
        return None
    return netaddr.IPNetwork((int(found), found.network.prefixlen), version=4)


def network(value: t.Any) -> netaddr.IPNetwork | None:
    """Return an IPv4 network, or None if *value* is none or has bits set behind its prefix."""
    found = interface(value)
    return found if found is not None and found.ip == found.network else None


def between(first: netaddr.IPAddress, last: netaddr.IPAddress) -> netaddr.IPRange:
    """Return the addresses from *first* to *last*, which must not come before it."""
    return netaddr.IPRange(first, last)


def overlaps(networks: t.Iterable[netaddr.IPNetwork]) -> dict[netaddr.IPNetwork, list[netaddr.IPNetwork]]:
    """Return the smaller networks inside each network that is inside no other; one without any is left out.

    Two networks are either separate or one is inside the other, so it is enough to look at them in the order of their addresses.
    """
    found: dict[netaddr.IPNetwork, list[netaddr.IPNetwork]] = {}
    outer: netaddr.IPNetwork | None = None
    # of networks with the same first address, the largest comes first
    for item in sorted({item.cidr for item in networks}):
        if outer is not None and item.last <= outer.last:
            found.setdefault(outer, []).append(item)
        else:
            outer = item
    return found


def members(ranges: t.Iterable[Range], addresses: t.Iterable[netaddr.IPAddress]) -> dict[Range, list[netaddr.IPAddress]]:
    """Return the *addresses* that are inside each of *ranges*, in their order; a range without any is left out."""
    ordered = sorted(set(addresses))
    values = [int(item) for item in ordered]
    found = {item: ordered[bisect.bisect_left(values, item.first) : bisect.bisect_right(values, item.last)] for item in set(ranges)}
    return {item: inside for item, inside in found.items() if inside}
