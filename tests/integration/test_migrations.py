# SPDX-License-Identifier: Apache-2.0
"""Pending migrations of real services on a real MariaDB: each is brought to an earlier revision by its own command first."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import ExecResult
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Database, Schema
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.registration import databases
from ansible_collections.caisson.openstack.plugins.module_utils.registration.databases import ask
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout.pending import describe, point_of_no_return

from .conftest import Lab, MariaDB
from .test_images import reference

#: With what needs care in a configuration file.
PASSWORD, IN_FILE = "for$this$test", "for$$this$$test"
PYTHON = "/opt/openstack/bin/python"
#: Its command has no revision to stop at.
PLACEMENT = """
import sys; from placement.cmd import manage; from placement.db.sqlalchemy import migration
upgrade = migration.upgrade; migration.upgrade = lambda revision: upgrade("b5c396305c25")
sys.argv = ["placement-manage", "--config-file", "/etc/here/service.conf", "db", "sync"]; manage.main()
"""


@dataclasses.dataclass(frozen=True)
class Case:
    """A schema, the command that brings it to an earlier revision, and what is pending then."""

    name: str
    image: str
    location: str
    section: str
    command: list[str]
    pending: list[tuple[str, str, str]]

    @property
    def schema(self) -> Schema:
        """What its definition says of it."""
        return Schema(self.name, self.image, self.location, "/etc/here/service.conf", self.section)


CONFIG = ["--config-file", "/etc/here/service.conf"]
CASES = [
    Case(
        "keystone",
        "keystone",
        "keystone/common/sql/migrations",
        "database",
        ["keystone-manage", *CONFIG, "db_sync", "--expand"],
        [("e25ffa003242", "contract", "additive"), ("99de3849d860", "contract", "rewrite"), ("c88cdce8f248", "contract", "index")],
    ),
    Case(
        "placement",
        "placement",
        "placement/db/sqlalchemy/alembic",
        "placement_database",
        [PYTHON, "-c", PLACEMENT],
        [("422ece571366", "", "index"), ("a082b8bb98d0", "", "index")],
    ),
    Case(
        "nova_api",
        "nova",
        "nova/db/api/migrations",
        "api_database",
        ["nova-manage", *CONFIG, "api_db", "sync", "d67eeaabee36"],
        [("b30f573d3377", "", "destructive"), ("cdeec0c85668", "", "destructive")],
    ),
    Case(
        "glance",
        "glance",
        "glance/db/sqlalchemy/alembic_migrations",
        "database",
        ["glance-manage", *CONFIG, "db", "sync"],
        [],
    ),
]
#: The first two have both kinds of history between them: with branches and without.
EACH = [pytest.param(case, marks=[pytest.mark.long] if number > 1 else []) for number, case in enumerate(CASES)]


@pytest.fixture
def service(mariadb: MariaDB, lab: Lab, tmp_path: pathlib.Path) -> Service:
    """A service's image and configuration, with an empty database."""
    return Service(mariadb, lab, tmp_path)


@dataclasses.dataclass(frozen=True)
class Service:
    mariadb: MariaDB
    lab: Lab
    directory: pathlib.Path

    def configure(self, case: Case, password: str = IN_FILE) -> None:
        wanted = Database(f"pending_{case.name}", f"p_{case.name}", PASSWORD)
        current = databases.parse(ask(self.mariadb.lab.engine, self.mariadb.container, databases.query([wanted])))
        statements = databases.script(databases.plan([wanted], current))
        ask(self.mariadb.lab.engine, self.mariadb.container, statements)
        url = f"mysql+pymysql://{wanted.user}:{password}@127.0.0.1:{self.mariadb.port}/{wanted.name}?charset=utf8mb4"
        self.directory.chmod(0o755)
        (self.directory / "service.conf").write_text(f"[{case.section}]\nconnection = {url}\n")

    def run(self, image: str, command: list[str]) -> ExecResult:
        spec = ContainerSpec(
            name=self.lab.name(image),
            service=image,
            image=reference(image),
            command=command,
            volumes=[f"{self.directory}:/etc/here:ro"],
            tmpfs=["/tmp:mode=1777"],
        )
        return self.lab.engine.run_once(spec, self.lab.engine.image_id(spec.image) or "", self.lab.cloud, timeout=300)

    def look(self, case: Case) -> ExecResult:
        return self.run(case.image, case.schema.command("pending"))

    def apply(self, case: Case, *command: str) -> ExecResult:
        """Run a command that applies migrations unless the database is ahead."""
        return self.run(case.image, [*case.schema.command("apply"), *command])


