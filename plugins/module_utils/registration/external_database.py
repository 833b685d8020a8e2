# SPDX-License-Identifier: Apache-2.0
"""A MariaDB server that somebody else runs: what is asked of it, and whether it can serve a cloud. Pure, but for :func:`ask`."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.urls import url_host
from ansible_collections.caisson.openstack.plugins.module_utils.engine import scripts
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases, external_sql

#: The oldest release with all that is asked of its system tables, and that its makers still maintain.
OLDEST = (10, 6)
MIN_CONNECTIONS = 100
#: What the administrator must have on all databases and be allowed to grant.
PRIVILEGES = frozenset(
    (
        *("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE TEMPORARY TABLES"),
        *("LOCK TABLES", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE", "EVENT", "TRIGGER", "CREATE USER"),
    )
)
_CHARACTER_SETS = ("utf8mb4", "utf8mb3", "utf8")
#: Kinds of rows are those of :func:`databases.query` and these; each row has three columns.
_QUESTIONS = [
    "SELECT 'variable', LOWER(VARIABLE_NAME), VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES"
    " WHERE VARIABLE_NAME IN ('MAX_CONNECTIONS', 'READ_ONLY', 'INNODB_SNAPSHOT_ISOLATION')",
    "SELECT 'own', PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE ="
    " CONCAT(CHAR(39), SUBSTRING_INDEX(CURRENT_USER(), '@', 1), CHAR(39), '@',"
    " CHAR(39), SUBSTRING_INDEX(CURRENT_USER(), '@', -1), CHAR(39))",
    "SELECT 'charset', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA",
]


class ExternalDatabaseError(Exception):
    """The server cannot be used; the message says why, and what to do. No message holds a password."""


@dataclasses.dataclass
class DatabaseServer:
    """Where the server listens, who may do everything there, and the image with which it is asked. With CA certificates TLS is a must."""

    host: str
    port: int
    user: str
    password: str = dataclasses.field(metadata={"no_log": True})
    image: str
    ca_certificates: str = ""

    @property
    def label(self) -> str:
        """Address and port."""
        return f"{url_host(self.host)}:{self.port}"


#: Returns what :func:`external_sql.main` returns for statements.
Ask = t.Callable[[list[str]], dict[str, t.Any]]


def asker(engine: Engine, server: DatabaseServer, cloud: str) -> Ask:
    """Return what runs statements on *server*, in one container for each call. Parameters go in by standard input."""

    def ask(statements: list[str]) -> dict[str, t.Any]:
        parameters = {**dataclasses.asdict(server), "statements": statements}
        try:
            answer = scripts.ask(engine, server.image, cloud, "external_database", external_sql, parameters)
        except scripts.ScriptError as error:
            raise ExternalDatabaseError(f"the external database at {server.label} could not be asked: {error}") from None
        return t.cast("dict[str, t.Any]", answer)

    return ask


def read(ask: Ask, server: DatabaseServer, wanted: t.Sequence[Database]) -> databases.DatabaseState:
    """Return what the server has.

    Raises:
        ExternalDatabaseError: if it does not answer, refuses the administrator, or cannot serve a cloud.
    """
    answer = ask([*_QUESTIONS, *databases.queries(wanted)])
    errors = problems(answer, wanted)
    if errors:
        lines = "\n".join(f"  - {error}" for error in errors)
        raise ExternalDatabaseError(f"the external database at {server.label} cannot be used; nothing was changed:\n{lines}")
    return databases.from_rows(answer["rows"])


def observe(ask: Ask, server: DatabaseServer, wanted: t.Sequence[Database], former: str, moved: bool) -> list[str]:
    """Return what is to be changed, as lines.

    Args:
        former: where the databases of the cloud were until now, if that is known.
        moved: whether the operator says that they are where they are wanted.

    Raises:
        ExternalDatabaseError: if the server cannot be used, or would be used without the data.
    """
    current = read(ask, server, wanted)
    now = f"the external server {server.label}"
    if not moved and databases.created(wanted, current):
        refuse_move(former, now)
    if not moved and former != now:
        _refuse_foreign(wanted, current, now)
    return [f"{statement.subject}: {statement.reason}" for statement in databases.plan(wanted, current)]


def _refuse_foreign(wanted: t.Sequence[Database], current: databases.DatabaseState, now: str) -> None:
    """Refuse a server that this cloud has not used before if another one seems to use it.

    Raises:
        ExternalDatabaseError: if it has users of these names with other passwords.
    """
    foreign = sorted({item.user for item in wanted if item.user in current.users - current.valid_passwords})
    if foreign:
        raise ExternalDatabaseError(
            f"{now} has users {', '.join(foreign)} with other passwords, maybe of another cloud, which would stop; nothing was changed. "
            "Use a server of its own for each cloud. If nobody uses them, drop them, or run with -e mariadb_data_moved=true"
        )


def refuse_move(former: str, now: str) -> None:
    """Refuse to use another server than the *former* one, if there was one, as if there were no data.

    Raises:
        ExternalDatabaseError: if there was one.
    """
    if former and former != now:
        raise ExternalDatabaseError(
            f"the databases of this cloud are in {former}, and {now} does not have them; nothing was changed. Move the data first "
            "(docs/region.md, External database and broker), or, if they need not be kept, run with -e mariadb_data_moved=true"
        )


def apply(ask: Ask, server: DatabaseServer, statements: t.Sequence[databases.Statement]) -> None:
    """Do all *statements*.

    Raises:
        ExternalDatabaseError: if the server refuses one.
    """
    answer = ask([databases.PREAMBLE.strip(), *(statement.text for statement in statements)])
    if answer["error"]:
        raise ExternalDatabaseError(f"the external database at {server.label} refused: {_plain(answer)}")


def problems(answer: t.Mapping[str, t.Any], wanted: t.Sequence[Database]) -> list[str]:
    """Return why a server that gave this *answer* cannot be used, each with what to do about it."""
    if answer["where"] in ("connect", "login", "tls"):
        remedy = {
            "connect": "Check mariadb_external_host, mariadb_external_port, the firewall, and, with TLS, mariadb_external_ca_file",
            "login": "Check mariadb_external_admin_user and mariadb_external_admin_password, and from which hosts that user may log in",
            "tls": "Turn TLS on in the server, or leave mariadb_external_ca_file empty",
        }
        return [f"{_plain(answer)}. {remedy[answer['where']]}"]
    if errors := _version(answer["version"]):
        return errors
    rows = answer["rows"]
    variables = {row[1]: row[2] for row in rows if row[0] == "variable"}
    errors = _variables(variables) + _privileges({row[1] for row in rows if row[0] == "own" and row[2] == "YES"})
    names = {item.name for item in wanted if not item.privileges}
    errors += [
        f"database {row[1]} exists with character set {row[2]}: convert it to {databases.CHARACTER_SET} (ALTER DATABASE, ALTER TABLE)"
        for row in rows
        if row[0] == "charset" and row[1] in names and row[2] not in _CHARACTER_SETS
    ]
    # without a privilege the questions fail that need it
    return errors or ([f"a question was refused: {_plain(answer)}"] if answer["error"] else [])


def _version(text: str) -> list[str]:
    # some put the version of a protocol before their own
    number = text.removeprefix("5.5.5-").split("-")[0]
    parts = number.split(".")
    if "mariadb" not in text.lower():
        return [f"it is {text}, but only MariaDB is supported"]
    if not all(part.isdigit() for part in parts[:2]) or tuple(map(int, parts[:2])) < OLDEST:
        return [f"it is MariaDB {number}, but {'.'.join(map(str, OLDEST))} or newer is needed: upgrade it"]
    return []


def _variables(variables: t.Mapping[str, str]) -> list[str]:
    errors = []
    if variables.get("read_only", "OFF") not in ("OFF", "0"):
        errors.append("it is read only: name the server that writes, or set read_only=OFF there")
    if int(variables.get("max_connections", MIN_CONNECTIONS)) < MIN_CONNECTIONS:
        errors.append(
            f"it accepts {variables['max_connections']} connections at the same time: set max_connections to {MIN_CONNECTIONS} or more, "
            "better 1000; each process of a service takes up to 55"
        )
    if variables.get("innodb_snapshot_isolation", "OFF") not in ("OFF", "0"):
        errors.append("innodb_snapshot_isolation is on, and services do not repeat what fails with its error 1020: set it to OFF")
    return errors


def _privileges(own: t.Collection[str]) -> list[str]:
    missing = ", ".join(sorted(PRIVILEGES.difference(own)))
    if not missing:
        return []
    return [f"the administrator lacks, or may not grant: {missing}. Run there: GRANT ALL ON *.* TO its account WITH GRANT OPTION"]


def _plain(answer: t.Mapping[str, t.Any]) -> str:
    """Return the error of an answer; a syntax error would repeat the statement, which may hold a password."""
    text = " ".join(str(answer["error"]).split(" near ", maxsplit=1)[0].split())
    return f"{text} (error {answer['code']})" if answer["code"] else text
