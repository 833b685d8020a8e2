#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Back up the data of one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Back up the data of one host
version_added: 0.1.0
description:
  - Takes the data of the host's containers while they run, encrypts each part (zstd, then age), opens every part again to see
    that it holds what was read, and writes a signed manifest. Then the backup gets its name, and old ones go.
  - An interrupted run leaves no backup under the final name; the next run removes its files.
author: The caisson authors (@caisson)
options:
  name:
    description: Name of the backup, the cloud's followed by a time as in C(caisson-20260102T030405Z).
    type: str
    required: true
  parts:
    description: Data of this host, as the model lists them.
    type: list
    elements: dict
    required: true
  secrets:
    description: Content of the controller's file of secrets in base64; empty if another host's backup has it.
    type: str
    default: ''
  hosts:
    description: All hosts that have data, so that a restore detects a missing one.
    type: list
    elements: str
    required: true
  keep:
    description: How many backups stay.
    type: int
    default: 7
extends_documentation_fragment:
  - caisson.openstack.engine
  - caisson.openstack.cloud
  - caisson.openstack.encryption
  - caisson.openstack.encryption.host
attributes:
  check_mode: {support: full, description: Says what would be taken and which backups would go.}
  diff_mode: {support: full, description: Shows the backups of the host before and after.}
"""

EXAMPLES = r"""
- name: Back up the data of the host
  caisson.openstack.backup:
    name: example-20260102T030405Z
    directory: /var/lib/caisson/backups
    parts: "{{ host_model.parts | caisson.openstack.model_part('backups') }}"
    hosts: [control1]
    host: control1
    cloud: example
    release: '2026.1'
    image: caisson/client:2026.1-0a1b2c3d
    identity: "{{ lookup('ansible.builtin.unvault', 'backup_key.txt') }}"
"""

RETURN = r"""
path: {description: Directory of the backup., type: str, returned: always}
files: {description: Names of its files., type: list, elements: str, returned: always}
size: {description: Bytes that it takes., type: int, returned: when not in check mode}
removed: {description: Old backups that were removed., type: list, elements: str, returned: always}
"""

import base64
import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup.creation import BackupRequest, HostBackups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Encryptor
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec


def _lines(names: t.Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def _run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    directory = pathlib.Path(params["directory"])
    engine = Engine(connect(params))
    request = BackupRequest(
        parts=[dataclass_spec.load(BackupSpec, item, "parts") for item in params["parts"]],
        secrets=base64.b64decode(params["secrets"]),
        **{name: params[name] for name in ("name", "cloud", "release", "host", "hosts", "keep")},
    )

    def encryptor(scratch: pathlib.Path) -> Encryptor:
        return Encryptor(engine, params["image"], params["cloud"], params["identity"], scratch, params["timeout"])

    host = HostBackups(engine, directory, encryptor, params["timeout"])
    plan = host.plan(request)
    result = {
        "changed": True,
        "path": str(directory / request.name),
        "files": plan.files,
        "removed": plan.removed,
        "diff": {"before": _lines(plan.before), "after": _lines(plan.after)},
    }
    if not module.check_mode:
        result["size"] = host.make(request)
        for error in host.remove(plan.removed):
            module.warn(error)
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "parts": {"type": "list", "elements": "dict", "required": True},
            "secrets": {"type": "str", "default": "", "no_log": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
            "keep": {"type": "int", "default": 7},
            **encryption.ARGUMENT_SPEC,
            **encryption.HOST_SPEC,
        },
        supports_check_mode=True,
    )
    if module.params["keep"] < 1:
        module.fail_json(msg="keep must be at least 1 (backup_keep)")
    try:
        result = _run(module)
    except (BackupError, EngineError, dataclass_spec.SchemaError, OSError) as error:
        module.fail_json(msg=f"no backup was made, earlier backups are unchanged: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
