#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Make a key for backups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_key
short_description: Make a key for backups
version_added: 0.1.0
description:
  - Asks C(age-keygen) in a one-shot container of the client image. The task that uses it needs C(no_log).
author: The caisson authors (@caisson)
options:
  image:
    description: Reference of the client image.
    type: str
    required: true
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud]
attributes:
  check_mode: {support: full, description: Creates no key.}
  diff_mode: {support: none, description: The result is a secret.}
"""

EXAMPLES = r"""
- name: Create a backup key
  caisson.openstack.backup_key:
    image: caisson/client:2026.1-0a1b2c3d
    cloud: example
  register: key
  no_log: true
"""

RETURN = r"""
identity: {description: Text of a key file., type: str, returned: when not in check mode}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.engine import arguments
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            **arguments.ENGINE,
            **arguments.CLOUD,
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        identity = encryption.new_identity(Engine(connect(params)), params["image"], params["cloud"])
    except (BackupError, EngineError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, identity=identity)


if __name__ == "__main__":
    main()
