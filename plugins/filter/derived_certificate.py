# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""The certificate of a host, derived from an authority."""

from __future__ import annotations

DOCUMENTATION = r"""
name: derived_certificate
short_description: The certificate of a host, derived from an authority
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns the certificate of a host as server and client, and its key, as one PEM text. The same input yields the same text.
options:
  _input:
    description: PEM text of an authority in C(<role>_required_certificates) without C(name).
    type: str
    required: true
  hosts:
    description: Names and addresses of the host.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Write the certificate of this host
  ansible.builtin.copy:
    content: "{{ cloud_secrets.hello_authority | caisson.openstack.derived_certificate(hosts=[cloud_address]) }}"
    dest: /etc/hello.pem
    mode: "0600"
"""

RETURN = r"""
_value:
  description: PEM text.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates


def derived_certificate(authority: str, hosts: list[str]) -> str:
    """Return the certificate of a host and its key."""
    try:
        return certificates.derive_certificate(authority, hosts)
    except certificates.CertificateError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"derived_certificate": derived_certificate}
