# SPDX-License-Identifier: Apache-2.0
"""Dataclasses as the one declaration of an option: Ansible argument specs are derived from their fields.

A field's type gives the option's type, its default the option's default; a field without a default is required.
Supported types: ``str``, ``int``, ``float``, ``bool``, ``list[...]``, ``dict[str, ...]``, ``Any``, ``Literal[...]``, another
dataclass, and lists of dataclasses. ``metadata={"no_log": True}`` marks a secret.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import types
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

T = t.TypeVar("T")

_SCALARS: dict[t.Any, str] = {str: "str", int: "int", float: "float", bool: "bool", t.Any: "raw"}


@functools.cache
def _hints(cls: t.Any) -> dict[str, t.Any]:
    """Return the types of the fields of a dataclass; Python would evaluate their text anew at each call."""
    return t.get_type_hints(cls)


class SchemaError(ValueError):
    """Data does not fit its declaration; ``messages`` holds one sentence per error."""

    def __init__(self, messages: t.Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


@functools.cache
def argument_spec(cls: type) -> dict[str, dict[str, t.Any]]:
    """Return the Ansible argument spec of dataclass *cls*."""
    hints = _hints(cls)
    spec = {}
    for field in dataclasses.fields(cls):
        option = _option(hints[field.name])
        if field.default is not dataclasses.MISSING:
            option["default"] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            option["default"] = field.default_factory()
        else:
            option["required"] = True
        if option.get("default", ...) is None:
            del option["default"]
        if field.metadata.get("no_log") is not None:
            option["no_log"] = field.metadata["no_log"]
        spec[field.name] = option
    return spec


def _option(hint: t.Any) -> dict[str, t.Any]:
    """Return type, elements, options and choices of one option."""
    origin = t.get_origin(hint)
    if origin is t.Union:
        (hint,) = (arg for arg in t.get_args(hint) if arg is not types.NoneType)
        return _option(hint)
    if origin is t.Literal:
        return {"type": "str", "choices": list(t.get_args(hint))}
    if origin is list:
        inner = _option(t.get_args(hint)[0])
        return {"type": "list", "elements": inner.pop("type"), **inner}
    if origin is dict:
        return {"type": "dict"}
    if dataclasses.is_dataclass(hint):
        return {"type": "dict", "options": argument_spec(t.cast(type, hint))}
    return {"type": _SCALARS[hint]}


def load(cls: type[T], data: t.Any, where: str) -> T:
    """Check *data* against dataclass *cls* and return the instance.

    Stricter than Ansible's own check, which turns text into lists and lists into text: a number may be given as text and
    a boolean as ``yes`` or ``no``, because expressions yield such, but nothing else is converted.

    Args:
        where: names the place in messages, such as ``keystone_service``.

    Raises:
        SchemaError: with every error found, each naming the place, the value and what would be right.
    """
    errors: list[str] = []
    instance = _load(cls, data, where, errors)
    if errors:
        raise SchemaError(errors)
    return t.cast(T, instance)


def _load(cls: type, data: t.Any, where: str, errors: list[str]) -> t.Any:
    """Return the instance, or None after noting errors."""
    if not isinstance(data, t.Mapping):
        errors.append(f"{where}: expected a mapping, got {show(data)}")
        return None
    before = len(errors)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    hints = _hints(cls)
    errors += [_unknown(str(key), fields, where) for key in data if key not in fields]
    values = {}
    for name, field in fields.items():
        if data.get(name) is not None:
            hidden = bool(field.metadata.get("no_log"))
            values[name] = _convert(hints[name], data[name], f"{where}.{name}", errors, hidden)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            errors.append(f"{where}.{name}: is required")
    return cls(**values) if len(errors) == before else None


def _convert(hint: t.Any, value: t.Any, where: str, errors: list[str], hidden: bool = False) -> t.Any:
    """Return *value* as *hint* wants it, or None after noting an error; a *hidden* value is not shown."""
    origin = t.get_origin(hint)
    if origin is t.Union:
        return _convert(next(arg for arg in t.get_args(hint) if arg is not types.NoneType), value, where, errors, hidden)
    if origin is list and isinstance(value, list):
        return [_convert(t.get_args(hint)[0], item, f"{where}[{_label(item, at)}]", errors, hidden) for at, item in enumerate(value)]
    if origin is dict and isinstance(value, t.Mapping):
        return {str(key): _convert(t.get_args(hint)[1], item, f"{where}.{key}", errors, hidden) for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return _load(t.cast(type, hint), value, where, errors)
    try:
        return _scalar(hint, value)
    except (TypeError, ValueError):
        errors.append(f"{where}: expected {_expected(hint)}, got {'something else' if hidden else show(value)}")
        return None


def _scalar(hint: t.Any, value: t.Any) -> t.Any:
    """Return a scalar as *hint* wants it, or raise TypeError or ValueError."""
    if hint is t.Any or (t.get_origin(hint) is t.Literal and value in t.get_args(hint)):
        return value
    if hint is bool and isinstance(value, (bool, str)):
        return boolean(value)
    if hint is int and isinstance(value, (int, str)) and not isinstance(value, bool):
        return int(value)
    if hint is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number):
            return number
    if hint is str and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def check_option(option: t.Mapping[str, t.Any], value: t.Any, where: str, hidden: bool = False) -> list[str]:
    """Return what is wrong with *value* of an option of an Ansible argument spec; see :func:`convert_option`."""
    return convert_option(option, value, where, hidden)[1]


def convert_option(option: t.Mapping[str, t.Any], value: t.Any, where: str, hidden: bool = False) -> tuple[t.Any, list[str]]:
    """Return *value* in the type that an option of an Ansible argument spec declares, and what is wrong; as strict as :func:`load`.

    The inventory in INI format and ``-e name=value`` give text where YAML gives numbers and booleans.

    Args:
        where: names the option in messages.
        hidden: whether the value is a secret, which is not shown.
    """
    choices = [str(choice) for choice in option.get("choices") or []]
    if choices:
        if str(value) in choices:
            return option["choices"][choices.index(str(value))], []
        near = difflib.get_close_matches(value, choices, n=1) if isinstance(value, str) else []
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return value, [f"{where}: expected one of {', '.join(choices)}, got {show(value)}{hint}"]
    errors: list[str] = []
    return _convert(_hint(option.get("type", "str"), option.get("elements", "raw")), value, where, errors, hidden), errors


def _hint(kind: str, elements: str) -> t.Any:
    """Return the type that stands for one of Ansible's."""
    hints: dict[str, t.Any] = {"int": int, "float": float, "bool": bool, "dict": dict[str, t.Any], "raw": t.Any}
    return types.GenericAlias(list, (_hint(elements, "raw"),)) if kind == "list" else hints.get(kind, str)


