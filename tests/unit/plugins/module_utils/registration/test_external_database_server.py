# SPDX-License-Identifier: Apache-2.0
"""Whether an external MariaDB server can serve a cloud. What a real server says: tests/integration."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import external_database
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import Statement
from ansible_collections.caisson.openstack.plugins.module_utils.registration.external_database import DatabaseServer, ExternalDatabaseError

SERVER = DatabaseServer("192.0.2.50", 3306, "root", "secret", "client")
WANTED = [Database("nova", "nova", "p")]
GRANTS = [["own", name, "YES"] for name in sorted(external_database.PRIVILEGES)]
HAS_ALL = [["database", "nova", ""], ["user", "nova", ""], ["password", "nova", ""], ["grant", "nova", "nova"]]


def answer(*rows: list[str], version: str = "11.8.3-MariaDB-deb13", **changes: t.Any) -> dict[str, t.Any]:
    return {"rows": [*GRANTS, *rows], "version": version, "error": "", "where": "", "code": 0, **changes}


def test_a_server_that_has_all_is_left_alone() -> None:
    assert external_database.problems(answer(), WANTED) == []
    assert external_database.observe(lambda _statements: answer(*HAS_ALL), SERVER, WANTED, "container mariadb", False) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"where": "connect", "error": "timed out", "code": 2003}, ["timed out (error 2003)", "mariadb_external_host"]),
        (
            {"where": "login", "error": "Access denied for user 'root'@'192.0.2.11'", "code": 1045},
            ["Access denied", "mariadb_external_admin_password"],
        ),
        ({"where": "tls", "error": "the server offers no TLS"}, ["no TLS", "mariadb_external_ca_file"]),
        ({"version": "8.4.3"}, ["it is 8.4.3", "only MariaDB"]),
        ({"version": "5.5.5-10.5.9-MariaDB-log"}, ["10.5.9", "10.6 or newer"]),
        ({"rows": [["own", name, "NO"] for name in external_database.PRIVILEGES]}, ["CREATE USER", "WITH GRANT OPTION"]),
        ({"rows": GRANTS[1:]}, [GRANTS[0][1], "WITH GRANT OPTION"]),
        ({"where": "query", "error": "SELECT command denied", "code": 1142}, ["a question was refused: SELECT command denied"]),
    ],
)
def test_one_that_cannot_serve_is_refused_with_what_to_do(changes: dict[str, t.Any], said: list[str]) -> None:
    (error,) = external_database.problems({**answer(), **changes}, WANTED)
    assert all(word in error for word in said), error


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["variable", "read_only", "ON"], "it is read only"),
        (["variable", "max_connections", "99"], "it accepts 99 connections"),
        (["variable", "innodb_snapshot_isolation", "ON"], "set it to OFF"),
        (["charset", "nova", "latin1"], "database nova exists with character set latin1"),
    ],
)
def test_settings_with_which_services_fail_are_refused(row: list[str], said: str) -> None:
    (error,) = external_database.problems(answer(row), WANTED)
    assert said in error


@pytest.mark.parametrize(
    "row",
    [
        ["variable", "read_only", "OFF"],
        ["variable", "max_connections", "100"],
        ["charset", "nova", "utf8mb3"],
        ["charset", "other", "latin1"],
    ],
)
def test_others_are_not(row: list[str]) -> None:
    assert external_database.problems(answer(row), WANTED) == []


def test_versions_with_and_without_the_prefix_of_replication_are_read() -> None:
    for version in ("10.6.0-MariaDB", "5.5.5-10.11.14-MariaDB-0+deb12u2", "12.0.2-MariaDB-ubu2404-log"):
        assert external_database.problems(answer(version=version), WANTED) == []


@pytest.mark.parametrize("former", ["container mariadb", "the external server 192.0.2.49:3306"])
def test_a_change_of_the_server_without_the_data_is_refused(former: str) -> None:
    def ask(_statements: list[str]) -> dict[str, t.Any]:
        return answer()

    with pytest.raises(ExternalDatabaseError, match=f"are in {former}.*192.0.2.50:3306 does not have them; nothing was changed"):
        external_database.observe(ask, SERVER, WANTED, former, False)
    assert external_database.observe(ask, SERVER, WANTED, former, True)
    assert external_database.observe(ask, SERVER, WANTED, "", False)
    # a new service
    assert external_database.observe(ask, SERVER, WANTED, "the external server 192.0.2.50:3306", False)


def test_a_server_that_another_cloud_uses_is_refused() -> None:
    def ask(_statements: list[str]) -> dict[str, t.Any]:
        return answer(*(row for row in HAS_ALL if row[0] != "password"))

    with pytest.raises(ExternalDatabaseError, match=r"has users nova with other passwords.*nothing was changed"):
        external_database.observe(ask, SERVER, WANTED, "", False)
    # the password was changed by hand
    changed = external_database.observe(ask, SERVER, WANTED, "the external server 192.0.2.50:3306", False)
    assert changed == external_database.observe(ask, SERVER, WANTED, "", True) == ["user nova: its password differs"]


def test_a_statement_that_is_refused_is_not_repeated() -> None:
    def ask(_statements: list[str]) -> dict[str, t.Any]:
        error = "You have an error in your SQL syntax; check the manual for the right syntax to use near 'BY 'secret'' at line 1"
        return answer(where="query", error=error, code=1064)

    with pytest.raises(ExternalDatabaseError) as caught:
        external_database.apply(ask, SERVER, [Statement("CREATE USER x IDENTIFIED BY 'secret'", "user x", "it does not exist")])
    assert "error 1064" in str(caught.value)
    assert "secret" not in str(caught.value)
