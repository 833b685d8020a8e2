# SPDX-License-Identifier: Apache-2.0
"""MariaDB databases and their users: what to ask, what to change. Pure, but for :func:`ask` and :func:`observe`."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import alternate_accounts

CHARACTER_SET = "utf8mb4"
#: Makes a backslash an ordinary character, so that quoting needs to know quotes only.
PREAMBLE = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n"
#: What tells a grant of everything from a smaller one.
_ALL_PRIVILEGES = (
    "'N' NOT IN (Select_priv, Insert_priv, Update_priv, Delete_priv, Create_priv, Drop_priv, Alter_priv, Index_priv, References_priv)"
)
#: The name of no privilege at all.
_NONE = "USAGE"
#: Users may come from any host that can reach the server's internal address.
HOST = "%"
_CLIENT = ["mariadb", "--batch", "--skip-column-names", "--raw"]


@dataclasses.dataclass(frozen=True)
class Statement:
    """A change, and why; ``text`` may hold a password and is never shown."""

    text: str
    subject: str
    reason: str


@dataclasses.dataclass(frozen=True)
class DatabaseState:
    """What the server has."""

    databases: frozenset[str]
    users: frozenset[str]
    valid_passwords: frozenset[str]
    grants: frozenset[tuple[str, str]]
    privileges: frozenset[tuple[str, str]] = frozenset()


def quote_name(name: str) -> str:
    """Return an identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """Return a string literal that means *text*; every session here starts with :data:`PREAMBLE`.

    Raises:
        ValueError: if the text holds a NUL, which no name or password may.
    """
    if "\0" in text:
        raise ValueError("a name or password must not hold a NUL character")
    return "'" + text.replace("'", "''") + "'"


def _pattern(name: str) -> str:
    """Return a database's name as a grant has it, where ``_`` and ``%`` would stand for other characters."""
    return name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def query(wanted: t.Sequence[Database]) -> str:
    """Return the SQL that reads everything :func:`parse` needs, one tab-separated row for each fact."""
    return "\n".join(queries(wanted)) + "\n"


def queries(wanted: t.Sequence[Database]) -> list[str]:
    """Return the statements of :func:`query`."""
    parts = [
        PREAMBLE.strip(),
        "SELECT 'database', SCHEMA_NAME, '' FROM information_schema.SCHEMATA;",
        f"SELECT 'user', User, '' FROM mysql.global_priv WHERE Host = '{HOST}';",
        f"SELECT 'grant', User, Db FROM mysql.db WHERE Host = '{HOST}' AND {_ALL_PRIVILEGES};",
        # a user is written there in quotes, and quotes of its name as they are
        "SELECT 'privilege', User, PRIVILEGE_TYPE FROM mysql.global_priv JOIN information_schema.USER_PRIVILEGES"
        f" ON GRANTEE = CONCAT(CHAR(39), User, CHAR(39), '@', CHAR(39), Host, CHAR(39)) WHERE Host = '{HOST}';",
    ]
    for user, password in sorted({(item.user, item.password) for item in alternate_accounts.accepted(wanted)}):
        parts.append(
            f"SELECT 'password', User, '' FROM mysql.global_priv WHERE Host = '{HOST}' AND User = {quote_text(user)}"
            f" AND JSON_VALUE(Priv, '$.authentication_string') = PASSWORD({quote_text(password)});"
        )
    return parts


def parse(output: str) -> DatabaseState:
    """Return what the rows of :func:`query` say."""
    return from_rows([row for row in (line.split("\t") for line in output.split("\n")) if len(row) == 3])


def from_rows(rows: t.Sequence[t.Sequence[str]]) -> DatabaseState:
    """Return what rows say that have a kind, a name and a further word."""

    def named(kind: str) -> frozenset[str]:
        return frozenset(row[1] for row in rows if row[0] == kind)

    def pairs(kind: str) -> frozenset[tuple[str, str]]:
        return frozenset((row[1], row[2]) for row in rows if row[0] == kind)

    return DatabaseState(named("database"), named("user"), named("password"), pairs("grant"), pairs("privilege"))


def created(wanted: t.Sequence[Database], current: DatabaseState) -> list[str]:
    """Return the databases that there were not."""
    return [item.name for item in new(wanted, current)]


