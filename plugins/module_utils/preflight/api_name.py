# SPDX-License-Identifier: Apache-2.0
"""The name by which clients use the APIs: what may be one, and whether a machine finds the load balancer by it."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import socket
import typing as t

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_EXAMPLE = "use a name such as cloud.example.org"


@dataclasses.dataclass(frozen=True)
class ApiName:
    """A name in the URLs of the APIs and the address behind it, each with the variable that says so."""

    name: str
    address: str
    setting: str = "cloud_api_fqdn"
    address_setting: str = "cloud_api_address"


def check(asked: ApiName) -> str:
    """Return why a name cannot be the host in a URL and in a certificate, or nothing."""
    if _is_address(asked.name):
        return f"'{asked.name}' is an address; set {asked.address_setting} to it and leave this empty, or {_EXAMPLE}"
    return _check_name(asked.name)


def check_hosts(hosts: t.Iterable[t.Any]) -> list[str]:
    """Return what is wrong with *hosts*, names and addresses that a certificate is to be for."""
    return [error for host in hosts if not _is_address(host) and (error := _check_name(str(host)))]


def _check_name(name: str) -> str:
    labels = name.split(".")
    if not name.isascii():
        try:
            return f"'{name}' has letters that certificates and DNS encode differently; use {name.encode('idna').decode()}"
        except UnicodeError:
            return f"'{name}' is not a host name; {_EXAMPLE}"
    if "://" in name or "/" in name or ":" in name:
        return f"'{name}' must be a name alone, without scheme, port and path; {_EXAMPLE}"
    if "*" in name:
        return f"'{name}' is a wildcard, which no client can ask for; {_EXAMPLE}"
    if name.endswith("."):
        return f"'{name}' ends with a dot, which no certificate has; use {name.rstrip('.') or 'a name'}"
    if "_" in name:
        return f"'{name}' has an underscore, which names of hosts must not have; use a hyphen"
    if len(name) > 253 or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        return f"'{name}' is not a host name: letters, digits and hyphens between dots, up to 63 characters each; {_EXAMPLE}"
    return ""


def resolve(name: str) -> list[str]:
    """Return the addresses that this machine finds for *name*, by its hosts file or DNS."""
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return []


def misled(asked: ApiName, found: t.Sequence[str], who: str) -> str:
    """Return why clients on a machine would not come to the load balancer, or nothing.

    Args:
        found: what the name resolves to on the machine.
        who: what the operator calls the machine.
    """
    if list(found) == [asked.address]:
        return ""
    what = f"resolves it to {' and '.join(found)}" if found else "does not resolve it"
    where = f"{asked.address_setting}, {asked.address}"
    return f"'{asked.name}' must resolve to {where}, and to nothing else, but {who} {what}; correct DNS or /etc/hosts there"


def _is_address(value: t.Any) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True
