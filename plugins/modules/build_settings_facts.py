#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""How a build host reaches packages."""

from __future__ import annotations

DOCUMENTATION = r"""
module: build_settings_facts
short_description: How a build host reaches packages
version_added: 0.1.0
description:
  - Reads apt's sources, pip's configuration and the CA bundle of the host, as defaults for the build of images.
author: The caisson authors (@caisson)
options: {}
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Gather the package sources and proxies of the build host
  caisson.openstack.build_settings_facts:
"""

RETURN = r"""
ansible_facts:
  description: Facts of the host.
  returned: always
  type: dict
  contains:
    cloud_build_settings:
      description: Debian archive, security archive, Python package index (empty for pip's own) and CA bundle.
      returned: always
      type: dict
      sample: {apt_mirror: 'http://deb.debian.org/debian', python_index: '', ca_bundle: /etc/ssl/certs/ca-certificates.crt}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.images import build_settings


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(ansible_facts={"cloud_build_settings": build_settings.read()})


if __name__ == "__main__":
    main()
