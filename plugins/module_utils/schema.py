# SPDX-License-Identifier: Apache-2.0
"""Dataclasses as the one declaration of an option: Ansible argument specs are derived from their fields.

A field's type gives the option's type, its default the option's default; a field without a default is required.
Supported types: ``str``, ``int``, ``bool``, ``list[...]``, ``dict[str, ...]``, ``Any``, ``Literal[...]``, another
dataclass, and lists of dataclasses. ``metadata={"no_log": True}`` marks a secret.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

T = t.TypeVar("T")

_SCALARS: dict[t.Any, str] = {str: "str", int: "int", bool: "bool", t.Any: "raw"}


class SchemaError(ValueError):
    """Data does not fit its declaration; ``messages`` holds one sentence per fault."""

    def __init__(self, messages: t.Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


@functools.lru_cache(maxsize=None)
def argument_spec(cls: type) -> dict[str, dict[str, t.Any]]:
    """Return the Ansible argument spec of dataclass *cls*."""
    hints = t.get_type_hints(cls)
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
        (hint,) = (arg for arg in t.get_args(hint) if arg is not type(None))
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


def load(cls: type[T], data: t.Mapping[str, t.Any], where: str) -> T:
    """Validate *data* against dataclass *cls* and return the instance.

    *where* names the place in messages, such as ``keystone_service``.

    Raises:
        SchemaError: with every fault found, each naming *where*, the key and what would be right.
    """
    if not isinstance(data, t.Mapping):
        raise SchemaError([f"{where}: expected a mapping, got {type(data).__name__}"])
    result = ArgumentSpecValidator(argument_spec(cls)).validate(dict(data))
    if result.error_messages:
        unknown = [_unknown(cls, path, where) for path in sorted(result.unsupported_parameters)]
        others = [f"{where}: {message}" for message in result.error_messages if "nsupported parameters" not in message]
        raise SchemaError(unknown + others)
    return construct(cls, result.validated_parameters)


def construct(cls: type[T], data: t.Mapping[str, t.Any]) -> T:
    """Build dataclass *cls* from *data* that was validated already (by Ansible, or by :func:`load`)."""
    hints = t.get_type_hints(cls)
    values = {}
    for field in dataclasses.fields(t.cast(t.Any, cls)):
        if field.name in data and data[field.name] is not None:
            values[field.name] = _construct(hints[field.name], data[field.name])
    return cls(**values)


def _construct(hint: t.Any, value: t.Any) -> t.Any:
    origin = t.get_origin(hint)
    if origin is t.Union:
        return _construct(next(arg for arg in t.get_args(hint) if arg is not type(None)), value)
    if origin is list:
        return [_construct(t.get_args(hint)[0], item) for item in value]
    if dataclasses.is_dataclass(hint):
        return construct(t.cast(type, hint), value)
    return value


def _unknown(cls: type, path: tuple[str, ...], where: str) -> str:
    """Name an unknown key, and the nearest one that exists where the key stands."""
    spec = argument_spec(cls)
    for part in path[:-1]:
        spec = spec[part]["options"]
    near = difflib.get_close_matches(path[-1], spec, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(spec))}"
    return f"{'.'.join((where, *path))}: unknown key; {hint}"
