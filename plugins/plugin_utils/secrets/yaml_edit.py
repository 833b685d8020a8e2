# SPDX-License-Identifier: Apache-2.0
"""Change values in the text of a YAML file and leave all else as its owner wrote it: comments, order, encrypted values."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.model import formats

# it comes with ansible-core on the controller, the only place where secrets are kept
with contextlib.suppress(ImportError):
    import yaml

#: The one mapping that is changed.
KEY = "cloud_secrets"
_VAULT = "!vault"
_HEADER = "# Made by caisson.openstack. Keep it: it cannot be made again. ansible-vault encrypt works on it.\n"


class SecretFileError(ValueError):
    """The text is not a file of secrets; the message never quotes it."""


@dataclasses.dataclass(frozen=True)
class Encrypted:
    """A value that ansible-vault encrypted by itself."""

    text: str


def edit(text: str, changes: t.Mapping[str, t.Any]) -> str:
    """Return *text* with *changes* in its mapping :data:`KEY`; a new name goes to the top of it.

    Raises:
        SecretFileError: if the text is not YAML with such a mapping, or not with room for one.
    """
    if not text.strip():
        return _HEADER + _block(changes)
    document = _compose(text)
    if document is None:
        return _ended(text) + _block(changes)
    if not isinstance(document, yaml.MappingNode):
        raise SecretFileError("it must be a mapping")
    for key, value in document.value:
        if key.value == KEY:
            return _edit_mapping(text, value, changes)
    if document.flow_style:
        raise SecretFileError(f"it is a mapping in braces without '{KEY}'; write it as a block")
    return _ended(text) + _block(changes)


def encrypted(text: str) -> dict[str, Encrypted]:
    """Return, of the values in the mapping :data:`KEY`, those that are encrypted by themselves; of a list its first such item."""
    document = _compose(text)
    found: dict[str, Encrypted] = {}
    sections = document.value if isinstance(document, yaml.MappingNode) else []
    for section in (value for key, value in sections if key.value == KEY and isinstance(value, yaml.MappingNode)):
        for name, value in section.value:
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for item in items:
                if item.tag == _VAULT:
                    found.setdefault(name.value, Encrypted(item.value))
    return found


def _compose(text: str) -> t.Any:
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        _check_names(document)
        return document
    except yaml.MarkedYAMLError as error:
        # PyYAML's own words may quote the text
        where = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SecretFileError(f"it is not YAML{where}") from None
    except yaml.YAMLError:
        raise SecretFileError("it is not YAML") from None
    except RecursionError:
        raise SecretFileError("it is nested too deeply") from None


def _check_names(document: t.Any) -> None:
    """Refuse a name that one mapping has twice, of which YAML keeps the last."""
    nodes, seen = [document], set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue  # an alias
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            twice = formats.repeated_key(node)
            if twice:
                raise SecretFileError(
                    f"line {twice[0]} gives a value for the same name as line {twice[1]}; remove the one that is not in use"
                )
            nodes += [value for _key, value in node.value]


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _block(values: t.Mapping[str, t.Any]) -> str:
    return f"{KEY}:\n" + "".join(f"  {_item(name, values[name])}\n" for name in sorted(values))


def _item(name: str, value: t.Any) -> str:
    return f"{name}: {_flow(value)}"


def _flow(value: t.Any) -> str:
    if isinstance(value, Encrypted):
        return f"{_VAULT} {json.dumps(value.text)}"
    if isinstance(value, t.Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    # JSON is YAML, and quotes keep what looks like a number a text
    return json.dumps(value)


def _edit_mapping(text: str, mapping: t.Any, changes: t.Mapping[str, t.Any]) -> str:
    if isinstance(mapping, yaml.ScalarNode) and mapping.tag == "tag:yaml.org,2002:null":
        flow = ", ".join(_item(name, changes[name]) for name in sorted(changes))
        return f"{text[: mapping.start_mark.index]} {{{flow}}}{text[mapping.end_mark.index :]}"
    if not isinstance(mapping, yaml.MappingNode):
        raise SecretFileError(f"'{KEY}' must be a mapping of names and values")
    edits: list[tuple[int, int, str]] = []
    present = {key.value: (key, value) for key, value in mapping.value}
    for name in changes.keys() & present.keys():
        key, value = present[name]
        edits.append((key.start_mark.index, _end(text, value), _item(name, changes[name])))
    added = [_item(name, changes[name]) for name in sorted(changes.keys() - present.keys())]
    if mapping.flow_style:
        start = mapping.start_mark.index + 1
        edits.append((start, start, "".join(f"{item}, " for item in added)))
    else:
        start, indent = mapping.start_mark.index, " " * mapping.start_mark.column
        edits.append((start, start, "".join(f"{item}\n{indent}" for item in added)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _end(text: str, node: t.Any) -> int:
    """Return where a value ends; that of a block reaches to the next token, over comments that are not its own."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(text, node.value[-1])
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(text, node.value[-1][1])
    start, end = node.start_mark.index, node.end_mark.index
    return int(start + len(text[start:end].rstrip()))
