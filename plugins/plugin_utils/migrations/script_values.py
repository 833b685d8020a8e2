# SPDX-License-Identifier: Apache-2.0
"""What names and expressions of a Python script stand for, as far as its text says: nothing is run. Pure."""

from __future__ import annotations

import ast
import dataclasses
import typing as t

#: Steps from name to name before something is given up as not readable.
_DEPTH = 6
#: Calls whose value is the text that they are given.
_TEXTUAL = frozenset({"text", "DDL", "dedent", "cleandoc", "f", "quoted_name"})
#: Methods of a text whose value begins as the text does.
_KEEPING = frozenset({"format", "strip", "rstrip", "lstrip"})


class Scope:
    """Names of a module or a function, and all that each may stand for."""

    def __init__(self, parent: Scope | None = None) -> None:
        self._parent = parent
        self._names: dict[str, list[Value]] = {}

    def add(self, name: str, *values: Value) -> None:
        """Let *name* stand for *values* too; without any it is known, and what it stands for is not."""
        self._names.setdefault(name, []).extend(values or [Value(None, self)])

    def replace(self, name: str, *values: Value) -> None:
        """Let *name* stand for *values* and nothing else."""
        self._names[name] = list(values)

    def find(self, name: str) -> list[Value] | None:
        """Return all that *name* may stand for, None if it is not a name of this scope or of those around it."""
        if name in self._names:
            return self._names[name]
        return self._parent.find(name) if self._parent else None


@dataclasses.dataclass(frozen=True)
class Value:
    """An expression and the names that it sees; without a node it is something that was not read."""

    node: ast.expr | None
    scope: Scope

    def of(self, node: ast.expr | None) -> Value:
        """Return another expression of the same place."""
        return Value(node, self.scope)


def meanings(value: Value, depth: int = _DEPTH) -> t.Iterator[Value]:
    """Yield what *value* may stand for, names followed to what they were given."""
    if isinstance(value.node, ast.IfExp):
        yield from meanings(value.of(value.node.body), depth)
        yield from meanings(value.of(value.node.orelse), depth)
        return
    known = value.scope.find(value.node.id) if isinstance(value.node, ast.Name) else None
    if known is None:
        yield value
    elif depth:
        for one in known:
            yield from meanings(one, depth - 1)
    else:
        yield value.of(None)


def dotted(value: Value, imports: t.Mapping[str, str]) -> str:
    """Return the full name of an attribute or a name, by what was imported; empty if it is neither or ambiguous."""
    if isinstance(value.node, ast.Attribute):
        base = dotted(value.of(value.node.value), imports)
        return f"{base}.{value.node.attr}" if base else ""
    if isinstance(value.node, ast.Name):
        found = list(meanings(value))
        if len(found) == 1 and found[0].node is not value.node:
            return dotted(found[0], imports)
        if value.scope.find(value.node.id) is None:
            return imports.get(value.node.id, "")
    return ""


def texts(value: Value, depth: int = _DEPTH) -> list[str | None]:
    """Return each text that *value* may be, None for one that was not read; what is filled in later stands in braces."""
    return [text for one in meanings(value) for text in _text(one, depth)]


def _text(value: Value, depth: int) -> list[str | None]:
    node = value.node
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if not depth:
        return [None]
    if isinstance(node, ast.JoinedStr):
        return ["".join(_part(value.of(part), depth - 1) for part in node.values)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        right = label(value.of(node.right), depth - 1)
        return [left if left is None else left + right for left in texts(value.of(node.left), depth - 1)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return [None if text is None else _fill(text, value.of(node.right), depth - 1) for text in texts(value.of(node.left), depth - 1)]
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPING:
            return texts(value.of(node.func.value), depth - 1)
        if last_name(node.func) in _TEXTUAL and node.args:
            return texts(value.of(node.args[0]), depth - 1)
    return [None]


def _fill(text: str, value: Value, depth: int) -> str:
    """Put values where ``%s`` stands."""
    for node in value.node.elts if isinstance(value.node, ast.Tuple) else [value.node]:
        text = text.replace("%s", label(value.of(node), depth), 1)
    return text


def _part(value: Value, depth: int) -> str:
    if isinstance(value.node, ast.Constant):
        return str(value.node.value)
    return label(value.of(value.node.value) if isinstance(value.node, ast.FormattedValue) else value, depth)


def label(value: Value, depth: int = _DEPTH) -> str:
    """Return the text of *value*, or the name of a table that it is, or else its expression in braces."""
    found = set(texts(value, depth))
    if len(found) == 1 and (text := found.pop()) is not None:
        return text
    tables = {table_name(one, depth) for one in meanings(value)} if depth else set()
    if len(tables) == 1 and (table := tables.pop()):
        return table
    if isinstance(value.node, ast.Call) and last_name(value.node.func) in _TEXTUAL and value.node.args and depth:
        return label(value.of(value.node.args[0]), depth - 1)
    shown = ast.unparse(value.node) if value.node else "?"
    return f"{{{shown if len(shown) <= 40 else shown[:39] + '…'}}}"


def table_name(value: Value, depth: int = _DEPTH) -> str:
    """Return the name of the table that the expression makes, empty if it makes none."""
    node = value.node
    if (
        isinstance(node, ast.Call)
        and last_name(node.func) in ("Table", "table", "create_table", "create_table_if_not_exists")
        and node.args
    ):
        return label(value.of(node.args[0]), depth - 1)
    return ""


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name, such as ``Table`` of ``sa.Table``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def elements(value: Value) -> list[Value] | None:
    """Return what a loop over *value* takes one after the other, None if the text does not say it."""
    found = list(meanings(value))
    if len(found) != 1:
        return None
    node, at = found[0].node, found[0]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)) and not any(isinstance(item, ast.Starred) for item in node.elts):
        return [at.of(item) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        return [at.of(key) for key in node.keys]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "items" and not node.args:
        return _items(at.of(node.func.value))
    return None


def _items(value: Value) -> list[Value] | None:
    found = list(meanings(value))
    if len(found) != 1 or not isinstance(found[0].node, ast.Dict):
        return None
    pairs = zip(found[0].node.keys, found[0].node.values, strict=True)
    return [found[0].of(ast.Tuple([key, item], ast.Load())) for key, item in pairs if key]
