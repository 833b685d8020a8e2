# SPDX-License-Identifier: Apache-2.0
"""Secrets of a cloud: which there must be, how each kind is made and rotated."""

from __future__ import annotations

import base64
import dataclasses
import secrets
import string
import typing as t
import uuid

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
except ImportError:  # it comes with ansible-core on the controller, the only place where secrets are made
    pass

Kind = t.Literal["password", "fernet_key", "fernet_keys", "uuid", "hex", "ssh_key"]

_ALPHABET = string.ascii_letters + string.digits  # safe in URLs, INI files, shells and SQL
_LENGTH = 32
#: Keys in a Fernet repository: one staged, one primary, the rest only decrypt.
FERNET_MAX_ACTIVE = 5


@dataclasses.dataclass
class Requirement:
    """A secret that a role needs.

    ``user`` is the account that a password belongs to. It is one of a pair, which take turns when the password rotates, unless
    ``paired`` is false because people know it by its name.
    """

    name: str
    type: Kind = "password"
    user: str = ""
    paired: bool = True

    @property
    def in_pair(self) -> bool:
        """Whether it belongs to an account that takes turns with another."""
        return bool(self.user) and self.paired


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _ssh_key() -> str:
    """Return an Ed25519 private key in OpenSSH's format; cryptography comes with ansible-core."""
    key = ed25519.Ed25519PrivateKey.generate()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return encoded.decode()


def generate(kind: str) -> t.Any:
    """Return a new secret of *kind*; a Fernet repository starts with a staged and a primary key."""
    makers: dict[str, t.Callable[[], t.Any]] = {
        "password": lambda: "".join(secrets.choice(_ALPHABET) for _number in range(_LENGTH)),
        "fernet_key": _fernet_key,
        "fernet_keys": lambda: [_fernet_key(), _fernet_key()],
        "uuid": lambda: str(uuid.uuid4()),
        "ssh_key": _ssh_key,
        "hex": lambda: secrets.token_hex(_LENGTH),
    }
    return makers[kind]()


def rotate(kind: str, current: t.Any) -> t.Any:
    """Return what follows *current*.

    In a Fernet repository the staged key, which every host has by now, becomes primary (the last of the list), and a new
    one is staged (the first); the oldest keys go when there are more than :data:`FERNET_MAX_ACTIVE`.

    Raises:
        ValueError: if *current* is no such repository.
    """
    if kind != "fernet_keys":
        return generate(kind)
    if not isinstance(current, list) or not current:
        raise ValueError("it is not a list of keys")
    staged, *others = current
    kept = [*others, staged][-(FERNET_MAX_ACTIVE - 1) :]
    return [_fernet_key(), *kept]


def complete(current: t.Mapping[str, t.Any], requirements: t.Iterable[Requirement]) -> tuple[dict[str, t.Any], list[str]]:
    """Return *current* with what is missing added, and the names of that."""
    values = dict(current)
    added: list[str] = []
    for item in requirements:
        if item.name not in values:
            values[item.name] = generate(item.type)
            added.append(item.name)
    return values, added
