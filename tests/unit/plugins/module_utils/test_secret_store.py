# SPDX-License-Identifier: Apache-2.0
"""How secrets are made and rotated."""

from __future__ import annotations

import base64
import re
import typing as t
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils import secret_store
from ansible_collections.caisson.openstack.plugins.module_utils.secret_store import (
    FERNET_MAX_ACTIVE,
    Requirement,
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


def test_every_kind_can_be_made_and_rotated() -> None:
    for kind in _KINDS:
        value = generate(kind)
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
    values, added = complete({"a": "mine", "other": 1}, [Requirement("a"), Requirement("b"), Requirement("b")])
    assert (values["a"], values["other"], added) == ("mine", 1, ["b"])
