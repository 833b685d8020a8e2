# SPDX-License-Identifier: Apache-2.0
"""Reads an alembic script: follows ``upgrade()`` through the functions of its file, and finds each change. Pure: nothing is run."""

from __future__ import annotations

import ast
import builtins
import contextlib
import sys
import typing as t

from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations import operations
from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.script_values import (
    Scope,
    Value,
    dotted,
    elements,
    label,
    last_name,
    meanings,
    table_name,
    texts,
)
from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.sql_statements import Kind, classify_sql

Finding = tuple[Kind, str]
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_OP = "alembic.op."
#: Parts of alembic and of other libraries whose functions change no schema by themselves.
_HARMLESS = frozenset(
    {"sqlalchemy", "alembic.context", "alembic.util", "neutron_lib", "oslo_config", "oslo_log", "oslo_serialization", "oslo_utils"}
)
#: Standard modules that could do anything.
_POWERFUL = frozenset({"ctypes", "importlib", "os", "runpy", "shutil", "sqlite3", "subprocess"})
#: Functions of a project whose name says that they look only.
_LOOKING = ("schema_has_", "has_", "get_", "is_")
#: Functions of Python itself that run a text.
_RUNNING = frozenset({"__import__", "compile", "eval", "exec"})
#: Methods that change a collection, so that a loop takes more than what it was made with.
_CHANGING = frozenset({"add", "append", "extend", "insert", "pop", "remove", "setdefault", "update"})
_EXECUTE = frozenset({"execute", "exec_driver_sql", "executescript", "scalar", "scalars"})
#: Words that a statement of SQLAlchemy has in its chain.
_STATEMENT = frozenset({"select", "insert", "update", "delete", "query", "exists", "union"})
_WRITES: dict[str, tuple[Kind, str]] = {
    "insert": ("rewrite", "inserts rows into"),
    "update": ("rewrite", "updates rows of"),
    "delete": ("destructive", "deletes rows of"),
}
_BULK = frozenset({"add_all", "merge", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"})
_MAKES: dict[str, tuple[Kind, str]] = {
    "create": ("additive", "adds"),
    "create_all": ("additive", "adds all of"),
    "drop": ("destructive", "drops"),
    "drop_all": ("destructive", "drops all of"),
}


class Reader:
    """Reads one script."""

    def __init__(self) -> None:
        self._functions: dict[str, _Function] = {}
        self._imports: dict[str, str] = {}
        self._module = Scope()
        self._found: list[Finding] = []
        self._made: set[str] = set()
        self._inside: list[str] = []
        self._changed: set[str] = set()
        #: Conditions around what is read: what is set there may be set or not.
        self._conditions = 0

    def read(self, source: str) -> list[Finding]:
        """Return each change that the script makes, with its kind; also what could not be read, as destructive."""
        try:
            tree = ast.parse(source)
            for node in ast.walk(tree):
                self._survey(node)
            self._block(tree.body, self._module)
            if "upgrade" not in self._functions:
                return [("destructive", "has no function upgrade() that could be read")]
            self._enter("upgrade", None)
        except SyntaxError as error:
            return [("destructive", f"could not be read: {error.msg} in line {error.lineno}")]
        except (RecursionError, ValueError):
            return [("destructive", "could not be read: it is no script, or too deep")]
        return self._found

    def _survey(self, node: ast.AST) -> None:
        """Note what is imported, and which collections are changed after they were made."""
        if isinstance(node, ast.Import):
            for name in node.names:
                self._imports[name.asname or name.name.split(".")[0]] = name.name if name.asname else name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                self._imports[name.asname or name.name] = f"{'.' * node.level}{node.module or ''}.{name.name}"
        elif (isinstance(node, ast.Attribute) and node.attr in _CHANGING) or (
            isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
        ):
            self._changed.add(last_name(node.value))

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, body: t.Sequence[ast.stmt], scope: Scope) -> None:
        for statement in body:
            self._statement(statement, scope)

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        if isinstance(node, _Function):
            self._functions[node.name] = node
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._loop(node, scope)
        elif isinstance(node, ast.Raise):
            self._visit_children(node, scope)
            if self._inside:
                raised = last_name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc) if node.exc else ""
                self._add("additive", f"may refuse to run: raises {raised}" if raised[:1].isupper() else "may refuse to run")
        elif isinstance(node, (ast.If, ast.While, ast.Try, ast.TryStar, ast.Match)):
            with self._condition():
                self._visit_children(node, scope)
        else:
            self._visit_children(node, scope)

    @contextlib.contextmanager
    def _condition(self) -> t.Iterator[None]:
        self._conditions += 1
        yield
        self._conditions -= 1

    def _visit_children(self, node: ast.AST, scope: Scope) -> None:
        """Visit what *node* has in it; then let the names that it sets stand for their values."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, scope)
            elif isinstance(child, ast.expr):
                self._visit(child, scope)
            else:
                self._visit_children(child, scope)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, Value(node.value, scope), scope)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value:
            self._bind(node.target, Value(node.value, scope), scope)
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                before = ast.Name(node.target.id, ast.Load())
                self._bind(node.target, Value(ast.BinOp(before, node.op, node.value), scope), scope)
        elif isinstance(node, ast.withitem) and node.optional_vars:
            self._bind(node.optional_vars, Value(node.context_expr, scope), scope, surely=True)
        elif isinstance(node, ast.comprehension):
            self._bind(node.target, Value(None, scope), scope)

    def _loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        self._visit(node.iter, scope)
        changed = any(isinstance(part, ast.Name) and part.id in self._changed for part in ast.walk(node.iter))
        taken = None if changed else elements(Value(node.iter, scope))
        for value in taken or []:
            self._bind(node.target, value, scope, surely=True)
            self._block(node.body, scope)
        with self._condition():
            if not taken:
                self._bind(node.target, Value(None, scope), scope, surely=True)
                self._block(node.body, scope)
            self._block(node.orelse, scope)

    def _bind(self, target: ast.expr, value: Value, scope: Scope, surely: bool = False) -> None:
        """Let the names of a target stand for *value*; under a condition they may also stand for what they did before."""
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = value.node.elts if isinstance(value.node, (ast.Tuple, ast.List)) else []
            for number, part in enumerate(target.elts):
                self._bind(part, value.of(parts[number] if len(parts) == len(target.elts) else None), scope, surely)
        elif isinstance(target, ast.Name):
            if value.node and any(isinstance(part, ast.Name) and part.id == target.id for part in ast.walk(value.node)):
                before = Scope(value.scope)
                before.replace(target.id, *(scope.find(target.id) or [Value(None, scope)]))
                value = Value(value.node, before)
            # now, because the names in it may soon stand for something else
            found = list(meanings(value))
            if self._conditions and not surely:
                scope.add(target.id, *found)
            else:
                scope.replace(target.id, *found)

    # -- expressions --------------------------------------------------------------------------------------------------

    def _visit(self, node: ast.expr, scope: Scope) -> None:
        if isinstance(node, ast.Call):
            self._call(node, scope)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and self._local(node, scope):
            self._enter(node.id, None)
        elif isinstance(node, (ast.Name, ast.Attribute)) and f"{dotted(Value(node, scope), self._imports)}.".startswith(_OP):
            self._add("destructive", f"uses {ast.unparse(node)} in a way that was not read")
        else:
            self._visit_children(node, scope)

    def _local(self, node: ast.expr, scope: Scope) -> bool:
        return isinstance(node, ast.Name) and node.id in self._functions and scope.find(node.id) is None

    def _call(self, node: ast.Call, scope: Scope) -> None:
        if isinstance(node.func, ast.Name) and self._local(node.func, scope):
            self._call_local(node, node.func.id, scope)
            return
        name = dotted(Value(node.func, scope), self._imports)
        if name.startswith(_OP):
            self._operation(node, name.removeprefix(_OP), scope, None)
        elif isinstance(node.func, ast.Attribute) and (table := self._batch(Value(node.func.value, scope))):
            self._operation(node, node.func.attr, scope, table)
        elif name:
            self._library(node, name, scope)
        elif isinstance(node.func, ast.Attribute):
            self._visit(node.func.value, scope)
            self._method(node, node.func, scope)
        else:
            self._unknown(node.func, scope)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self._visit(argument, scope)

    def _unknown(self, func: ast.expr, scope: Scope) -> None:
        """Look at a function that is neither of the file nor imported."""
        self._visit(func, scope)
        if isinstance(func, ast.Name):
            known = scope.find(func.id)
            local = known and all(isinstance(one.node, ast.Lambda) or self._is_function(one) for one in known)
            if (known is None and not hasattr(builtins, func.id)) or func.id in _RUNNING or (known and not local):
                self._add("destructive", f"calls {func.id}, which was not read")

    def _is_function(self, value: Value) -> bool:
        return isinstance(value.node, ast.Name) and self._local(value.node, value.scope)

    def _call_local(self, node: ast.Call, name: str, scope: Scope) -> None:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        for argument in given:
            # a name is read where the function uses it
            if self._local(argument, scope) or not isinstance(argument, (ast.Name, ast.Attribute)):
                self._visit(argument, scope)
        self._enter(name, Value(node, scope))

    def _enter(self, name: str, call: Value | None) -> None:
        """Follow a function of the file, or all methods of a class of it; without a call its parameters are not known."""
        function = self._functions[name]
        if name in self._inside:
            return
        inner = Scope(self._module)
        self._inside.append(name)
        if isinstance(function, ast.ClassDef):
            for method in function.body:
                if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    _give(method, None, inner)
                    self._block(method.body, inner)
        else:
            _give(function, call, inner)
            self._block(function.body, inner)
        self._inside.pop()

    # -- changes ------------------------------------------------------------------------------------------------------

    def _add(self, kind: Kind, detail: str, table: str = "") -> None:
        # nobody who is not of the new release knows a table that the script itself has made
        self._found.append(("additive" if table in self._made and kind != "destructive" else kind, detail))

    def _batch(self, value: Value) -> Value | None:
        """Return the table if *value* is what ``op.batch_alter_table`` returned."""
        for one in meanings(value):
            if isinstance(one.node, ast.Call) and dotted(one.of(one.node.func), self._imports) == f"{_OP}batch_alter_table":
                return one.of(operations.arguments(one.node, ("table_name",)).get("table_name"))
        return None

    def _operation(self, node: ast.Call, name: str, scope: Scope, table: Value | None) -> None:
        if name == "execute":
            self._executed(node, scope)
            return
        change = operations.read(name, Value(node, scope), table)
        if change is None:
            self._add("destructive", f"calls op.{name}, which is not known")
            return
        for kind, detail in change.findings:
            self._add(kind, detail, change.table)
        if name == "create_table":
            self._made.add(change.table)

    def _library(self, node: ast.Call, name: str, scope: Scope) -> None:
        first, last = name.lstrip(".").split(".")[0], name.rsplit(".", 1)[-1]
        if first == "sqlalchemy" and last in _WRITES:
            kind, verb = _WRITES[last]
            table = label(Value(node.args[0], scope)) if node.args else "?"
            self._add(kind, f"{verb} {table}", table)
        elif last in _EXECUTE:
            self._executed(node, scope)
        elif operations.helper(last):
            self._operation(node, operations.helper(last), scope, None)
        elif (
            first in _HARMLESS
            or ".".join(name.split(".")[:2]) in _HARMLESS
            or (first in sys.stdlib_module_names and first not in _POWERFUL)
        ):
            return
        elif last != "_" and not last.startswith(_LOOKING) and not last[0].isupper():
            self._add("destructive", f"calls {name}, which is in another file and was not read")

    def _method(self, node: ast.Call, func: ast.Attribute, scope: Scope) -> None:
        name, owner = func.attr, Value(func.value, scope)
        if name in _EXECUTE:
            self._executed(node, scope)
        elif name in _WRITES and _writes(node, owner):
            kind, verb = _WRITES[name]
            table = _target(owner)
            self._add(kind, f"{verb} {table}", table)
        elif name in _BULK or (name == "add" and "session" in ast.unparse(func.value).lower()):
            self._add("rewrite", f"writes rows: {ast.unparse(func)}()")
        elif name in _MAKES:
            kind, verb = _MAKES[name]
            self._add(kind, f"{verb} {label(owner)}")

    def _executed(self, node: ast.Call, scope: Scope) -> None:
        """Find what an executed statement does. One that is made of SQLAlchemy's functions was found where it is made."""
        given = node.args[0] if node.args else next((keyword.value for keyword in node.keywords if keyword.arg), None)
        for one in meanings(Value(given, scope)):
            for text in texts(one):
                if text is not None:
                    for kind, detail in classify_sql(text):
                        self._add(kind, detail)
                elif not _is_statement(one):
                    self._add("destructive", f"runs SQL that could not be read: {label(one)}")


