# SPDX-License-Identifier: Apache-2.0
"""Operations of alembic, what each does to a schema, and how it is said. Pure.

Source: https://alembic.sqlalchemy.org/en/latest/ops.html
"""

from __future__ import annotations

import ast
import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.script_values import Value, label, last_name, meanings
from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.sql_statements import Kind

#: Parameters that name the table; an operation of a batch has none of them.
_TABLE = ("table_name", "source_table", "table")


@dataclasses.dataclass(frozen=True)
class SchemaChange:
    """What an operation does: kinds and short lines, and the table that it does it to."""

    findings: list[tuple[Kind, str]]
    table: str


@dataclasses.dataclass(frozen=True)
class _Operation:
    """Its parameters in their order, its kind, and how it is said of them."""

    parameters: tuple[str, ...]
    kind: Kind
    text: str


_OPERATIONS = {
    "create_table": _Operation(("table_name",), "additive", "adds table {table}"),
    "drop_table": _Operation(("table_name",), "destructive", "drops table {table}"),
    "rename_table": _Operation(("table_name", "new_table_name"), "destructive", "renames table {table} to {new_table_name}"),
    "create_table_comment": _Operation(("table_name",), "additive", "comments on table {table}"),
    "drop_table_comment": _Operation(("table_name",), "additive", "drops the comment on table {table}"),
    "drop_column": _Operation(("table_name", "column_name"), "destructive", "drops column {table}.{column_name}"),
    "drop_index": _Operation(("index_name", "table_name"), "index", "drops index {index_name} on {table}"),
    "create_unique_constraint": _Operation(
        ("constraint_name", "table_name"), "rewrite", "adds unique constraint {constraint_name} on {table}"
    ),
    "create_foreign_key": _Operation(("constraint_name", "source_table"), "rewrite", "adds foreign key {constraint_name} on {table}"),
    "create_primary_key": _Operation(("constraint_name", "table_name"), "rewrite", "adds primary key {constraint_name} on {table}"),
    "create_check_constraint": _Operation(("constraint_name", "table_name"), "rewrite", "adds check {constraint_name} on {table}"),
    "create_exclude_constraint": _Operation(("constraint_name", "table_name"), "rewrite", "adds exclusion {constraint_name} on {table}"),
    "drop_constraint": _Operation(("constraint_name", "table_name"), "rewrite", "drops constraint {constraint_name} on {table}"),
    "bulk_insert": _Operation(("table",), "rewrite", "inserts rows into {table}"),
    # what Neutron's scripts share: neutron/db/migration/__init__.py
    "alter_enum_add_value": _Operation(("table", "column_name"), "rewrite", "changes column {table}.{column_name}: type"),
    "create_foreign_keys": _Operation(("table",), "rewrite", "adds foreign keys of {table}"),
    "remove_foreign_keys": _Operation(("table",), "rewrite", "drops foreign keys of {table}"),
    "remove_fk_unique_constraints": _Operation(("table",), "rewrite", "drops unique constraints of {table}"),
    "remove_fks_from_table": _Operation(("table",), "rewrite", "drops foreign keys of {table} and adds them again"),
    "pk_on_alembic_version_table": _Operation((), "additive", "adds a primary key to alembic's own table"),
}
#: Operations that change nothing by themselves.
_NOTHING = frozenset({"batch_alter_table", "f", "get_bind", "get_context", "inline_literal"})
#: How projects call a function that does an operation unless it is done.
_UNLESS_DONE = ("_if_not_exists", "_if_exists")
#: Former names of parameters.
_FORMER = {"name": "constraint_name", "source": "source_table", "tablename": "table_name", "old_table_name": "table_name"}


def arguments(call: ast.Call, parameters: t.Sequence[str]) -> dict[str, ast.expr]:
    """Return what a call gives for each of *parameters*, and for each keyword; what a star stands for is left out."""
    given: dict[str, ast.expr] = {}
    for name, node in zip(parameters, call.args, strict=False):
        if isinstance(node, ast.Starred):
            break
        given[name] = node
    return given | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def helper(name: str) -> str:
    """Return the operation that a project's own function of this name does, empty if none is known."""
    for ending in _UNLESS_DONE:
        name = name.removesuffix(ending)
    return name if name in _OPERATIONS or name in _SPECIAL else ""


