# SPDX-License-Identifier: Apache-2.0
"""What is written is what a service reads."""

from __future__ import annotations

import configparser
import string
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats

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
    text = "# no\n; no\n[a]\nx = 1\nx = 2\nurl : http://h/?a=b\nlong = one\n  two\n  # three\n\n[b]\nlate =\n  1\nstrange = a\u2028b\n"
    assert formats.parse("ini", text) == {
        "a": {"x": ["1", "2"], "url": "http://h/?a=b", "long": "one\ntwo\n# three"},
        "b": {"late": "\n1", "strange": "a\u2028b"},
    }
    assert formats.parse("ini", formats.render("ini", formats.parse("ini", text))) == formats.parse("ini", text)


def test_keys_that_a_merge_brings_in_may_be_given_again() -> None:
    text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\n"
    assert formats.parse("yaml", text)["b"] == {"x": 3, "y": 2}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n"])
def test_yaml_without_content_is_an_empty_mapping(text: str) -> None:
    assert formats.parse("yaml", text) == {}


def test_yaml_that_grows_by_its_aliases_is_refused() -> None:
    levels = [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]\n" for level in range(1, 10)]
    with pytest.raises(formats.FormatError, match=r"line \d+: with its aliases resolved it has more than 100000 values"):
        formats.parse("yaml", "l0: &l0 [1, 2]\n" + "".join(levels))
    with pytest.raises(formats.FormatError, match="more than 100000 values"):
        formats.parse("yaml", f"a: &a {'x' * 100000}\nb: [{', '.join(['*a'] * 200)}]\n")
    assert formats.parse("yaml", "l0: &l0 [1, 2]\n" + "".join(levels[:2]))["l2"][0][0] == [1, 2]


@pytest.mark.parametrize("fmt", ["ini", "yaml", "json"])
def test_a_text_that_is_too_long_is_refused(fmt: str) -> None:
    with pytest.raises(formats.FormatError, match="it has 1048577 characters; at most 1048576 are read"):
        formats.parse(fmt, "#" * (formats.MAX_TEXT + 1))


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
        ("ini", {"a": {"b:c": 1}}, "[a] 'b:c' is not an option name"),
        ("ini", {"a": {"b": "one\n\ntwo"}}, "[a] b: an option cannot hold an empty line"),
        ("ini", {"a]": {}}, "'a]' is not a section name"),
        ("ini", {"a": {"b=c": 1}}, "[a] 'b=c' is not an option name"),
        ("ini", {"a": {"b\n[c]": 1}}, "is not an option name"),
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
        ("ini", "[a]\nword\n", "line 2: expected 'option = value'"),
        ("ini", "a = 1\n[a]\n", "line 1: an option before the first section"),
        ("ini", "[a]\n  b = 1\n", "line 2: it is indented, but does not continue an option"),
        ("ini", "[a]\nb = 1\n# no\n  c = 2\n", "line 4: it is indented"),
        ("ini", "[ a ]\n", "line 1: section header '[ a ]' has spaces inside its brackets"),
        ("ini", "[a]\n= 1\n", "line 2: expected"),
        ("yaml", "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "line 5: key 'c' is given twice, first in line 3"),
        ("yaml", "{a: 1, a: 1}", "line 1: key 'a' is given twice"),
        ("yaml", "a: &a [*a]", "it is nested too deeply"),
        ("json", '{"x": [{"a": 1, "a": 1}]}', "key 'a' is given twice in one object"),
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
