# SPDX-License-Identifier: Apache-2.0
"""What is written is what a service reads."""

from __future__ import annotations

import configparser
import string
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils import formats

_NAMES = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=8)
_WORDS = st.text(string.ascii_letters + string.digits + string.punctuation + " ", max_size=20).map(str.strip)
_LINES = st.lists(_WORDS.filter(bool), min_size=1, max_size=3).map("\n".join)
_VALUES = st.one_of(_WORDS, _LINES)
_INI = st.dictionaries(
    _NAMES, st.dictionaries(_NAMES, st.one_of(_VALUES, st.lists(_VALUES, min_size=2, max_size=3)), max_size=4), max_size=3
)
# control characters are left out: PyYAML reads some of those that it writes as something else
_TEXT = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=8)
_PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=10,
)


def test_ini_is_written_as_oslo_config_reads_it() -> None:
    data = {"DEFAULT": {"debug": True, "workers": 2, "empty": ""}, "pci": {"alias": ["a", "b"], "text": "one\ntwo"}}
    assert formats.render("ini", data) == (
        "[DEFAULT]\ndebug = true\nworkers = 2\nempty =\n\n[pci]\nalias = a\nalias = b\ntext = one\n    two\n"
    )


def test_ini_is_read_with_comments_repeats_and_continuations() -> None:
    text = "first = 1\n# no\n; no\n[a]\nx = 1\nx = 2\nurl = http://h/?a=b\nlong = one\n  two\n\n[b]\n  indented = yes\n"
    assert formats.parse("ini", text) == {
        "DEFAULT": {"first": "1"},
        "a": {"x": ["1", "2"], "url": "http://h/?a=b", "long": "one\ntwo"},
        "b": {"indented": "yes"},
    }


def test_text_stays_as_it_is() -> None:
    assert formats.render("text", " a\r\n") == " a\r\n"


@given(_INI)
def test_ini_survives_writing_and_reading(data: dict[str, dict[str, t.Any]]) -> None:
    assert formats.parse("ini", formats.render("ini", data)) == data


@given(st.dictionaries(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=4), max_size=3))
def test_another_reader_agrees_about_ini(data: dict[str, dict[str, str]]) -> None:
    parser = configparser.RawConfigParser(default_section="no default section", delimiters=("=",), comment_prefixes=("\0",))
    parser.read_string(formats.render("ini", data))
    assert {section: dict(parser[section]) for section in parser.sections()} == data


@given(st.sampled_from(["yaml", "json"]), st.dictionaries(_TEXT, _PLAIN, min_size=1, max_size=3))
def test_yaml_and_json_survive_writing_and_reading(fmt: str, data: dict[str, t.Any]) -> None:
    assert formats.parse(fmt, formats.render(fmt, data)) == data


@pytest.mark.parametrize(
    ("fmt", "data", "words"),
    [
        ("ini", ["a"], "mapping of sections, not list"),
        ("ini", {"a": "b"}, "section [a] is a mapping of options, not str"),
        ("ini", {"a": {"b": {"c": 1}}}, "[a] b: an option is text"),
        ("ini", {"a": {"b": None}}, "not NoneType"),
        ("ini", {"a": {"b": "one\n\ntwo"}}, "[a] b: an option cannot hold an empty line"),
        ("ini", {"a]": {}}, "'a]' is no name of a section"),
        ("ini", {"a": {"b=c": 1}}, "[a] 'b=c' is no name of an option"),
        ("ini", {"a": {"b\n[c]": 1}}, "is no name of an option"),
        ("text", {"a": 1}, "text is expected, not dict"),
        ("toml", {}, "no writer for format 'toml'"),
    ],
)
def test_what_cannot_be_written_is_named(fmt: str, data: t.Any, words: str) -> None:
    with pytest.raises(formats.FormatError) as caught:
        formats.render(fmt, data)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("fmt", "text", "words"),
    [
        ("ini", "[a]\n[b\n", "line 2: section header '[b' is not closed"),
        ("ini", "[]\n", "line 1: section header"),
        ("ini", "[a]\nword\n", "line 2: expected 'option = value', got 'word'"),
        ("ini", "= 1\n", "line 1: expected"),
        ("yaml", "a: [1\nb: 2", "line 2"),
        ("json", '{"a": }', "line 1"),
        ("toml", "", "no reader for format 'toml'"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(fmt: str, text: str, words: str) -> None:
    with pytest.raises(formats.FormatError) as caught:
        formats.parse(fmt, text)
    assert words in str(caught.value)


@given(st.sampled_from(["ini", "yaml", "json"]), st.text(max_size=60))
def test_any_text_is_read_or_refused(fmt: str, text: str) -> None:
    try:
        formats.parse(fmt, text)
    except formats.FormatError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("fmt", "text"),
    [("yaml", "password: *hunter2\n"), ("yaml", "password: !hunter2 x\n"), ("ini", "password hunter2\n"), ("ini", "[password=hunter2\n")],
)
def test_a_fault_does_not_quote_a_secret(fmt: str, text: str) -> None:
    with pytest.raises(formats.FormatError) as caught:
        formats.parse(fmt, text)
    assert "hunter2" not in str(caught.value)