def read(name: str, call: Value, table: Value | None) -> SchemaChange | None:
    """Return what operation *name* does, for *table* if it is one of a batch; None if it is not known."""
    if name in _NOTHING:
        return SchemaChange([], "")
    special, operation = _SPECIAL.get(name), _OPERATIONS.get(name)
    parameters = special[0] if special else operation.parameters if operation else None
    if parameters is None or not isinstance(call.node, ast.Call):
        return None
    names = [parameter for parameter in parameters if table is None or parameter not in _TABLE]
    given = {_former(key, parameters): call.of(node) for key, node in arguments(call.node, names).items()}
    at = table or next((given[key] for key in _TABLE if key in given), None)
    where = label(at) if at else ""
    if special:
        return SchemaChange(special[1](where, given, call.node), where)
    if operation is None:
        return None
    said = {key: _name(given.get(key)) for key in parameters}
    text = operation.text if where else operation.text.removesuffix(" on {table}")
    return SchemaChange([(operation.kind, " ".join(text.format(**said | {"table": where or "?"}).split()))], where)


def _former(key: str, parameters: tuple[str, ...]) -> str:
    return _FORMER[key] if key not in parameters and _FORMER.get(key) in parameters else key


def _name(value: Value | None) -> str:
    """Return a name as it is said; a constraint may have none."""
    if value is None or (isinstance(value.node, ast.Constant) and value.node.value is None):
        return ""
    return label(value)


def _constant(value: Value | None) -> t.Any:
    """Return the value of a constant, itself for anything else, None for nothing."""
    if value is None:
        return None
    found = list(meanings(value))
    if len(found) == 1 and isinstance(found[0].node, ast.Constant):
        return found[0].node.value
    return value


_Given = dict[str, Value]
_Findings = list[tuple[Kind, str]]


def _add_column(table: str, given: _Given, _call: ast.Call) -> _Findings:
    found = list(meanings(given["column"])) if "column" in given else []
    if len(found) != 1 or not isinstance(found[0].node, ast.Call) or last_name(found[0].node.func) != "Column":
        return [("rewrite", f"adds a column to {table} that could not be read")]
    options = {key: found[0].of(node) for key, node in arguments(found[0].node, ("name",)).items()}
    column = f"{table}.{_name(options.get('name')) or '?'}"
    default = _constant(options.get("server_default")) is not None
    required = _constant(options.get("nullable")) not in (None, True) or _constant(options.get("primary_key")) not in (None, False)
    findings: _Findings = [("additive", f"adds column {column}")]
    if required and not default:
        findings = [("rewrite", f"adds column {column}, NOT NULL without a default")]
    if _constant(options.get("unique")) not in (None, False):
        # rows without a value do not collide
        findings.append(("rewrite" if required or default else "additive", f"adds a unique constraint on {column}"))
    return findings


def _alter_column(table: str, given: _Given, call: ast.Call) -> _Findings:
    column = f"{table}.{_name(given.get('column_name')) or '?'}"
    if any(keyword.arg is None for keyword in call.keywords):
        return [("destructive", f"changes column {column} in a way that could not be read")]
    for key in ("new_column_name", "name"):
        if key in given and _constant(given[key]) is not None:
            return [("destructive", f"renames column {column} to {_name(given[key])}")]
    changed = {"type_": "type", "nullable": "NULL allowed", "server_default": "default", "comment": "comment"}
    words = [word for key, word in changed.items() if key in given]
    if "nullable" in given and _constant(given["nullable"]) is not True:
        words[words.index("NULL allowed")] = "NOT NULL"
    return [("rewrite", f"changes column {column}: {', '.join(words) or 'in no way that could be read'}")]


def _create_index(table: str, given: _Given, _call: ast.Call) -> _Findings:
    unique = _constant(given.get("unique")) not in (None, False)
    name = _name(given.get("index_name"))
    return [("rewrite", f"creates unique index {name} on {table}") if unique else ("index", f"creates index {name} on {table}")]


_SPECIAL: dict[str, tuple[tuple[str, ...], t.Callable[[str, _Given, ast.Call], _Findings]]] = {
    "add_column": (("table_name", "column"), _add_column),
    "alter_column": (("table_name", "column_name"), _alter_column),
    "create_index": (("index_name", "table_name", "columns"), _create_index),
}