def _give(function: ast.FunctionDef | ast.AsyncFunctionDef, call: Value | None, scope: Scope) -> None:
    """Let the parameters of a function stand for what the call gives, or else for their defaults."""
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    given = operations.arguments(call.node, names) if call and isinstance(call.node, ast.Call) else {}
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    extra = [function.args.vararg, function.args.kwarg]
    for name in [*names, *(argument.arg for argument in function.args.kwonlyargs), *(argument.arg for argument in extra if argument)]:
        if name in given and call:
            scope.replace(name, call.of(given[name]))
        else:
            scope.replace(name, Value(defaults.get(name), scope))


def _writes(node: ast.Call, owner: Value) -> bool:
    """Whether ``insert``, ``update`` or ``delete`` is one of a table or a query, as far as that can be told; in doubt it is."""
    plain = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
    if all(isinstance(one.node, plain) for one in meanings(owner)):
        return False
    return len(node.args) < 2


def _target(owner: Value) -> str:
    """Return the table that is written: the owner, or what it queries."""
    for one in meanings(owner):
        node = one.node
        while isinstance(node, (ast.Call, ast.Attribute)):
            if isinstance(node, ast.Call) and last_name(node.func) == "query" and node.args:
                return label(one.of(node.args[0]))
            if table_name(one.of(node)):
                break
            node = node.func if isinstance(node, ast.Call) else node.value
    return label(owner)


def _is_statement(value: Value, depth: int = 6) -> bool:
    """Whether *value* is a statement made of SQLAlchemy's functions."""
    node = value.node
    while isinstance(node, (ast.Call, ast.Attribute)):
        if isinstance(node, ast.Call) and last_name(node.func) in _STATEMENT:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name) and depth and node is not value.node:
        return any(_is_statement(one, depth - 1) for one in meanings(value.of(node)))
    return False
