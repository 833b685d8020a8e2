# SPDX-License-Identifier: Apache-2.0
"""Parts of URLs. Pure."""

from __future__ import annotations

import ipaddress


def url_host(host: str) -> str:
    """Return the name or address of a host as it stands in a URL or before a port: IPv6 in brackets (RFC 3986, 3.2.2)."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:  # a name, or nothing
        return host
    return f"[{host}]" if version == 6 else host
