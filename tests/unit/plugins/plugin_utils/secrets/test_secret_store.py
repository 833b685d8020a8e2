# SPDX-License-Identifier: Apache-2.0
"""How secrets are made and rotated."""

from __future__ import annotations

import base64
import datetime
import re
import typing as t
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import secret_store
from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.secret_store import (
    FERNET_MAX_ACTIVE,
    SecretRequirement,
    complete,
    generate,
    rotate,
)

_KINDS = t.get_args(secret_store.Kind)


def _is_fernet_key(text: str) -> bool:
    return len(base64.urlsafe_b64decode(text)) == 32


@pytest.mark.parametrize(
    ("kind", "fits"),
    [
        ("password", lambda value: re.fullmatch(r"[a-zA-Z0-9]{32}", value)),
        ("hex", lambda value: re.fullmatch(r"[0-9a-f]{64}", value)),
        ("uuid", lambda value: str(uuid.UUID(value)) == value),
        ("fernet_key", _is_fernet_key),
        ("fernet_keys", lambda value: len(value) == 2 and all(map(_is_fernet_key, value))),
    ],
)
def test_each_kind_is_what_its_users_expect(kind: str, fits: t.Callable[[t.Any], t.Any]) -> None:
    made = [generate(kind) for _ in range(20)]
    assert all(map(fits, made))
    assert len({str(value) for value in made}) == 20


def test_every_kind_can_be_made_and_rotated_but_for_the_identity_of_a_cloud() -> None:
    for kind in _KINDS:
        value = generate(kind)
        if kind == "identity":
            with pytest.raises(ValueError, match="never changes"):
                rotate(kind, value)
        else:
            assert rotate(kind, value) != value


@given(st.integers(1, 12))
def test_a_fernet_repository_rotates_without_losing_a_valid_token(rotations: int) -> None:
    keys = generate("fernet_keys")
    for _ in range(rotations):
        before = keys
        keys = rotate("fernet_keys", keys)
        assert keys[-1] == before[0], "the staged key, which every host has, becomes primary"
        assert keys[0] not in before, "a new key is staged"
        assert before[-1] in keys, "the former primary key still decrypts"
        assert len(set(keys)) == len(keys) == min(len(before) + 1, FERNET_MAX_ACTIVE)


def test_a_repository_of_one_key_rotates() -> None:
    new, old = rotate("fernet_keys", ["only"])
    assert (old, len(new)) == ("only", 44)


@pytest.mark.parametrize("current", ["text", [], {}, None])
def test_what_is_no_repository_is_not_rotated(current: t.Any) -> None:
    with pytest.raises(ValueError, match="it is not a list of keys"):
        rotate("fernet_keys", current)


def test_only_what_is_missing_is_made() -> None:
    values, added = complete({"a": "mine", "other": 1}, [SecretRequirement("a"), SecretRequirement("b"), SecretRequirement("b")])
    assert (values["a"], values["other"], added) == ("mine", 1, ["b"])


@pytest.mark.parametrize("kind", _KINDS)
def test_what_is_made_is_accepted(kind: str) -> None:
    assert secret_store.error(kind, generate(kind)) == ""
    if kind != "identity":
        assert secret_store.error(kind, rotate(kind, generate(kind))) == ""


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("password", 42798, "must be text, but is a number; put it in quotes"),
        ("password", 1.1, "must be text, but is a number"),
        ("password", True, "must be text, but is true or false"),
        ("password", None, "must be text, but is nothing"),
        ("password", datetime.date(2026, 1, 2), "must be text, but is a date"),
        ("password", ["a"], "must be text, but is a list"),
        ("password", {"a": "b"}, "must be text, but is a mapping"),
        ("", 5, "must be text, but is a number"),
        ("", ["a", 5], "has a wrong item, number 2: it must be text, but is a number"),
        ("password", "", "is empty; give it a value, or remove it and a new one is made"),
        ("password", "ends with space ", "begins or ends with a space or a line break; allowed: letters, digits"),
        ("password", " x", "begins or ends with a space"),
        ("password", "x\n", "begins or ends with a space or a line break"),
        ("password", "a\tb", "holds a line break, a tab or another control character"),
        ("password", "a\0b", "another control character"),
        ("password", "pässword", "holds characters outside ASCII"),
        ("password", "a%(b", "without '%('"),
        ("password", "x" * 256, "has more than 255 characters"),
        ("plain_password", "a@b", "allowed: letters, digits, '-', '.', '_' and '~'"),
        ("hex", "abc", "allowed: 32 or more hexadecimal digits"),
        ("uuid", "abc", "allowed: a UUID such as"),
        ("ssh_key", "abc", "is no private key"),
        ("fernet_key", "not a key", "allowed: 32 bytes in the URL-safe form of base64"),
        ("fernet_keys", [], "must be a list of 2 or more keys, but has 0; remove it"),
        ("fernet_keys", ["A" * 43 + "="], "must be a list of 2 or more keys, but has 1"),
        ("fernet_keys", "A" * 43 + "=", "must be a list of 2 or more keys, but is text"),
        ("fernet_keys", {}, "but is a mapping"),
        (
            "fernet_keys",
            ["A" * 43 + "=", "not a key"],
            "has a wrong item, number 2: it has the wrong format; allowed: 32 bytes",
        ),
        ("fernet_keys", ["A" * 43 + "=", 5], "number 2: it must be text, but is a number"),
    ],
)
def test_what_cannot_be_used_everywhere_is_refused_without_showing_it(kind: str, value: t.Any, says: str) -> None:
    assert says in secret_store.error(kind, value)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=255))
def test_every_printable_character_may_be_in_a_password(text: str) -> None:
    assert bool(secret_store.error("password", text)) == (text != text.strip() or "%(" in text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8))
def test_a_refusal_does_not_quote(text: str) -> None:
    # no message has a circumflex, so that what is generated is not by chance a part of one
    secret = f"^{text}^"
    for kind in _KINDS:
        assert secret not in secret_store.error(kind, secret)


def test_each_fault_of_a_file_has_its_name() -> None:
    values = {"a": 1, "b": "fine", "c": None, "d": ["x"]}
    found = secret_store.errors(values, [SecretRequirement("a"), SecretRequirement("b")])
    assert found == ["a must be text, but is a number; put it in quotes", "c must be text, but is nothing; put it in quotes"]
