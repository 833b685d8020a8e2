# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Host of a URL."""

from __future__ import annotations

DOCUMENTATION = r"""
name: url_host
short_description: Host of a URL
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the name or address of a host as it is written in a URL or before a colon and a port. An IPv6 address gets brackets.
options:
  _input:
    description: Name or address of the host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the host serves
  ansible.builtin.debug:
    msg: "http://{{ '2001:db8::11' | caisson.openstack.url_host }}:8774/"
"""

RETURN = r"""
_value:
  description: The name or address, in brackets if it is an IPv6 address.
  type: str
  sample: "[2001:db8::11]"
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import urls


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"url_host": urls.url_host}
