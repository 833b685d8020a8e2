#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
# At your choice: Apache License 2.0, or GNU General Public License v3.0 or later.
"""Put the data of one host back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Put the data of one host back
version_added: 0.1.0
description:
  - Opens each part of a backup into the one-shot container that its definition names, which has the volumes and the
    configuration of the service's own container. What was in the place of the data is replaced.
  - No container that uses the data may run. M(caisson.openstack.backup_info) is to verify the backup before.
author: The caisson authors (@caisson)
options:
  parts:
    description: Data of this host, as the model lists them. What of this is not in the backup stays as it is.
    type: list
    elements: dict
    required: true
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.cloud, caisson.openstack.encryption]
attributes:
  check_mode: {support: full, description: Says what would be restored.}
  diff_mode: {support: full, description: Names the parts.}
"""

EXAMPLES = r"""
- name: Restore the data
  caisson.openstack.restore:
    directory: /var/lib/caisson/backups/example-20260102T030405Z
    parts: "{{ host_model.parts | caisson.openstack.model_part('backups') }}"
    cloud: example
    image: caisson/client:2026.1-0a1b2c3d
    identity: "{{ lookup('ansible.builtin.unvault', 'backup_key.txt') }}"
"""

RETURN = r"""
restored: {description: Names of the parts that were restored., type: list, elements: str, returned: always}
missing:
  description: Data of the host that the backup does not have, such as those of a newer service.
  type: list
  elements: str
  returned: always
"""

import pathlib
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup import manifest as backups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Encryptor
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError, Manifest
from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec


def _check(engine: Engine, manifest: Manifest, parts: list[BackupSpec]) -> None:
    """Refuse what must not be begun."""
    known = {part.name for part in parts} | {backups.SECRETS}
    unknown = [part.name for part in manifest.parts if part.name not in known]
    if unknown:
        raise BackupError(f"no service of this host restores {', '.join(unknown)}; enable the one that does, it can be removed later")
    running = [part.container.name for part in parts if (state := engine.container(part.container.name)) and state.running]
    if running:
        raise BackupError(f"{', '.join(running)} must not run; stop the cloud first (playbook stop)")


def _restore(engine: Engine, encryptor: Encryptor, manifest: Manifest, spec: BackupSpec, params: dict[str, t.Any]) -> None:
    part = manifest.part(spec.name)
    if part is None:
        return

    def write(pieces: t.Iterator[bytes]) -> None:
        result = encryption.run_once(engine, spec.restorer(), params["cloud"], pieces, params["timeout"])
        encryption.succeed(f"restore {spec.name}", result)

    encryption.pipe(lambda sink: encryptor.open(part, sink), write)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "parts": {"type": "list", "elements": "dict", "required": True},
            **encryption.ARGUMENT_SPEC,
        },
        supports_check_mode=True,
    )
    params = module.params
    restored: list[str] = []
    try:
        engine = Engine(connect(params))
        specs = [dataclass_spec.load(BackupSpec, item, "parts") for item in params["parts"]]
        path = pathlib.Path(params["directory"])
        encryptor = Encryptor(engine, params["image"], params["cloud"], params["identity"], path, params["timeout"])
        manifest = encryptor.manifest()
        if not module.check_mode:
            _check(engine, manifest, specs)
        chosen = [item for item in specs if manifest.part(item.name)]
        for item in chosen:
            if not module.check_mode:
                _restore(engine, encryptor, manifest, item, params)
            restored.append(item.name)
    except (BackupError, EngineError, dataclass_spec.SchemaError, OSError) as error:
        done = f"restored: {', '.join(restored) or 'nothing'}; do not start the cloud before all parts are restored"
        module.fail_json(msg=f"{error} ({done})", restored=restored)
    module.exit_json(
        changed=bool(restored),
        restored=restored,
        missing=[item.name for item in specs if item not in chosen],
        diff={"before": "", "after": "".join(f"{name} as in {path.name}\n" for name in restored)},
    )


if __name__ == "__main__":
    main()
