# SPDX-License-Identifier: Apache-2.0
"""SQL for databases. What a server makes of it: tests/integration."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import AlternateAccount, Database
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import DatabaseState

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def _unquote(literal: str, quote: str) -> str:
    """Read a literal as the server does without backslash escapes: it ends at the first quote that is not doubled."""
    assert literal[0] == quote
    text, at = "", 1
    while at < len(literal):
        if literal[at] == quote:
            if literal[at + 1 : at + 2] != quote:
                break
            at += 1
        text += literal[at]
        at += 1
    assert at == len(literal) - 1, "the literal ends before its text"
    return text


@given(_TEXT)
def test_a_literal_means_its_text_whatever_that_is(text: str) -> None:
    assert _unquote(databases.quote_text(text), "'") == text


@given(_TEXT)
def test_an_identifier_means_its_name_whatever_that_is(name: str) -> None:
    assert _unquote(databases.quote_name(name), "`") == name


def test_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        databases.quote_text("a\0b")


_NOVA = [Database("nova", "nova", "p"), Database("nova_api", "nova", "p")]


def _subjects(wanted: list[Database], current: DatabaseState) -> list[tuple[str, str]]:
    return [(statement.subject, statement.reason) for statement in databases.plan(wanted, current)]


def test_an_empty_server_gets_everything_and_each_user_once() -> None:
    assert _subjects(_NOVA, databases.parse("")) == [
        ("database nova", "it does not exist"),
        ("user nova", "it does not exist"),
        ("user nova", "it has no access to database nova"),
        ("database nova_api", "it does not exist"),
        ("user nova", "it has no access to database nova_api"),
    ]


def test_rows_of_the_server_are_understood() -> None:
    rows = "database\tnova\t\ndatabase\tnova_api\t\nuser\tnova\t\ngrant\tnova\tnova\ngrant\tnova\tnova\\_api\npassword\tnova\t\n"
    current = databases.parse(rows)
    assert current.databases == {"nova", "nova_api"}
    assert databases.plan(_NOVA, current) == []


def test_rows_of_odd_names_are_passed_over() -> None:
    assert databases.parse("database\ta\nb\t\n\ndatabase\tx\t\n").databases == {"x"}


def test_what_is_missing_is_all_that_is_done() -> None:
    current = DatabaseState(
        frozenset({"nova", "nova_api"}), frozenset({"nova"}), frozenset(), frozenset({("nova", "nova"), ("nova", "nova_api")})
    )
    assert _subjects(_NOVA, current) == [("user nova", "its password differs")]


def test_the_alternate_account_gets_what_the_first_has() -> None:
    wanted = [
        Database("nova", "nova", "p", AlternateAccount("nova_b", "q")),
        Database("nova_api", "nova", "p", AlternateAccount("nova_b", "q")),
    ]
    both = frozenset({"nova", "nova_api"})
    current = DatabaseState(both, frozenset({"nova"}), frozenset({"nova"}), frozenset(("nova", name) for name in both))
    assert _subjects(wanted, current) == [
        ("user nova_b", "it does not exist"),
        ("user nova_b", "it has no access to database nova"),
        ("user nova_b", "it has no access to database nova_api"),
    ]
    assert "'q'" in databases.query(wanted)
    nothing = DatabaseState(frozenset(), frozenset(), frozenset(), frozenset())
    assert [subject for subject, _reason in _subjects(wanted, nothing)].count("database nova") == 1


def test_a_retired_account_goes_if_it_is_there() -> None:
    wanted = [Database("nova", "nova_b", "q", AlternateAccount("nova")), Database("nova_api", "nova_b", "q", AlternateAccount("nova"))]
    both = frozenset({"nova", "nova_api"})
    current = DatabaseState(both, frozenset({"nova", "nova_b"}), frozenset({"nova_b"}), frozenset(("nova_b", name) for name in both))
    assert [statement.text for statement in databases.plan(wanted, current)] == ["DROP USER 'nova'@'%'"]
    assert databases.plan(wanted, dataclasses.replace(current, users=frozenset({"nova_b"}))) == []


_MONITOR = Database("monitoring", "monitor", "p", AlternateAccount("monitor_b", "q"), ["PROCESS", "SLAVE MONITOR"])


def test_a_user_with_privileges_has_no_database() -> None:
    nothing = databases.parse("")
    assert _subjects([_MONITOR], nothing) == [
        ("user monitor", "it does not exist"),
        ("user monitor", "it has no privilege PROCESS, SLAVE MONITOR"),
        ("user monitor_b", "it does not exist"),
        ("user monitor_b", "it has no privilege PROCESS, SLAVE MONITOR"),
    ]
    assert databases.created([_MONITOR, *_NOVA], nothing) == ["nova", "nova_api"]


def test_of_new_databases_are_those_that_do_not_exist() -> None:
    """Whatever else of the others differs, such as a password."""
    current = databases.parse("database\tnova\t\nuser\tnova\t\n")
    assert databases.new([_MONITOR, *_NOVA], current) == _NOVA[1:]


def test_a_missing_privilege_is_all_that_is_granted() -> None:
    rows = "".join(f"user\t{user}\t\npassword\t{user}\t\nprivilege\t{user}\tPROCESS\n" for user in ("monitor", "monitor_b"))
    current = databases.parse(rows + "privilege\tmonitor\tSLAVE MONITOR\n")
    assert [item.text for item in databases.plan([_MONITOR], current)] == ["GRANT SLAVE MONITOR ON *.* TO 'monitor_b'@'%'"]


def test_usage_is_no_privilege() -> None:
    current = databases.parse("user\tmonitor\t\npassword\tmonitor\t\nprivilege\tmonitor\tPROCESS\n")
    assert databases.plan([Database("monitoring", "monitor", "p", privileges=["USAGE"])], current) == []


@pytest.mark.parametrize("privilege", ["ALL ON *.* TO x; --", "process", ""])
def test_what_cannot_be_a_privilege_is_refused(privilege: str) -> None:
    with pytest.raises(ValueError, match="is no privilege"):
        databases.plan([Database("monitoring", "monitor", "p", privileges=[privilege])], databases.parse(""))


@given(st.lists(st.builds(Database, _TEXT, _TEXT, _TEXT), max_size=4))
def test_nothing_is_left_to_do_afterwards(wanted: list[Database]) -> None:
    names, users = frozenset(item.name for item in wanted), frozenset(item.user for item in wanted)
    grants = frozenset((item.user, databases._pattern(item.name)) for item in wanted)
    assert databases.plan(wanted, DatabaseState(names, users, users, grants)) == []


def test_passwords_are_in_statements_only() -> None:
    secret = Database("a", "a", "hunter2")
    assert "hunter2" in databases.query([secret])
    for statement in databases.plan([secret], databases.parse("")):
        assert "hunter2" not in statement.subject + statement.reason
    assert databases.script(databases.plan([secret], databases.parse(""))).startswith(databases.PREAMBLE)