def new(wanted: t.Sequence[Database], current: DatabaseState) -> list[Database]:
    """Return the wanted databases that the server does not have."""
    return [item for item in wanted if not item.privileges and item.name not in current.databases]


def plan(wanted: t.Sequence[Database], current: DatabaseState) -> list[Statement]:
    """Return the statements that make the server have what is *wanted*, in order."""
    statements: list[Statement] = []
    known = set(current.databases)
    users: set[str] = set()
    for item in alternate_accounts.accepted(wanted):
        if not item.privileges and item.name not in known:
            known.add(item.name)
            text = f"CREATE DATABASE IF NOT EXISTS {quote_name(item.name)} CHARACTER SET {CHARACTER_SET}"
            statements.append(Statement(text, f"database {item.name}", "it does not exist"))
        if item.user not in users:
            users.add(item.user)
            statements += _user(item, current)
        statements += _privileges(item, current) if item.privileges else _grant(item, current)
    for user in alternate_accounts.retired(wanted):
        if user in current.users:
            statements.append(Statement(f"DROP USER {_account(user)}", f"user {user}", "its password was rotated"))
    return statements


def _account(user: str) -> str:
    return f"{quote_text(user)}@'{HOST}'"


def _user(item: Database, current: DatabaseState) -> list[Statement]:
    account, password = _account(item.user), quote_text(item.password)
    if item.user not in current.users:
        return [Statement(f"CREATE USER {account} IDENTIFIED BY {password}", f"user {item.user}", "it does not exist")]
    if item.user not in current.valid_passwords:
        return [Statement(f"ALTER USER {account} IDENTIFIED BY {password}", f"user {item.user}", "its password differs")]
    return []


def _grant(item: Database, current: DatabaseState) -> list[Statement]:
    # a grant by hand has the name as it is, which means this database too
    if {(item.user, item.name), (item.user, _pattern(item.name))} & current.grants:
        return []
    text = f"GRANT ALL ON {quote_name(_pattern(item.name))}.* TO {_account(item.user)}"
    return [Statement(text, f"user {item.user}", f"it has no access to database {item.name}")]


def _privileges(item: Database, current: DatabaseState) -> list[Statement]:
    """Return the grant of what is missing.

    Raises:
        ValueError: if something is no privilege by its form.
    """
    wrong = [name for name in item.privileges if not re.fullmatch(r"[A-Z]+( [A-Z]+)*", name)]
    if wrong:
        raise ValueError(f"'{wrong[0]}' of user {item.user} is no privilege, such as 'PROCESS' or 'SLAVE MONITOR'")
    missing = ", ".join(name for name in item.privileges if name != _NONE and (item.user, name) not in current.privileges)
    if not missing:
        return []
    return [Statement(f"GRANT {missing} ON *.* TO {_account(item.user)}", f"user {item.user}", f"it has no privilege {missing}")]


def script(statements: t.Iterable[Statement]) -> str:
    """Return the text that does all *statements*."""
    return PREAMBLE + "".join(f"{statement.text};\n" for statement in statements)


def ask(engine: Engine, container: str, sql: str) -> str:
    """Run SQL in a container and return its rows; the error names no statement, because one may hold a password.

    Raises:
        EngineError: if the engine or the server refuses.
    """
    result = engine.exec(container, _CLIENT, stdin=sql.encode())
    if result.rc:
        # the client repeats the statement, and a syntax error the end of it
        errors = [line.split(" near ")[0] for line in result.stderr.splitlines() if line.startswith("ERROR ")]
        reason = errors[0] if errors else f"exit code {result.rc}"
        raise EngineError(f"MariaDB in container {container} refused: {reason}")
    return result.stdout


def observe(engine: Engine, container: str, wanted: t.Sequence[Database]) -> list[str]:
    """Return what is to be changed, as lines; it is not known while the container does not run.

    Raises:
        EngineError: if the engine or the server refuses.
        ValueError: if a name or password holds a NUL.
    """
    state = engine.container(container)
    if state is None or not state.running:
        return [f"container {container} is not running: databases and users are checked once it is"]
    return [f"{statement.subject}: {statement.reason}" for statement in plan(wanted, parse(ask(engine, container, query(wanted))))]
