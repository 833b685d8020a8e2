# SPDX-License-Identifier: Apache-2.0
"""MariaDB databases and their users: what to ask, what to change. Pure: SQL text out, rows in."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import standby
from ansible_collections.caisson.openstack.plugins.module_utils.definition import Database

CHARACTER_SET = "utf8mb4"
#: Makes a backslash an ordinary character, so that quoting needs to know quotes only.
PREAMBLE = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n"
#: What tells a grant of everything from a smaller one.
_ALL_PRIVILEGES = (
    "'N' NOT IN (Select_priv, Insert_priv, Update_priv, Delete_priv, Create_priv, Drop_priv, Alter_priv, Index_priv, References_priv)"
)
#: Users may come from any host that can reach the server's internal address.
HOST = "%"


@dataclasses.dataclass(frozen=True)
class Statement:
    """A change, and why; ``text`` may hold a password and is never shown."""

    text: str
    subject: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Current:
    """What the server has."""

    databases: frozenset[str]
    users: frozenset[str]
    valid_passwords: frozenset[str]
    grants: frozenset[tuple[str, str]]


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
    parts = [
        PREAMBLE.strip(),
        "SELECT 'database', SCHEMA_NAME, '' FROM information_schema.SCHEMATA;",
        f"SELECT 'user', User, '' FROM mysql.global_priv WHERE Host = '{HOST}';",
        f"SELECT 'grant', User, Db FROM mysql.db WHERE Host = '{HOST}' AND {_ALL_PRIVILEGES};",
    ]
    for user, password in sorted({(item.user, item.password) for item in standby.accepted(wanted)}):
        parts.append(
            f"SELECT 'password', User, '' FROM mysql.global_priv WHERE Host = '{HOST}' AND User = {quote_text(user)}"
            f" AND JSON_VALUE(Priv, '$.authentication_string') = PASSWORD({quote_text(password)});"
        )
    return "\n".join(parts) + "\n"


def parse(output: str) -> Current:
    """Return what the rows of :func:`query` say."""
    rows = [row for row in (line.split("\t") for line in output.split("\n")) if len(row) == 3]

    def named(kind: str) -> frozenset[str]:
        return frozenset(row[1] for row in rows if row[0] == kind)

    grants = frozenset((row[1], row[2]) for row in rows if row[0] == "grant")
    return Current(named("database"), named("user"), named("password"), grants)


def plan(wanted: t.Sequence[Database], current: Current) -> list[Statement]:
    """Return the statements that make the server have what is *wanted*, in order."""
    statements: list[Statement] = []
    created: set[str] = set()
    users: set[str] = set()
    for item in standby.accepted(wanted):
        if item.name not in current.databases | created:
            created.add(item.name)
            text = f"CREATE DATABASE IF NOT EXISTS {quote_name(item.name)} CHARACTER SET {CHARACTER_SET}"
            statements.append(Statement(text, f"database {item.name}", "it does not exist"))
        if item.user not in users:
            users.add(item.user)
            statements += _user(item, current)
        # a grant by hand has the name as it is, which means this database too
        if not {(item.user, item.name), (item.user, _pattern(item.name))} & current.grants:
            text = f"GRANT ALL ON {quote_name(_pattern(item.name))}.* TO {_account(item.user)}"
            statements.append(Statement(text, f"user {item.user}", f"it has no access to database {item.name}"))
    for user in standby.retired(wanted):
        if user in current.users:
            statements.append(Statement(f"DROP USER {_account(user)}", f"user {user}", "its password was rotated"))
    return statements


def _account(user: str) -> str:
    return f"{quote_text(user)}@'{HOST}'"


def _user(item: Database, current: Current) -> list[Statement]:
    account, password = _account(item.user), quote_text(item.password)
    if item.user not in current.users:
        return [Statement(f"CREATE USER {account} IDENTIFIED BY {password}", f"user {item.user}", "it does not exist")]
    if item.user not in current.valid_passwords:
        return [Statement(f"ALTER USER {account} IDENTIFIED BY {password}", f"user {item.user}", "its password is another")]
    return []


def script(statements: t.Iterable[Statement]) -> str:
    """Return the text that does all *statements*."""
    return PREAMBLE + "".join(f"{statement.text};\n" for statement in statements)
