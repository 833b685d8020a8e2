# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""The external network of a host's bridge."""

from __future__ import annotations

DOCUMENTATION = r"""
name: external_network
short_description: The external network of a host's bridge
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Derives the range of floating addresses, its gateway and a pool of addresses from the address of the host on its bridge.
requirements: [netaddr]
options:
  _input:
    description: Address with its prefix length; C(198.51.100.1/24) if it is empty.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the gateway
  ansible.builtin.debug:
    msg: "{{ ('203.0.113.1/24' | caisson.openstack.external_network).gateway }}"
"""

RETURN = r"""
_value:
  description: C(cidr), C(gateway) and C(pool), which holds the first and the last address.
  type: dict
  sample: {cidr: 203.0.113.0/24, gateway: 203.0.113.1, pool: [203.0.113.100, 203.0.113.199]}
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import addressing, networks


def external_network(address: str) -> dict[str, t.Any]:
    """Return the external network of a host with *address* on its bridge.

    Raises:
        AnsibleFilterError: if that is no address with its prefix length, or the controller lacks netaddr.
    """
    if networks.LIBRARY_ERROR:
        raise AnsibleFilterError(networks.LIBRARY_ERROR)
    try:
        return addressing.outside(address)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"external_network": external_network}