def _schema(result: ExecResult) -> dict[str, t.Any]:
    assert result.rc == 0, result.stderr
    return t.cast("dict[str, t.Any]", json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("case", EACH, ids=lambda case: case.name)
def test_what_is_pending_is_found_and_understood(service: Service, case: Case) -> None:
    service.configure(case)
    done = service.run(case.image, case.command)
    assert done.rc == 0, done.stderr[-2000:]
    schema = _schema(service.look(case))
    migrations = describe(schema["name"], schema["pending"])
    found = [(row["revision"], row["branch"], migration.kind) for row, migration in zip(schema["pending"], migrations, strict=True)]
    assert found == case.pending
    assert (schema["current"] == schema["target"]) is (not case.pending)
    closing = [revision for revision, _branch, kind in case.pending if kind == "destructive"]
    sentence = point_of_no_return(migrations)
    assert sentence.startswith(f"From migration {closing[0]} of {case.name} on") if closing else sentence == ""


@pytest.mark.parametrize("case", CASES[:1], ids=lambda case: case.name)
def test_what_cannot_be_found_out_is_a_clear_error_without_the_url(service: Service, case: Case) -> None:
    empty = dataclasses.replace(case, name="empty")
    service.configure(empty)
    unmigrated, other = service.look(empty), service.look(dataclasses.replace(empty, section="other"))
    service.configure(empty, password="wrong-one")
    refused = service.look(empty)
    service.configure(empty, password="for$$this:@[")
    odd = service.look(empty)
    for result, expected in (
        (unmigrated, "schema empty: its database has no revision"),
        (other, "has no option connection in section other"),
        (refused, "schema empty: the database does not answer: (1045"),
        (odd, "schema empty: "),
    ):
        assert result.rc == 1
        assert expected in result.stderr.splitlines()[-1]
        assert not any(secret in result.stderr + result.stdout for secret in (PASSWORD, IN_FILE, "wrong-one", "for$this", "mysql+pymysql"))


@pytest.mark.parametrize("case", EACH, ids=lambda case: case.name)
def test_where_a_later_release_has_been_nothing_is_applied(service: Service, case: Case) -> None:
    service.configure(case)
    first = service.apply(case, *case.command)
    assert first.rc == 0, first.stderr[-2000:]
    before = _schema(service.look(case))
    assert (before["current"] != [], before["ahead"]) == (True, [])
    # whatever else it has, it knows nothing of this one
    service.mariadb.sql("UPDATE alembic_version SET version_num = '0000beef' LIMIT 1", f"pending_{case.name}")
    schema = _schema(service.look(case))
    assert (schema["ahead"], schema["pending"]) == (["0000beef"], [])
    again = service.apply(case, "sh", "-c", "echo applied")
    assert again.rc == 0
    expected = f"schema {case.name} is ahead, at 0000beef, which this image does not know: nothing to apply with sh -c echo applied"
    assert again.stdout.strip() == expected
    service.mariadb.sql("DELETE FROM alembic_version", f"pending_{case.name}")
    assert service.apply(case, "sh", "-c", "echo applied").stdout.strip() == "applied"


def test_a_command_that_fails_is_not_taken_for_one_that_was_left_out(service: Service) -> None:
    case = CASES[0]
    service.configure(case)
    assert service.apply(case, "sh", "-c", "exit 7").rc == 7
    service.configure(case, password="wrong-one")
    # the command has its own way to wait for a database, and to say what is wrong
    assert service.apply(case, "sh", "-c", "exit 8").rc == 8


@pytest.mark.parametrize("words", [[], ["pending"], ["look", *"abcd"], ["pending", *"abcde"], ["apply", *"abcd"]])
def test_what_it_is_not_asked_like_is_told(service: Service, words: list[str]) -> None:
    result = service.run("keystone", ["schema-migrations", *words])
    assert result.rc == 1
    assert "schema-migrations pending NAME LOCATION CONFIG SECTION: " in result.stderr
    assert "Traceback" not in result.stderr
