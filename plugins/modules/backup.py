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
  - Takes the data of the host's containers while they run, seals each part (zstd, then age), opens every part again to see
    that it holds what was read, and writes a signed manifest. Then the backup gets its name, and old ones go.
  - A run that is cut off leaves no backup under the final name; what it left is removed by the next one.
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
    description: All hosts that have data, to tell at a restore that one is missing.
    type: list
    elements: str
    required: true
  host:
    description: Name of this host in the inventory.
    type: str
    required: true
  release:
    description: OpenStack release of the cloud.
    type: str
    required: true
  keep:
    description: How many backups stay.
    type: int
    default: 7
extends_documentation_fragment: [caisson.openstack.engine, caisson.openstack.sealing]
attributes:
  check_mode: {support: full, description: Says what would be taken and which backups would go.}
  diff_mode: {support: full, description: Shows the backups of the host before and after.}
"""

EXAMPLES = r"""
- name: Back up the data of the host
  caisson.openstack.backup:
    name: example-20260102T030405Z
    directory: /var/lib/caisson/backups
    parts: "{{ host_model.backups }}"
    hosts: [control1]
    host: control1
    cloud: example
    release: '2026.1'
    image: caisson/toolbox:2026.1-0a1b2c3d
    identity: "{{ lookup('ansible.builtin.unvault', 'backup_key.txt') }}"
"""

RETURN = r"""
path: {description: Directory of the backup., type: str, returned: always}
files: {description: Names of its files., type: list, elements: str, returned: always}
size: {description: Bytes that it takes., type: int, returned: when not in check mode}
removed: {description: Backups that were too many., type: list, elements: str, returned: always}
"""

import base64
import contextlib
import datetime
import fcntl
import functools
import os
import pathlib
import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.caisson.openstack.plugins.module_utils.backup import encryption
from ansible_collections.caisson.openstack.plugins.module_utils.backup import manifest as backups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.encryption import Sealer
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError
from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine.attach import Sink
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError, connect
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import BackupSpec


@contextlib.contextmanager
def _alone(directory: pathlib.Path) -> t.Iterator[None]:
    """Make the directory and keep other backups away from it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(f"another backup is being made in {directory}; wait for it") from None
    finally:
        os.close(descriptor)


def _sizes(engine: Engine, parts: list[BackupSpec]) -> int:
    """Return how many bytes the data take now, after looking that their containers run."""
    total = 0
    for part in parts:
        name = part.container.name
        state = engine.container(name)
        if state is None or not state.running:
            raise BackupError(f"{part.name}: container {name} does not run on this host, and its data can only be taken while it does")
        shown = engine.exec(name, ["sh", "-c", 'du -sk "$0" 2>/dev/null', part.path]).stdout.split()
        if not shown:
            raise BackupError(f"{part.name}: container {name} has no {part.path}")
        total += int(shown[0]) * 1024
    return total


class _Backup:
    """One backup, from its unfinished directory to its name."""

    def __init__(self, engine: Engine, params: dict[str, t.Any], parts: list[BackupSpec]) -> None:
        self._engine = engine
        self._params = params
        self._parts = parts
        directory = pathlib.Path(params["directory"])
        self.path = directory / params["name"]
        self._scratch = directory / f"{params['name']}{backups.UNFINISHED}"

    def make(self) -> int:
        """Make it and return its size in bytes."""
        for left in self._scratch.parent.glob(f"*{backups.UNFINISHED}"):
            shutil.rmtree(left)
        self._scratch.mkdir(mode=0o700)
        try:
            manifest = self._fill()
            for path in self._scratch.iterdir():
                _to_disk(path)
            _to_disk(self._scratch)
            self._scratch.rename(self.path)
            _to_disk(self.path.parent)
        except BaseException:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise
        return sum(part.size for part in manifest.parts)

    def _fill(self) -> backups.Manifest:
        params = self._params
        sealer = Sealer(self._engine, params["image"], params["cloud"], params["identity"], self._scratch, params["timeout"])
        manifest = backups.Manifest(
            cloud=params["cloud"],
            release=params["release"],
            host=params["host"],
            hosts=params["hosts"],
            time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            parts=[],
        )
        if params["secrets"]:
            manifest.parts.append(sealer.seal_bytes(backups.SECRETS, base64.b64decode(params["secrets"])))
        for part in self._parts:
            sealed = sealer.seal(part.name, functools.partial(self._read, part))
            sealed.image, sealed.volumes = part.container.image, part.volumes
            manifest.parts.append(sealed)
        for sealed in manifest.parts:
            sealer.verify(sealed)
        path = self._scratch / backups.MANIFEST
        path.touch(mode=0o600)
        path.write_text(backups.dump(manifest, sealer.keys[0]), encoding="utf-8")
        return manifest

    def _read(self, part: BackupSpec, sink: Sink) -> None:
        result = self._engine.exec(part.container.name, part.command, timeout=self._params["timeout"], sink=sink)
        encryption.succeed(f"read {part.name} in container {part.container.name}", result)


def _to_disk(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    directory = pathlib.Path(params["directory"])
    parts = [dataclass_spec.load(BackupSpec, item, "parts") for item in params["parts"]]
    engine = Engine(connect(params["engine_url"]))
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    backups.check_space(_sizes(engine, parts), shutil.disk_usage(existing).free, str(directory))
    before = backups.finished(directory, params["cloud"])
    if params["name"] in before:
        raise BackupError(f"{directory / params['name']} exists already")
    removed = backups.surplus([*before, params["name"]], params["keep"])
    backup = _Backup(engine, params, parts)
    names = [*([backups.SECRETS] if params["secrets"] else []), *(part.name for part in parts)]
    after = [name for name in [*before, params["name"]] if name not in removed]
    result = {
        "changed": True,
        "path": str(backup.path),
        "files": [backups.MANIFEST, *map(backups.sealed_name, names)],
        "removed": removed,
        "diff": {"before": "".join(f"{name}\n" for name in before), "after": "".join(f"{name}\n" for name in after)},
    }
    if not module.check_mode:
        with _alone(directory):
            result["size"] = backup.make()
            for name in removed:
                try:
                    shutil.rmtree(directory / name)
                except OSError as error:
                    module.warn(f"a backup that is too old stays: {error}")
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "parts": {"type": "list", "elements": "dict", "required": True},
            "secrets": {"type": "str", "default": "", "no_log": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
            "host": {"type": "str", "required": True},
            "release": {"type": "str", "required": True},
            "keep": {"type": "int", "default": 7},
            **encryption.ARGUMENT_SPEC,
        },
        supports_check_mode=True,
    )
    if module.params["keep"] < 1:
        module.fail_json(msg="keep must be at least 1 (backup_keep)")
    try:
        result = _run(module)
    except (BackupError, EngineError, dataclass_spec.SchemaError, OSError) as error:
        module.fail_json(msg=f"no backup was made, earlier ones are as they were: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
