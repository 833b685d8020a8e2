# SPDX-License-Identifier: Apache-2.0
"""Keep the secrets of a cloud in one file of the controller."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write, dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import lock
from ansible_collections.caisson.openstack.plugins.module_utils.identity import identity
from ansible_collections.caisson.openstack.plugins.plugin_utils.controller import Arguments, ControllerAction, Result
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates, rotation, secret_store, yaml_edit

_Kind = t.TypeVar("_Kind")


@dataclasses.dataclass(frozen=True)
class _Source:
    """The file as it is; *vault* is the id and the secret that open it, if ansible-vault encrypted it.

    *state* is ``missing`` or ``empty`` if it holds no secret.
    """

    text: str = ""
    values: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    vault: tuple[t.Any, t.Any] | None = None
    mode: int = atomic_write.MODE
    state: str = "kept"


class ActionModule(ControllerAction):
    """Runs on the controller only."""

    ARGUMENTS: t.ClassVar = {
        "file": {"type": "path", "required": True},
        "rotate": {"type": "list", "elements": "str", "default": []},
        "make": {"type": "list", "elements": "str"},
        "account_suffix": {"type": "str", "default": ""},
        "finished": {"type": "str", "choices": list(t.get_args(rotation.Phase)), "default": "none"},
    }

    def act(self, args: Arguments) -> Result:
        """Return all secrets, after making those that are missing; see the documentation of the module."""
        path = pathlib.Path(args["file"])
        try:
            requirements = self._required("secrets", secret_store.SecretRequirement)
            # two first runs must not each make their own secrets
            with lock.exclusive(path.parent, make=not self._task.check_mode):
                return self._converge(path, requirements, args)
        except dataclass_spec.SchemaError as error:
            raise AnsibleActionFail(str(error)) from error
        except (OSError, ValueError) as error:
            raise AnsibleActionFail(f"cannot keep the secrets in {path}; nothing was changed: {error}") from error

    def _converge(self, path: pathlib.Path, requirements: list[secret_store.SecretRequirement], args: Arguments) -> dict[str, t.Any]:
        source = self._read(path)
        own = {name: value for name, value in source.values.items() if name not in (rotation.KEY, identity.KEY)}
        if errors := secret_store.errors(own, requirements):
            raise ValueError("; ".join(errors))
        values, generated = secret_store.complete(source.values, requirements)
        self._may_make(generated, source, args["make"])
        former = dataclass_spec.load(identity.Generation, values.pop(identity.KEY, {}), identity.KEY)
        rotate, finished = args["rotate"], args["finished"]
        before = dataclass_spec.load(rotation.Rotation, values.pop(rotation.KEY, {}), rotation.KEY)
        names = self._rotated(rotate, values) if rotate else []
        after, moved = rotation.finish(rotation.begin(before, values, requirements, names), requirements, finished)
        values |= moved
        renewed = certificates.due(
            values, self._required("certificates", certificates.CertificateRequirement), datetime.datetime.now(datetime.UTC)
        )
        values |= renewed
        changes = {name: values[name] for name in [*generated, *moved, *renewed]}
        if after != before:
            changes[rotation.KEY] = dataclasses.asdict(after)
        generation = former.following() if identity.NAME in values and (changes or not former.history) else former
        if generation != former:
            changes[identity.KEY] = dataclasses.asdict(generation)
        text = yaml_edit.edit(source.text, self._as_before(changes, source.text)) if changes else source.text
        if not self._task.check_mode:
            if text != source.text:
                self._write(path, text, source)
            elif source.mode != atomic_write.MODE:
                path.chmod(atomic_write.MODE)
        return {
            "_ansible_no_log": True,
            "changed": text != source.text or source.mode != atomic_write.MODE,
            "secrets": rotation.in_use(after, values),
            "accounts": rotation.accounts(after, values, requirements, args["account_suffix"]),
            "generated": generated,
            "certificates": sorted(renewed),
            "phase": after.phase,
            "rotating": after.rotating,
            "identity": identity.describe(values, generation, generated, source.state),
        }

    def _may_make(self, generated: list[str], source: _Source, allowed: list[str] | None) -> None:
        """Refuse to make secrets where only those of *allowed* may be made; None stands for all."""
        missing = sorted(set(generated) - set(generated if allowed is None else allowed))
        if missing:
            what = "it does not exist" if source.state == "missing" else f"it lacks {', '.join(missing)}"
            raise ValueError(
                f"{what}, and this playbook does not generate secrets of services. Restore the file of the cloud (docs/operate.md, a lost "
                "secrets file); for a new cloud or a new service run the playbook site first"
            )

    def _as_before(self, changes: dict[str, t.Any], text: str) -> dict[str, t.Any]:
        """Return *changes* with the values encrypted that follow one that ansible-vault encrypted by itself."""
        encrypted = yaml_edit.encrypted(text)
        vault = VaultLib(secrets=self._loader._vault.secrets)

        def like(name: str, value: t.Any) -> t.Any:
            if isinstance(value, list):
                return [like(name, item) for item in value]
            if name == rotation.KEY:
                return {**value, "new": {key: like(key, item) for key, item in value["new"].items()}}
            if name not in encrypted:
                return value
            _plain, vault_id, secret = vault.decrypt_and_get_vault_id(encrypted[name].text)
            return yaml_edit.Encrypted(vault.encrypt(value, secret=secret, vault_id=vault_id).decode())

        return {name: like(name, value) for name, value in changes.items()}

    def _rotated(self, rotate: list[str], values: dict[str, t.Any]) -> list[str]:
        """Return the names of the secrets to rotate; a service that is disabled could not follow, and keeps its own."""
        enabled = self._required("secrets", secret_store.SecretRequirement, disabled=False)
        return rotation.resolve(rotate, enabled, self._foreign(values))

    def _foreign(self, values: dict[str, t.Any]) -> list[str]:
        """Return the names of secrets that a variable of the same name sets to another value than the file's."""
        variables = {**self._vars, "cloud_secrets": values}
        return [
            name
            for name in values
            if name in self._vars and play_roles.template(self._templar, self._vars[name], variables) != values[name]
        ]

    def _required(self, noun: str, kind: type[_Kind], disabled: bool = True) -> list[_Kind]:
        return play_roles.required(self._templar, self._task.get_play(), self._vars, noun, kind, disabled)

    def _read(self, path: pathlib.Path) -> _Source:
        """Return the file as it is; what it says is never quoted."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return _Source(state="missing")
        vault = None
        if is_encrypted(raw):
            try:
                plain, *vault = VaultLib(secrets=self._loader._vault.secrets).decrypt_and_get_vault_id(raw)
            except AnsibleError as error:
                raise ValueError(f"{' '.join(str(error).split())} (give --vault-password-file or --vault-id)") from error
            raw = plain
        text = raw.decode()
        yaml_edit.edit(text, {})
        document = self._loader.load(text, file_name=str(path), show_content=False) or {}
        # a date would become a text that is not as it was written
        values = {
            str(name): value if isinstance(value, datetime.date) else play_roles.plain(value)
            for name, value in (document.get(yaml_edit.KEY) or {}).items()
        }
        return _Source(text, values, (vault[0], vault[1]) if vault else None, path.stat().st_mode & 0o7777, "kept" if values else "empty")

    def _write(self, path: pathlib.Path, text: str, source: _Source) -> None:
        """Replace the file in one step, readable by its owner only, encrypted as it was."""
        raw = text.encode()
        if source.vault:
            vault_id, secret = source.vault
            raw = VaultLib(secrets=self._loader._vault.secrets).encrypt(raw, secret=secret, vault_id=vault_id)
        atomic_write.write(path, raw)
