# SPDX-License-Identifier: Apache-2.0
"""The rules of an override, by example and as laws."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.plugin_utils.model.merge import MOUNTS, MergeError, merge

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


def test_scrape_configs_merge_by_the_name_of_their_job() -> None:
    base = {"scrape_configs": [{"job_name": "node", "scrape_interval": "30s"}, {"job_name": "api"}]}
    override = {"scrape_configs": [{"job_name": "ceph"}, {"job_name": "node", "scrape_interval": "60s"}]}
    assert merge(base, override)["scrape_configs"] == [
        {"job_name": "node", "scrape_interval": "60s"},
        {"job_name": "api"},
        {"job_name": "ceph"},
    ]


def test_rules_merge_by_what_they_are_called() -> None:
    base = [{"alert": "a", "for": "1m"}, {"record": "r", "expr": "1"}]
    assert merge(base, [{"record": "r", "expr": "2"}, {"alert": "b"}]) == [
        {"alert": "a", "for": "1m"},
        {"record": "r", "expr": "2"},
        {"alert": "b"},
    ]


def test_an_item_is_removed_by_its_name() -> None:
    assert merge([{"name": "a"}, {"name": "b", "x": 1}], [{"name": "b", "state": "absent"}]) == [{"name": "a"}]


def test_a_list_is_replaced_where_that_is_said() -> None:
    assert merge([{"name": "a", "x": 1}], [{"state": "replaced"}, {"name": "a", "y": 2}]) == [{"name": "a", "y": 2}]
    assert merge({"volumes": ["a:/a"]}, {"volumes": [{"state": "replaced"}, "b:/b"]}, MOUNTS) == {"volumes": ["b:/b"]}


def test_a_section_is_removed_where_that_is_said() -> None:
    assert merge({"a": {"x": 1}, "b": [{"name": "c"}]}, {"a": {"state": "absent"}, "b": {"state": "absent"}}) == {}


def test_mounts_merge_by_their_path_in_the_container() -> None:
    base = {
        "volumes": ["nova_compute:/var/lib/nova", "/run/a:/run/b:ro", "/dev/pts:/dev/pts"],
        "tmpfs": ["/tmp:mode=1777"],
        "devices": ["/dev/kvm"],
    }
    override = {
        "volumes": ["/srv/nova:/var/lib/nova/instances", "/run/c:/run/b/:shared", {"target": "/dev/pts", "state": "absent"}],
        "tmpfs": ["/tmp:mode=0700", "/run"],
        "devices": ["/dev/net/tun:/dev/net/tun:rw", "/dev/kvm:/dev/kvm:r"],
    }
    assert merge({"containers": [{"name": "x", **base}]}, {"containers": [{"name": "x", **override}]}, MOUNTS)["containers"] == [
        {
            "name": "x",
            "volumes": ["nova_compute:/var/lib/nova", "/run/c:/run/b/:shared", "/srv/nova:/var/lib/nova/instances"],
            "tmpfs": ["/tmp:mode=0700", "/run"],
            "devices": ["/dev/kvm:/dev/kvm:r", "/dev/net/tun:/dev/net/tun:rw"],
        }
    ]
    # in the content of files the same words mean nothing
    assert merge({"volumes": ["a:/a"]}, {"volumes": ["b:/b"]}) == {"volumes": ["b:/b"]}


@pytest.mark.parametrize(
    ("base", "override", "words"),
    [
        (
            [{"name": "a"}],
            [{"name": 1}],
            "an item has no 'name', which identifies the items of this list; begin the list with {state: replaced}",
        ),
        ({"s": [{"job_name": "a"}]}, {"s": ["b"]}, "s: an item has no 'job_name'"),
        ({"s": [{"job_name": "a"}]}, {"s": {"job_name": "b"}}, "s: expected a list, got a mapping"),
        ({"s": [{"job_name": "a"}]}, {"s": "b"}, "s: expected a list, got a value"),
        ({"s": {"t": {"u": 1}}}, {"s": {"t": [1]}}, "s.t: expected a mapping, got a list"),
        ({"s": {"u": 1}}, {"s": None}, "s: is empty, which would remove the whole mapping; leave it out, or write {state: absent}"),
        (
            {"c": [{"name": "a", "x": [{"name": "b"}]}]},
            {"c": [{"name": "a", "x": None}]},
            "c[a].x: is empty, which would remove the whole list",
        ),
        ([{"name": "a"}, {"name": "b"}], [{"name": "c", "state": "absent"}], "there is no item c to remove; there are: a, b"),
        ({"x": []}, {"x": [{"name": "c", "state": "absent"}]}, "x: there is no item c to remove"),
        (
            {"volumes": ["a:/a"]},
            {"volumes": [{"target": "/b", "state": "absent"}]},
            "volumes: there is nothing at /b to remove; there are: /a",
        ),
        ({"volumes": ["a:/a"]}, {"volumes": [{"path": "/a"}]}, "volumes: an item is text, or {target: PATH, state: absent}"),
    ],
)
def test_what_would_remove_more_than_it_says_is_refused(base: t.Any, override: t.Any, words: str) -> None:
    with pytest.raises(MergeError) as caught:
        merge(base, override, MOUNTS)
    assert str(caught.value).startswith(words)


@given(_MAPPINGS)
def test_an_empty_override_changes_nothing(base: t.Any) -> None:
    assert merge(base, {}) == base


def _merged(base: t.Any, override: t.Any) -> t.Any:
    """Return what an override that fits makes of *base*."""
    try:
        return merge(base, override)
    except MergeError:
        assume(False)


@given(_MAPPINGS, _MAPPINGS)
def test_arguments_are_left_alone(base: t.Any, override: t.Any) -> None:
    before = copy.deepcopy((base, override))
    _merged(base, override)
    assert (base, override) == before


@given(_MAPPINGS, _MAPPINGS)
def test_applying_twice_is_applying_once(base: t.Any, override: t.Any) -> None:
    once = _merged(base, override)
    assert merge(once, override) == once


@given(_MAPPINGS, _MAPPINGS)
def test_scalars_of_the_override_win_and_none_is_gone(base: t.Any, override: t.Any) -> None:
    merged = _merged(base, override)
    for key, value in override.items():
        if value is None:
            assert key not in merged
        elif not isinstance(value, (dict, list)):
            assert merged[key] == value
    assert merged.keys() <= base.keys() | override.keys()
    assert all(merged[key] == base[key] for key in base.keys() - override.keys())
