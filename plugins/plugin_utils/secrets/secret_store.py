# SPDX-License-Identifier: Apache-2.0
"""Required secrets: how each kind is generated and rotated."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import re
import secrets
import string
import typing as t
import uuid

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
except ImportError:  # it comes with ansible-core on the controller, the only place where secrets are made
    pass

#: A ``plain_password`` goes where a URL with an encoded password cannot be read.
Kind = t.Literal["password", "plain_password", "fernet_key", "fernet_keys", "uuid", "hex", "ssh_key", "identity"]

_ALPHABET = string.ascii_letters + string.digits  # safe in URLs, INI files, shells and SQL
_LENGTH = 32
#: Keys in a Fernet repository: one staged, one primary, the rest only decrypt.
FERNET_MAX_ACTIVE = 5
_FERNET_MIN_ACTIVE = 2
_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
#: Erlang's cookie is no longer.
_LONGEST = 255
#: The kinds of which the form says all, and what is allowed.
_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    # non-ASCII: PyMySQL sends a password as Latin-1; blanks at the ends: forms, such as the dashboard's, cut them off
    "password": (
        re.compile(r"(?!.*%\()[!-~]([ -~]*[!-~])?"),
        "letters, digits and the other printable characters of ASCII, with blanks between them only and without '%('",
    ),
    "plain_password": (re.compile(r"[A-Za-z0-9._~-]+"), "letters, digits, '-', '.', '_' and '~'"),
    "fernet_key": (_FERNET_KEY, "32 bytes in the URL-safe form of base64, which are 44 characters"),
    "uuid": (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "a UUID such as 01234567-89ab-cdef-0123-456789abcdef"),
    "hex": (re.compile(r"[0-9a-fA-F]{32,}"), "32 or more hexadecimal digits"),
    "identity": (re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits, as the collection made them"),
}


@dataclasses.dataclass
class SecretRequirement:
    """A secret that a role needs.

    ``user`` is the account that a password belongs to. It has an alternate account to which the password rotates, unless
    ``paired`` is false because people know it by its name.
    """

    name: str
    type: Kind = "password"
    user: str = ""
    paired: bool = True

    @property
    def in_pair(self) -> bool:
        """Whether its account has an alternate one."""
        return bool(self.user) and self.paired


def _password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _number in range(_LENGTH))


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _ssh_key() -> str:
    """Return an Ed25519 private key in OpenSSH's format; cryptography comes with ansible-core."""
    key = ed25519.Ed25519PrivateKey.generate()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return encoded.decode()


def error(kind: str, value: t.Any) -> str:
    """Return what is wrong with a secret of *kind* and what would be right, or nothing; the value is never quoted.

    Of a secret that no role asks for, whose *kind* is empty, only its type is looked at: it is text, or a list of texts.
    """
    if kind == "fernet_keys" or (not kind and isinstance(value, list)):
        return _list_error(kind, value)
    if not isinstance(value, str):
        return f"must be text, but is {_words(value)}" + ("" if isinstance(value, (list, dict)) else "; put it in quotes")
    if kind == "ssh_key":
        return _ssh_key_error(value)
    if not kind:
        return ""
    if not value:
        return "is empty; give it a value, or remove it and a new one is made"
    pattern, allowed = _FORMS[kind]
    if not pattern.fullmatch(value):
        return f"{_reason(value)}; allowed: {allowed}"
    return f"has more than {_LONGEST} characters" if len(value) > _LONGEST else ""


def errors(values: t.Mapping[str, t.Any], requirements: t.Iterable[SecretRequirement]) -> list[str]:
    """Return what is wrong with each of *values*, with its name in front."""
    kinds = {item.name: item.type for item in requirements}
    found = ((name, error(kinds.get(name, ""), value)) for name, value in values.items())
    return [f"{name} {text}" for name, text in found if text]


def _list_error(kind: str, value: t.Any) -> str:
    items = value if isinstance(value, list) else []
    if kind and len(items) < _FERNET_MIN_ACTIVE:
        what = f"has {len(items)}" if isinstance(value, list) else f"is {_words(value)}"
        return f"must be a list of {_FERNET_MIN_ACTIVE} or more keys, but {what}; remove it and a new list is made"
    found = ((at, error("fernet_key" if kind else "", item)) for at, item in enumerate(items, 1))
    return next((f"has a wrong item, number {at}: it {text}" for at, text in found if text), "")


def _ssh_key_error(value: str) -> str:
    for load in (serialization.load_ssh_private_key, serialization.load_pem_private_key):
        try:
            load(value.encode(), None)
            return ""
        except Exception:  # whatever is wrong with it: another form, a passphrase, an unknown kind of key
            continue
    return "is no private key; allowed: a private key of OpenSSH without a passphrase"


def _words(value: t.Any) -> str:
    """Return what YAML takes a value for."""
    if isinstance(value, bool):
        return "true or false"
    names: list[tuple[t.Any, str]] = [
        ((int, float), "a number"),
        (datetime.date, "a date"),
        (str, "text"),
        (list, "a list"),
        (dict, "a mapping"),
    ]
    return next((name for kind, name in names if isinstance(value, kind)), "nothing")


def _reason(value: str) -> str:
    """Return what is wrong with the characters of a secret, as far as that can be said without quoting it."""
    if value != value.strip():
        return "begins or ends with a space or a line break"
    if any(ord(character) < ord(" ") or ord(character) == 127 for character in value):
        return "holds a line break, a tab or another control character"
    return "holds characters outside ASCII" if not value.isascii() else "has the wrong format"


def generate(kind: str) -> t.Any:
    """Return a new secret of *kind*; a Fernet repository starts with a staged and a primary key."""
    makers: dict[str, t.Callable[[], t.Any]] = {
        "password": _password,
        "plain_password": _password,
        "fernet_key": _fernet_key,
        "fernet_keys": lambda: [_fernet_key(), _fernet_key()],
        "uuid": lambda: str(uuid.uuid4()),
        "ssh_key": _ssh_key,
        "identity": lambda: secrets.token_hex(_LENGTH),
        "hex": lambda: secrets.token_hex(_LENGTH),
    }
    return makers[kind]()


def rotate(kind: str, current: t.Any) -> t.Any:
    """Return what follows *current*.

    In a Fernet repository the staged key, which every host has by now, becomes primary (the last of the list), and a new
    one is staged (the first); the oldest keys go when there are more than :data:`FERNET_MAX_ACTIVE`.

    Raises:
        ValueError: if *current* is no such repository, or never changes.
    """
    if kind == "identity":
        raise ValueError("it identifies the cloud and never changes")
    if kind != "fernet_keys":
        return generate(kind)
    if not isinstance(current, list) or not current:
        raise ValueError("it is not a list of keys")
    staged, *others = current
    kept = [*others, staged][-(FERNET_MAX_ACTIVE - 1) :]
    return [_fernet_key(), *kept]


def complete(current: t.Mapping[str, t.Any], requirements: t.Iterable[SecretRequirement]) -> tuple[dict[str, t.Any], list[str]]:
    """Return *current* with what is missing added, and the names of that."""
    values = dict(current)
    added: list[str] = []
    for item in requirements:
        if item.name not in values:
            values[item.name] = generate(item.type)
            added.append(item.name)
    return values, added
