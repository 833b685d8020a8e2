# SPDX-License-Identifier: Apache-2.0
"""Keep the secrets of a cloud in one file of the controller."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted
from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.module_utils import private_file, roles, schema, secret_file, secret_store


@dataclasses.dataclass(frozen=True)
class _Source:
    """The file as it is; *vault* is the id and the secret that open it, if ansible-vault encrypted it."""

    text: str = ""
    values: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    vault: tuple[t.Any, t.Any] | None = None
    mode: int = private_file.MODE


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _requires_connection = False
    _supports_check_mode = True

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
        try:
            requirements = self._requirements(dict(task_vars or {}))
            unknown = sorted(set(args["rotate"]) - {item.name for item in requirements})
            if unknown:
                raise AnsibleActionFail(f"cannot rotate {', '.join(unknown)}: no role of this play needs a secret of that name")
            with contextlib.nullcontext() if self._task.check_mode else _locked(path.parent):
                return self._converge(path, requirements, args["rotate"])
        except schema.SchemaError as error:
            raise AnsibleActionFail(str(error)) from error
        except (OSError, ValueError) as error:
            raise AnsibleActionFail(f"cannot keep the secrets in {path}; nothing was changed: {error}") from error

    def _converge(self, path: pathlib.Path, requirements: list[secret_store.Requirement], rotate: list[str]) -> dict[str, t.Any]:
        source = self._read(path)
        values, added, replaced = secret_store.complete(source.values, requirements, rotate)
        text = secret_file.edit(source.text, {name: values[name] for name in [*added, *replaced]}) if added or replaced else source.text
        if not self._task.check_mode:
            if text != source.text:
                self._write(path, text, source)
            elif source.mode != private_file.MODE:
                path.chmod(private_file.MODE)
        return {
            "_ansible_no_log": True,
            "changed": text != source.text or source.mode != private_file.MODE,
            "secrets": values,
            "generated": added,
            "rotated": replaced,
        }

    def _requirements(self, variables: dict[str, t.Any]) -> list[secret_store.Requirement]:
        """Return what the lists ``<role>_required_secrets`` of the play's roles ask for."""
        found = []
        for name in roles.in_play(self._task.get_play()):
            items = roles.template(self._templar, variables.get(f"{name}_required_secrets", []), variables)
            found += [schema.load(secret_store.Requirement, item, f"{name}_required_secrets") for item in items]
        return found

    def _read(self, path: pathlib.Path) -> _Source:
        """Return the file as it is; what it says is never quoted."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return _Source()
        vault = None
        if is_encrypted(raw):
            try:
                plain, *vault = VaultLib(secrets=self._loader._vault.secrets).decrypt_and_get_vault_id(raw)
            except AnsibleError as error:
                raise ValueError(f"{' '.join(str(error).split())} (give --vault-password-file or --vault-id)") from error
            raw = plain
        text = raw.decode()
        secret_file.edit(text, {})
        document = roles.plain(self._loader.load(text, file_name=str(path), show_content=False)) or {}
        values = dict(document.get(secret_file.KEY) or {})
        return _Source(text, values, (vault[0], vault[1]) if vault else None, path.stat().st_mode & 0o7777)

    def _write(self, path: pathlib.Path, text: str, source: _Source) -> None:
        """Replace the file in one step, readable by its owner only, encrypted as it was."""
        raw = text.encode()
        if source.vault:
            vault_id, secret = source.vault
            raw = VaultLib(secrets=self._loader._vault.secrets).encrypt(raw, secret=secret, vault_id=vault_id)
        private_file.write(path, raw)


@contextlib.contextmanager
def _locked(directory: pathlib.Path) -> t.Iterator[None]:
    """Keep other runs away from a directory, which is made if needed: two first runs must not each make their own secrets."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
