# SPDX-License-Identifier: Apache-2.0
"""Edits of a file of secrets: what is asked for, and nothing else."""

from __future__ import annotations

import string
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets.yaml_edit import SecretFileError, edit

_OWN = """\
# my file
region: north  # not a secret

cloud_secrets:
  # the one that I chose
  mine: "{{ lookup('pipe', 'pass x') }}"
  encrypted: !vault |
    $ANSIBLE_VAULT;1.2;AES256;a
    6162
  keys:
  - one
  - two  # primary
  # about the last one
  last: 'x'
# the end
other: [1, 2]
"""


def test_a_new_file_says_what_it_is() -> None:
    text = edit("", {"b": ["x", "y"], "a": "123"})
    assert text.splitlines()[0].startswith("# Made by caisson.openstack")
    assert text.splitlines()[1:] == ["cloud_secrets:", '  a: "123"', '  b: ["x", "y"]']


def test_what_is_added_goes_to_the_top_and_all_else_stays() -> None:
    assert edit(_OWN, {"new": "n"}) == _OWN.replace('  mine: "', '  new: "n"\n  mine: "')


def test_what_is_replaced_keeps_its_place() -> None:
    text = edit(_OWN, {"keys": ["three"], "last": "y"})
    assert text == _OWN.replace("keys:\n  - one\n  - two ", 'keys: ["three"] ').replace("last: 'x'", 'last: "y"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# nothing yet\n", '# nothing yet\ncloud_secrets:\n  a: "1"\n'),
        ("a: 1", 'a: 1\ncloud_secrets:\n  a: "1"\n'),
        ("cloud_secrets:\nb: 2\n", 'cloud_secrets: {a: "1"}\nb: 2\n'),
        ("cloud_secrets: {}\n", 'cloud_secrets: {a: "1", }\n'),
        ("cloud_secrets: {b: 2}\n", 'cloud_secrets: {a: "1", b: 2}\n'),
        ("{cloud_secrets: {b: 2}}\n", '{cloud_secrets: {a: "1", b: 2}}\n'),
        ("---\ncloud_secrets:\n    b: |\n      two\n      lines\n", '---\ncloud_secrets:\n    a: "1"\n    b: |\n      two\n      lines\n'),
    ],
)
def test_every_way_to_write_a_mapping_is_understood(text: str, expected: str) -> None:
    found = edit(text, {"a": "1"})
    assert found == expected
    assert yaml.safe_load(found)["cloud_secrets"]["a"] == "1"


_NAMES = st.text(string.ascii_lowercase + string.digits + "_", max_size=6).map("s_{}".format)
_TEXT = st.text(string.ascii_letters + string.digits + string.punctuation + " ", max_size=12)
_VALUES = st.one_of(_TEXT, st.lists(st.text("ab=-#:", max_size=5), max_size=3))
_SECRETS = st.dictionaries(_NAMES, _VALUES, max_size=5)


@given(_SECRETS, _SECRETS, st.sampled_from([None, False, True]), st.sampled_from(["", "tail: 1\n"]))
def test_the_file_then_has_the_old_and_the_new(old: dict[str, t.Any], new: dict[str, t.Any], flow: t.Any, tail: str) -> None:
    text = yaml.safe_dump({"cloud_secrets": old}, default_flow_style=flow, width=30)
    text += "" if flow else tail  # nothing can follow a mapping in braces
    assert yaml.safe_load(edit(text, new)) == {**yaml.safe_load(text), "cloud_secrets": {**old, **new}}


@given(_SECRETS)
def test_no_change_changes_nothing(old: dict[str, t.Any]) -> None:
    text = yaml.safe_dump({"cloud_secrets": old or {"a": "b"}})
    assert edit(text, {}) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- hunter2\n", "it must be a mapping"),
        ("hunter2\n", "it must be a mapping"),
        ("cloud_secrets: [hunter2]\n", "'cloud_secrets' must be a mapping"),
        ("cloud_secrets: hunter2\n", "'cloud_secrets' must be a mapping"),
        ("{a: hunter2}\n", "without 'cloud_secrets'"),
        ("cloud_secrets:\n  a: [hunter2\n  b: 1\n", "it is not YAML at line 3"),
        ("cloud_secrets:\n  a: *hunter2\n", "it is not YAML at line 2"),
        ("a: \x01hunter2\n", "it is not YAML"),
        ("cloud_secrets:\n  hunter2: x\n  b: y\n  hunter2: z\n", "line 4 gives a value for the same name as line 2"),
        ("cloud_secrets: {b: x}\nother: 1\ncloud_secrets: {c: hunter2}\n", "line 3 gives a value for the same name as line 1"),
        ("cloud_secrets:\n  rotation:\n    new: [{a: 1,\n      a: hunter2}]\n", "line 4 gives a value for the same name as line 3"),
        ("[" * 20000, "it is nested too deeply"),
    ],
)
def test_what_cannot_be_edited_is_refused_and_not_quoted(text: str, words: str) -> None:
    with pytest.raises(SecretFileError) as caught:
        edit(text, {"a": "1"})
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
