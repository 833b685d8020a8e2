# SPDX-License-Identifier: Apache-2.0
"""Structural merge of an operator's override into data.

* Mappings merge key by key, in depth.
* Lists whose items are all mappings with a ``name`` (or ``path``) merge item by item; new items are appended.
* Any other value replaces what was there; ``None`` removes the key.
"""

from __future__ import annotations

import typing as t

#: Keys that identify an item of a list of mappings, in order of preference.
ITEM_KEYS = ("name", "path")


def merge(base: t.Any, override: t.Any) -> t.Any:
    """Return *base* with *override* applied; neither argument is changed."""
    if isinstance(base, t.Mapping) and isinstance(override, t.Mapping):
        return _merge_mappings(base, override)
    if isinstance(base, list) and isinstance(override, list):
        key = _item_key(base, override)
        if key:
            return _merge_items(base, override, key)
    return override


def _merge_mappings(base: t.Mapping[str, t.Any], override: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    merged = dict(base)
    for key, value in override.items():
        if value is None:
            merged.pop(key, None)
        elif key in merged:
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _item_key(base: list[t.Any], override: list[t.Any]) -> str | None:
    """Return the key that identifies the items of both lists, or None for plain lists."""
    items = [*base, *override]
    for key in ITEM_KEYS:
        if items and all(isinstance(item, t.Mapping) and key in item for item in items):
            return key
    return None


def _merge_items(base: list[t.Any], override: list[t.Any], key: str) -> list[t.Any]:
    changes = {item[key]: item for item in override}
    merged = [merge(item, changes.pop(item[key])) if item[key] in changes else item for item in base]
    return merged + list(changes.values())
