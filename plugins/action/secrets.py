# SPDX-License-Identifier: Apache-2.0
"""Keep the secrets of a cloud in one file of the controller."""

from __future__ import annotations

import os
import pathlib
import tempfile
import typing as t

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import VaultLib
from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.module_utils import roles, schema, secret_store

_KEY = "cloud_secrets"


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return all secrets, after making those that are missing; see the documentation of the module."""
        super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            argument_spec={
                "file": {"type": "path", "required": True},
                "rotate": {"type": "list", "elements": "str", "default": []},
            }
        )
        path = pathlib.Path(args["file"])
        requirements = self._requirements(dict(task_vars or {}))
        unknown = sorted(set(args["rotate"]) - {item.name for item in requirements})
        if unknown:
            raise AnsibleActionFail(f"cannot rotate {', '.join(unknown)}: no role of this play needs a secret of that name")
        document, encrypted = self._read(path)
        values, added, replaced = secret_store.complete(document.get(_KEY) or {}, requirements, args["rotate"])
        names = "".join(f"{name}\n" for name in sorted(document.get(_KEY) or {}))
        changed = bool(added or replaced)
        if changed and not self._task.check_mode:
            self._write(path, {**document, _KEY: values}, encrypted)
        return {
            "_ansible_no_log": True,
            "changed": changed,
            "secrets": values,
            "generated": added,
            "rotated": replaced,
            "diff": {"before": names, "after": "".join(f"{name}{' (rotated)' if name in replaced else ''}\n" for name in sorted(values))},
        }

    def _requirements(self, variables: dict[str, t.Any]) -> list[secret_store.Requirement]:
        """Return what the lists ``<role>_required_secrets`` of the play's roles ask for."""
        found = []
        for name in roles.in_play(self._task.get_play()):
            items = roles.template(self._templar, variables.get(f"{name}_required_secrets", []), variables)
            found += [schema.load(secret_store.Requirement, item, f"{name}_required_secrets") for item in items]
        return found

    def _read(self, path: pathlib.Path) -> tuple[dict[str, t.Any], bool]:
        """Return the content of the file, and whether ansible-vault encrypted it."""
        if not path.exists():
            return {}, False
        try:
            encrypted = path.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT")
            document = roles.plain(self._loader.load_from_file(str(path), cache="none", unsafe=True)) or {}
        except AnsibleError as error:
            raise AnsibleActionFail(f"cannot read the secrets in {path}; nothing was changed: {' '.join(str(error).split())}") from error
        if not isinstance(document, dict) or not isinstance(document.get(_KEY, {}), dict):
            raise AnsibleActionFail(f"{path} must hold a mapping '{_KEY}' of names and values; nothing was changed")
        return document, encrypted

    def _write(self, path: pathlib.Path, document: dict[str, t.Any], encrypted: bool) -> None:
        """Replace the file in one step, readable by its owner only, encrypted if it was."""
        header = "# Made by caisson.openstack. Keep it: it cannot be made again. ansible-vault encrypt works on it.\n"
        text = header + yaml.safe_dump(_exact(document), sort_keys=True)
        if encrypted:
            text = VaultLib(secrets=self._loader._vault.secrets).encrypt(text).decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                os.fchmod(stream.fileno(), 0o600)
            pathlib.Path(scratch).replace(path)
        except BaseException:
            pathlib.Path(scratch).unlink(missing_ok=True)
            raise


def _exact(value: t.Any) -> t.Any:
    """Return plain scalars in the place of Ansible's tagged ones, which a safe dumper refuses."""
    if isinstance(value, dict):
        return {str.__str__(key): _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return str.__str__(value) if isinstance(value, str) else value
