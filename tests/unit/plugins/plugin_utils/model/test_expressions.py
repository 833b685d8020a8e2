# SPDX-License-Identifier: Apache-2.0
"""Expressions inside override files, each in the format of its file."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.expressions import FILTER, prepared, written
from ansible_collections.caisson.openstack.plugins.plugin_utils.model.formats import FormatError


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a\n\n", "a\n\n"),
        ("a {{ x }}\n", "a {{ ( x ) | F(1) }}\n"),
        ("a\n b {{- x if y else z -}}\nc", "a\n b{{- ( x if y else z ) | F(2) -}}\nc"),
        ("{{ a }}{{ b }}", "{{ ( a ) | F(1) }}{{ ( b ) | F(1) }}"),
        ("{{ {'a': {}} }}\n\n", "{{ {'a': {}} }}"),
        (" # {{ '}}' }}", " # {{ ( '}}' ) | F(1) }}"),
        ("{% raw %}\n{{ x }}{% endraw %}\n{# {{ y }} #}\n", "{% raw %}\n{{ x }}{% endraw %}\n{# {{ y }} #}\n"),
        ("{% for x in y %}\n{{ x }}\n{% endfor %}\n", "{% for x in y %}\n{{ ( x ) | F(2) }}\n{% endfor %}\n"),
        *((text, text) for text in ("a {{ x", "a {{ x) }}", "a {{ }}", "{% if")),
    ],
)
def test_each_expression_is_passed_on_with_its_line(text: str, after: str) -> None:
    assert prepared(text, "ini").replace(f"{FILTER}('ini', ", "F(") == after


def test_options_of_the_template_engine_are_refused() -> None:
    with pytest.raises(FormatError, match="line 1: #jinja2: is not supported in overrides"):
        prepared("#jinja2: variable_start_string: '[['\n[[ none ]]\n", "text")


@pytest.mark.parametrize(
    ("value", "forms"),
    [
        ("a: [b", {"yaml": "a: [b", "json": "a: [b", "ini": "a: [b", "text": "a: [b"}),
        (None, {"yaml": "null", "json": "null"}),
        (True, {"yaml": "true", "json": "true", "ini": "true"}),
        (5, {"yaml": "5", "json": "5", "ini": "5", "text": "5"}),
        (0.5, {"yaml": "0.5", "json": "0.5", "ini": "0.5", "text": "0.5"}),
        (["é", {"a": None}], {"yaml": '["\\u00e9", {"a": null}]', "json": '["\\u00e9", {"a": null}]'}),
        ({}, {"yaml": "{}", "json": "{}"}),
    ],
)
def test_a_value_is_written_as_the_format_has_it_or_refused(value: t.Any, forms: dict[str, str]) -> None:
    for fmt in ("yaml", "json", "ini", "text"):
        if fmt in forms:
            assert written(value, fmt, 1) == forms[fmt]
        else:
            with pytest.raises(FormatError, match=r"line 7: an expression yields (no value|true or false|a list|a mapping); "):
                written(value, fmt, 7)