def _expected(hint: t.Any) -> str:
    origin = t.get_origin(hint)
    if origin is t.Literal:
        return "one of " + ", ".join(t.get_args(hint))
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a mapping"}
    return words[origin or hint]


def _label(item: t.Any, at: int) -> str:
    """Return what names an item of a list in messages."""
    return str(item.get("name") or item.get("path") or at) if isinstance(item, t.Mapping) else str(at)


def show(value: t.Any) -> str:
    """Return a scalar as text, of anything else only what it is: it may hold a secret."""
    if isinstance(value, (t.Mapping, list)):
        return "a mapping" if isinstance(value, t.Mapping) else "a list"
    text = repr(value)
    return f"{text[:60]}..." if len(text) > 60 else text


def _unknown(key: str, known: t.Collection[str], where: str) -> str:
    """Name an unknown key, and the nearest one that exists where the key stands."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(known))}"
    return f"{where}.{key}: unknown key; {hint}"


def construct(cls: type[T], data: t.Mapping[str, t.Any]) -> T:
    """Build dataclass *cls* from *data* that Ansible validated already."""
    hints = _hints(t.cast(t.Any, cls))
    values = {}
    for field in dataclasses.fields(t.cast(t.Any, cls)):
        if field.name in data and data[field.name] is not None:
            values[field.name] = _construct(hints[field.name], data[field.name])
    return cls(**values)


def _construct(hint: t.Any, value: t.Any) -> t.Any:
    origin = t.get_origin(hint)
    if origin is t.Union:
        return _construct(next(arg for arg in t.get_args(hint) if arg is not types.NoneType), value)
    if origin is list:
        return [_construct(t.get_args(hint)[0], item) for item in value]
    if dataclasses.is_dataclass(hint):
        return construct(t.cast(type, hint), value)
    return dict(value) if origin is dict else value
