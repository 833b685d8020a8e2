# SPDX-License-Identifier: Apache-2.0
"""Databases, users and grants in a real MariaDB of the collection's own image."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import AlternateAccount, Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import ask

from .conftest import MariaDB

#: A name and a password with everything that could end a literal, an identifier or a pattern.
_ODD = Database("odd`na_me%'\"", "o'dd\\us`er", "pass'word\\\"; DROP USER x; -- # /*\té")


def _converge(server: MariaDB, *wanted: Database) -> list[str]:
    current = databases.parse(ask(server.lab.engine, server.container, databases.query(wanted)))
    statements = databases.plan(wanted, current)
    ask(server.lab.engine, server.container, databases.script(statements))
    return [f"{statement.subject}: {statement.reason}" for statement in statements]


def _login(server: MariaDB, wanted: Database) -> str:
    """Use the database as its user over TCP; the password goes the way of an option file, not of an argument."""
    password = wanted.password.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
    options = f'[client]\nhost=127.0.0.1\nport={server.port}\npassword="{password}"\n'
    script = 'cat >/tmp/o.cnf; exec mariadb --defaults-file=/tmp/o.cnf -u "$0" -D "$1" -e "CREATE OR REPLACE TABLE t (x INT); DROP TABLE t"'
    return server.lab.engine.exec(server.container, ["sh", "-c", script, wanted.user, wanted.name], stdin=options.encode()).output


@pytest.mark.parametrize("wanted", [Database("nova_api", "nova", "simple"), _ODD], ids=["plain", "odd"])
def test_a_database_is_made_once_and_can_be_used(mariadb: MariaDB, wanted: Database) -> None:
    assert _converge(mariadb, wanted) == [
        f"database {wanted.name}: it does not exist",
        f"user {wanted.user}: it does not exist",
        f"user {wanted.user}: it has no access to database {wanted.name}",
    ]
    assert _converge(mariadb, wanted) == []
    assert _login(mariadb, wanted) == ""


def test_a_new_database_is_utf8mb4(mariadb: MariaDB) -> None:
    _converge(mariadb, Database("charset", "charset", "p"))
    row = mariadb.sql("SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'charset'")
    assert row == "utf8mb4\n"


def test_a_password_is_changed_only_if_it_is_another(mariadb: MariaDB) -> None:
    wanted, other = Database("pw", "pw", "one"), Database("pw", "pw", "two")
    _converge(mariadb, wanted)
    assert "Access denied" in _login(mariadb, other)
    assert _converge(mariadb, other) == ["user pw: its password differs"]
    assert _converge(mariadb, other) == []
    assert _login(mariadb, other) == ""
    assert "Access denied" in _login(mariadb, wanted)


def test_two_accounts_of_a_pair_take_turns(mariadb: MariaDB) -> None:
    first, second = Database("pair", "pair", "one"), Database("pair", "pair_b", "two")
    _converge(mariadb, first)
    assert _converge(mariadb, dataclasses.replace(first, alternate=AlternateAccount("pair_b", "two"))) == [
        "user pair_b: it does not exist",
        "user pair_b: it has no access to database pair",
    ]
    assert _login(mariadb, first) == _login(mariadb, second) == ""
    assert _converge(mariadb, dataclasses.replace(second, alternate=AlternateAccount("pair", "one"))) == []
    retired = dataclasses.replace(second, alternate=AlternateAccount("pair"))
    assert _converge(mariadb, retired) == ["user pair: its password was rotated"]
    assert _converge(mariadb, retired) == []
    assert "Access denied" in _login(mariadb, first)
    assert _login(mariadb, second) == ""


def test_a_lost_or_partial_grant_is_mended(mariadb: MariaDB) -> None:
    wanted = Database("lost_grant", "lost", "p")
    _converge(mariadb, wanted)
    for statement in ("REVOKE ALL ON `lost\\_grant`.* FROM 'lost'@'%'", "REVOKE INSERT ON `lost\\_grant`.* FROM 'lost'@'%'"):
        mariadb.sql(statement)
        assert _converge(mariadb, wanted) == ["user lost: it has no access to database lost_grant"]
        assert _converge(mariadb, wanted) == []


def test_a_user_for_the_server_has_its_privileges_and_sees_no_data(mariadb: MariaDB) -> None:
    data, wanted = Database("data", "data", "d"), Database("watch", "watch", "one", privileges=["PROCESS", "SLAVE MONITOR"])
    _converge(mariadb, data)
    assert _converge(mariadb, wanted) == ["user watch: it does not exist", "user watch: it has no privilege PROCESS, SLAVE MONITOR"]
    assert _converge(mariadb, wanted) == []
    assert mariadb.sql("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'watch'") == ""
    assert "Access denied" in _login(mariadb, dataclasses.replace(wanted, name="data"))
    mariadb.sql("REVOKE PROCESS ON *.* FROM 'watch'@'%'")
    assert _converge(mariadb, wanted) == ["user watch: it has no privilege PROCESS"]
    assert "GRANT PROCESS, SLAVE MONITOR ON *.*" in mariadb.sql("SHOW GRANTS FOR 'watch'@'%'")
    moved = dataclasses.replace(wanted, user="watch_b", password="two", alternate=AlternateAccount("watch"))
    assert _converge(mariadb, moved) == [
        "user watch_b: it does not exist",
        "user watch_b: it has no privilege PROCESS, SLAVE MONITOR",
        "user watch: its password was rotated",
    ]
    assert _converge(mariadb, moved) == []


def test_a_user_without_any_privilege_may_come_in(mariadb: MariaDB) -> None:
    wanted = dataclasses.replace(_ODD, user="us'age", privileges=["USAGE"])
    assert _converge(mariadb, wanted) == ["user us'age: it does not exist"]
    assert _converge(mariadb, wanted) == []
    assert "Access denied" in _login(mariadb, dataclasses.replace(wanted, name="mysql"))
    login = ["--host=127.0.0.1", f"--port={mariadb.port}", f"--user={wanted.user}", f"--password={wanted.password}"]
    assert mariadb.sql("SHOW DATABASES", *login) == "information_schema\n"


def test_a_user_gets_no_access_to_a_similar_name(mariadb: MariaDB) -> None:
    _converge(mariadb, Database("a_c", "wild", "p"), Database("abc", "tame", "p"))
    assert "Access denied" in _login(mariadb, Database("abc", "wild", "p"))


def test_a_grant_by_hand_is_accepted(mariadb: MariaDB) -> None:
    mariadb.sql("CREATE DATABASE by_hand; CREATE USER 'hand'@'%' IDENTIFIED BY 'p'; GRANT ALL ON `by_hand`.* TO 'hand'@'%'")
    assert _converge(mariadb, Database("by_hand", "hand", "p")) == []


def test_a_refusal_does_not_show_the_statement(mariadb: MariaDB) -> None:
    with pytest.raises(EngineError) as caught:
        ask(mariadb.lab.engine, mariadb.container, "CREATE USER x IDENTIFIED BY 'hunter2' NONSENSE;")
    assert "refused: ERROR 1064" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_on_no_command_line(mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[t.Any] = []
    real = mariadb.lab.client.exec_create

    def exec_create(*args: t.Any, **options: t.Any) -> t.Any:
        seen.append((args, options))
        return real(*args, **options)

    monkeypatch.setattr(mariadb.lab.client, "exec_create", exec_create)
    _converge(mariadb, Database("hidden", "hidden", "hunter2"))
    assert len(seen) == 2
    assert "hunter2" not in str(seen)
