# SPDX-License-Identifier: Apache-2.0
"""Structural merge of an operator's override into data.

* Mappings merge key by key, in depth.
* Lists whose items are all mappings with a ``name`` (or ``path``) merge item by item: an override applies to every item of
  that name, new items are appended. An empty list replaces what was there.
* Any other value replaces what was there; ``None`` removes the key.
"""

from __future__ import annotations

import typing as t

#: Keys that identify an item of a list of mappings, in order of preference.
ITEM_KEYS = ("name", "path")


def merge(base: t.Any, override: t.Any) -> t.Any:
    """Return *base* with *override* applied; neither argument is changed."""
    if isinstance(override, t.Mapping):
        # where there was no mapping there is nothing to remove, but an override may say so
        return _merge_mappings(base if isinstance(base, t.Mapping) else {}, override)
    if isinstance(override, list):
        key = _item_key(base, override) if isinstance(base, list) and override else None
        return _merge_items(base, override, key) if key else [merge(None, item) for item in override]
    return override


def _merge_mappings(base: t.Mapping[str, t.Any], override: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    merged = dict(base)
    for key, value in override.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _item_key(base: list[t.Any], override: list[t.Any]) -> str | None:
    """Return the key that identifies the items of both lists, or None for plain lists."""
    items = [*base, *override]
    for key in ITEM_KEYS:
        if items and all(isinstance(item, t.Mapping) and isinstance(item.get(key), str) for item in items):
            return key
    return None


def _merge_items(base: list[t.Any], override: list[t.Any], key: str) -> list[t.Any]:
    merged = list(base)
    for change in override:
        places = [index for index, item in enumerate(merged) if item[key] == change[key]]
        for index in places:
            merged[index] = merge(merged[index], change)
        if not places:
            merged.append(merge({}, change))
    return merged
