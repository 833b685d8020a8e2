# SPDX-License-Identifier: Apache-2.0
"""The rules of an override, by example and as laws."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.merge import merge

_SCALARS = st.one_of(st.booleans(), st.integers(), st.text(max_size=5))
_KEYS = st.sampled_from(["name", "path", "a", "b", "c"])
_DATA = st.recursive(
    st.one_of(st.none(), _SCALARS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=20,
)
_MAPPINGS = st.dictionaries(_KEYS, _DATA, max_size=4)


def test_mappings_merge_in_depth() -> None:
    base = {"DEFAULT": {"debug": False, "workers": 2}, "api": {"limit": 10}}
    assert merge(base, {"DEFAULT": {"debug": True}}) == {"DEFAULT": {"debug": True, "workers": 2}, "api": {"limit": 10}}


def test_none_removes_a_key() -> None:
    assert merge({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": None}, "x": None}) == {"b": {"d": 3}}


def test_none_inside_a_new_mapping_leaves_nothing() -> None:
    assert merge({}, {"section": {"option": None, "other": 1}}) == {"section": {"other": 1}}


def test_plain_lists_are_replaced() -> None:
    assert merge({"command": ["a", "b"]}, {"command": ["c"]}) == {"command": ["c"]}


def test_an_empty_list_replaces_even_named_items() -> None:
    assert merge({"jobs": [{"name": "a"}]}, {"jobs": []}) == {"jobs": []}


def test_named_items_merge_and_new_ones_are_appended() -> None:
    base = [{"name": "api", "env": {"A": "1"}}, {"name": "worker"}]
    override = [{"name": "api", "env": {"B": "2"}}, {"name": "new", "env": {"C": None}}]
    assert merge(base, override) == [{"name": "api", "env": {"A": "1", "B": "2"}}, {"name": "worker"}, {"name": "new", "env": {}}]


def test_an_override_applies_to_every_item_of_its_name() -> None:
    base = [{"path": "/etc/x", "containers": ["a"]}, {"path": "/etc/x", "containers": ["b"]}]
    assert merge(base, [{"path": "/etc/x", "mode": "0600"}]) == [
        {"path": "/etc/x", "containers": ["a"], "mode": "0600"},
        {"path": "/etc/x", "containers": ["b"], "mode": "0600"},
    ]


def test_two_overrides_of_one_name_both_apply() -> None:
    assert merge([{"name": "a", "x": 1}], [{"name": "a", "x": None}, {"name": "a", "y": 2}]) == [{"name": "a", "y": 2}]


@pytest.mark.parametrize("name", [1, ["x"], {"x": 1}])
def test_items_whose_name_is_not_text_are_a_plain_list(name: t.Any) -> None:
    assert merge([{"name": "a"}], [{"name": name}]) == [{"name": name}]


@given(_MAPPINGS)
def test_an_empty_override_changes_nothing(base: t.Any) -> None:
    assert merge(base, {}) == base


@given(_MAPPINGS, _MAPPINGS)
def test_arguments_are_left_alone(base: t.Any, override: t.Any) -> None:
    before = copy.deepcopy((base, override))
    merge(base, override)
    assert (base, override) == before


@given(_MAPPINGS, _MAPPINGS)
def test_applying_twice_is_applying_once(base: t.Any, override: t.Any) -> None:
    once = merge(base, override)
    assert merge(once, override) == once


@given(_MAPPINGS, _MAPPINGS)
def test_scalars_of_the_override_win_and_none_is_gone(base: t.Any, override: t.Any) -> None:
    merged = merge(base, override)
    for key, value in override.items():
        if value is None:
            assert key not in merged
        elif not isinstance(value, (dict, list)):
            assert merged[key] == value
    assert merged.keys() <= base.keys() | override.keys()
    assert all(merged[key] == base[key] for key in base.keys() - override.keys())
