# SPDX-License-Identifier: Apache-2.0
"""Structural merge of an operator's override into data; docs/operate.md, "Change configuration", has the same rules.

* Mappings merge key by key, in depth. ``None`` removes a single value.
* Lists of mappings merge item by item where each has a key that names it (:data:`ITEM_KEYS`): an override applies to every item of
  that name, new items are appended. Lists of mounts merge by the path in the container (:data:`MOUNTS`).
* Any other value, lists included, replaces what was there.
* ``{state: absent}`` removes what it stands for: a section or list, or the item whose name stands beside it.
* ``{state: replaced}`` as the first item of a list makes the other items the whole list. So does an empty list.

What would remove more than it says is refused: no value where a mapping or a list of items was, or one of another kind.
"""

from __future__ import annotations

import types
import typing as t

#: Keys that name an item of a list of mappings, in order of preference.
ITEM_KEYS = ("name", "path", "job_name", "alert", "record")
#: Lists of text in a definition that merge by a path in the container, and which part of an item, between colons, that is.
MOUNTS: t.Mapping[str, int] = {"volumes": 1, "devices": 1, "tmpfs": 0}
_NO_MOUNTS: t.Mapping[str, int] = types.MappingProxyType({})
_ABSENT = "absent"
_REPLACED = {"state": "replaced"}


class MergeError(ValueError):
    """An override does not fit what it changes; the message says where and why."""


def merge(base: t.Any, override: t.Any, mounts: t.Mapping[str, int] = _NO_MOUNTS, where: str = "") -> t.Any:
    """Return *base* with *override* applied; neither argument is changed.

    Args:
        mounts: lists that merge by the path of a mount, see :data:`MOUNTS`.
        where: names the place in messages.

    Raises:
        MergeError: if the override is of another kind than what it changes.
    """
    if isinstance(base, t.Mapping) and base and not isinstance(override, t.Mapping):
        raise MergeError(f"{_at(where)}expected a mapping, got {_kind(override)}")
    if _items(base) and not isinstance(override, list):
        raise MergeError(f"{_at(where)}expected a list, got {_kind(override)}")
    if isinstance(override, t.Mapping):
        # where there was no mapping there is nothing to remove, but an override may say so
        return _merge_mappings(base if isinstance(base, t.Mapping) else {}, override, mounts, where)
    if isinstance(override, list):
        return _merge_lists(base if isinstance(base, list) else [], override, mounts, where)
    return override


def _merge_mappings(
    base: t.Mapping[str, t.Any], override: t.Mapping[str, t.Any], mounts: t.Mapping[str, int], where: str
) -> dict[str, t.Any]:
    merged = dict(base)
    for key, value in override.items():
        place = f"{where}.{key}" if where else str(key)
        current = base.get(key)
        if value is None and current and (isinstance(current, t.Mapping) or _items(current)):
            what = "mapping" if isinstance(current, t.Mapping) else "list"
            raise MergeError(
                f"{place}: is empty, which would remove the whole {what}; leave it out, or write {{state: absent}} to remove it"
            )
        if value is None or value == {"state": _ABSENT}:
            merged.pop(key, None)
        elif key in mounts and isinstance(value, list) and isinstance(current, list) and value and value[0] != _REPLACED:
            merged[key] = _merge_mounts(current, value, mounts[key], place)
        else:
            merged[key] = merge(current, value, mounts, place)
    return merged


def _merge_lists(base: list[t.Any], override: list[t.Any], mounts: t.Mapping[str, int], where: str) -> list[t.Any]:
    if override[:1] == [_REPLACED]:
        base, override = [], override[1:]
    if not override or not _items(base) or not all(_name(item)[0] for item in base):
        removed = next((item for item in override if _removes(item)), None)
        if removed:
            raise MergeError(f"{_at(where)}there is no item {_name(removed)[1]} to remove")
        return [merge(None, item, mounts, where) for item in override]
    return _merge_items(base, override, mounts, where)


def _merge_items(base: list[t.Any], override: list[t.Any], mounts: t.Mapping[str, int], where: str) -> list[t.Any]:
    merged = list(base)
    for change in override:
        key, name = _name(change)
        if not key:
            named = " or ".join(dict.fromkeys(_name(item)[0] for item in base))
            remedy = "begin the list with {state: replaced} to replace it as a whole"
            raise MergeError(f"{_at(where)}an item has no '{named}', which identifies the items of this list; {remedy}")
        places = [index for index, item in enumerate(merged) if item.get(key) == name]
        if _removes(change):
            if not places:
                has = ", ".join(str(item[key]) for item in merged if key in item)
                raise MergeError(f"{_at(where)}there is no item {name} to remove; there are: {has}")
            merged = [item for item in merged if item.get(key) != name]
            continue
        for index in places:
            merged[index] = merge(merged[index], change, mounts, f"{where}[{name}]")
        if not places:
            merged.append(merge({}, change, mounts, f"{where}[{name}]"))
    return merged


def _merge_mounts(base: list[t.Any], override: list[t.Any], part: int, where: str) -> list[t.Any]:
    """Return mounts of which those of *override* take the place of those at the same path in the container."""
    merged = {_target(item, part): item for item in base}
    for item in override:
        target = _target(item, part)
        if isinstance(item, t.Mapping):
            if item != {"target": target, "state": _ABSENT}:
                raise MergeError(f"{where}: an item is text, or {{target: PATH, state: absent}} to remove one")
            if target not in merged:
                raise MergeError(f"{where}: there is nothing at {target} to remove; there are: {', '.join(map(str, merged))}")
            del merged[target]
        else:
            merged[target] = item
    return list(merged.values())


def _target(item: t.Any, part: int) -> t.Any:
    """Return the path in the container of a mount, or of a removal of one."""
    if isinstance(item, t.Mapping):
        return str(item.get("target"))
    parts = str(item).split(":")
    target = parts[part] if part < len(parts) else parts[0]
    return target.rstrip("/") or target


def _items(value: t.Any) -> bool:
    """Return whether *value* is a list of mappings, which is more than a single value."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, t.Mapping) for item in value)


def _name(item: t.Any) -> tuple[str, str]:
    """Return key and value of what names an item, or empty text."""
    if isinstance(item, t.Mapping):
        for key in ITEM_KEYS:
            if isinstance(item.get(key), str):
                return key, item[key]
    return "", ""


def _removes(item: t.Any) -> bool:
    key, name = _name(item)
    return bool(key) and item == {key: name, "state": _ABSENT}


def _at(where: str) -> str:
    return f"{where}: " if where else ""


def _kind(value: t.Any) -> str:
    """Return what a value is; itself it may be a secret."""
    return (
        "a mapping" if isinstance(value, t.Mapping) else "a list" if isinstance(value, list) else "nothing" if value is None else "a value"
    )
