# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""An operator's certificate as HAProxy reads it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: served_certificate
short_description: An operator's certificate as HAProxy reads it
version_added: 0.1.0
author: The caisson authors (@caisson)
description:
  - Returns certificate, chain and key as one PEM text.
  - Fails if clients would refuse the certificate. This is found out by a TLS handshake in memory, so all rules of OpenSSL
    hold, those of Python 3.13 and later (C(VERIFY_X509_STRICT)) among them.
options:
  _input:
    description: PEM text of the certificate; those of its chain may follow.
    type: str
    required: true
  key:
    description: PEM text of the private key, without a passphrase.
    type: str
    required: true
  chain:
    description: PEM text of the certificates between it and the CA.
    type: str
    default: ''
  authority:
    description: PEM text of the CA certificates that clients trust.
    type: str
    required: true
  hosts:
    description: Names and addresses that clients use.
    type: list
    elements: str
    required: true
  prefix:
    description: With which the names of the variables begin that name the files; messages name them.
    type: str
    default: cloud_tls
"""

EXAMPLES = r"""
- name: Look whether a certificate can serve
  ansible.builtin.set_fact:
    example_pem: >-
      {{ lookup('ansible.builtin.file', 'api.crt')
         | caisson.openstack.served_certificate(key=lookup('ansible.builtin.file', 'api.key'),
                                                authority=lookup('ansible.builtin.file', 'ca.crt'), hosts=['api.example.org']) }}
"""

RETURN = r"""
_value:
  description: PEM text.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates


def served_certificate(certificate: str, key: str, authority: str, hosts: list[str], chain: str = "", prefix: str = "cloud_tls") -> str:
    """Return certificate, chain and key as one text, after looking whether clients accept them."""
    try:
        return certificates.served(certificate, key, chain, authority, hosts, prefix)
    except certificates.CertificateError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Names the filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"served_certificate": served_certificate}
