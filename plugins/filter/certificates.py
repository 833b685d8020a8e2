# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Certificates without their keys."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificates
short_description: Certificates without their keys
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the certificates in a PEM text, without private keys and remarks.
options:
  _input:
    description: PEM text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what clients trust
  ansible.builtin.debug:
    msg: "{{ cloud_secrets.cloud_authority | caisson.openstack.certificates }}"
"""

RETURN = r"""
_value:
  description: PEM text.
  type: str
"""

import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"certificates": certificates.only}
