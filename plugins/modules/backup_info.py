#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Verify a backup, and say what is in it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: Verify a backup, and say what is in it
version_added: 0.1.0
description:
  - Looks at the manifest's signature, at the digest of each file, and opens each part to its last byte.
  - Refuses a backup that is damaged, of another cloud or host, or of a newer release. Says whether the host has room for it.
author: The caisson authors (@caisson)
options:
  content:
    description: Whether to return the file of secrets instead of verifying; the task then needs C(no_log).
    type: bool
    default: false
extends_documentation_fragment:
  - caisson.openstack.engine
  - caisson.openstack.cloud
  - caisson.openstack.encryption
  - caisson.openstack.encryption.host
attributes:
  check_mode: {support: full, description: Never changes anything.}
"""

EXAMPLES = r"""
- name: Verify the backup
  caisson.openstack.backup_info:
    directory: /var/lib/caisson/backups/example-20260102T030405Z
    host: control1
    cloud: example
    release: '2026.1'
    image: caisson/client:2026.1-0a1b2c3d
    identity: "{{ lookup('ansible.builtin.unvault', 'backup_key.txt') }}"
"""

RETURN = r"""
manifest: {description: What the backup holds., type: dict, returned: always}
occupied:
  description: Containers of the cloud and volumes of the backup that the host has already.
  type: list
  elements: str
  returned: always
secrets: {description: 'Content of the file of secrets, if the backup has it.', type: str, returned: when asked for}
"""

import dataclasses
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup import manifest as backups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Encryptor
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec


def _run(params: dict[str, t.Any]) -> dict[str, t.Any]:
    engine = Engine(connect(params))
    path = pathlib.Path(params["directory"])
    encryptor = Encryptor(engine, params["image"], params["cloud"], params["identity"], path, params["timeout"])
    manifest = encryptor.manifest()
    reasons = backups.misfits(manifest, params["cloud"], params["release"], params["host"])
    if reasons:
        raise BackupError(f"{path}: {'; '.join(reasons)}")
    volumes = dict.fromkeys(name for part in manifest.parts for name in part.volumes)
    containers = engine.containers([f"{spec.LABEL_CLOUD}={params['cloud']}", spec.LABEL_CONTAINER])
    occupied = [*(f"container {name}" for name in sorted(containers)), *(f"volume {name}" for name in engine.volumes(volumes))]
    result = {"manifest": dataclasses.asdict(manifest), "occupied": occupied}
    if params["content"]:
        part = manifest.part(backups.SECRETS)
        return {**result, "secrets": encryptor.read(part).decode() if part else ""}
    for part in manifest.parts:
        encryptor.verify(part)
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "content": {"type": "bool", "default": False},
            **encryption.ARGUMENT_SPEC,
            **encryption.HOST_SPEC,
        },
        supports_check_mode=True,
    )
    try:
        result = _run(module.params)
    except (BackupError, EngineError) as error:
        module.fail_json(msg=f"nothing was restored: {error}")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
