# SPDX-License-Identifier: Apache-2.0
"""Which schema migrations of a service are pending. Runs inside the service's new image, with its current configuration.

Nothing is written to a database. The URL of a database, which has a password, is shown nowhere.
"""

from __future__ import annotations

import importlib.util
import pathlib
import typing as t

import sqlalchemy
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import to_tuple
from oslo_config import cfg

Parameters = t.Dict[str, t.Any]


def database_url(name: str, path: str, section: str, option: str) -> str:
    """Return the URL as the service reads it, without that the service's own options are known."""
    if not pathlib.Path(path).is_file():
        raise SystemExit(f"schema {name}: there is no file {path}")
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt(option, secret=True), group=None if section == "DEFAULT" else section)
    try:
        conf([], default_config_files=[path], default_config_dirs=[])
        url = (conf if section == "DEFAULT" else conf[section])[option]
    except cfg.Error as error:
        # its text may have the line that is wrong
        raise SystemExit(f"schema {name}: {path} could not be read: {type(error).__name__}") from None
    if not url:
        raise SystemExit(f"schema {name}: {path} has no option {option} in section {section}")
    return str(url)


def current_heads(name: str, url: str) -> list[str]:
    """Return the revisions that the database has: one, or one for each branch."""
    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect() as connection:
            heads = MigrationContext.configure(connection).get_current_heads()
    except sqlalchemy.exc.DBAPIError as error:
        raise SystemExit(f"schema {name}: the database does not answer: {error.orig}") from None
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise SystemExit(f"schema {name}: the URL of its database cannot be used: {type(error).__name__}") from None
    if not heads:
        raise SystemExit(f"schema {name}: its database has no revision (table alembic_version): no migration has been applied yet")
    return sorted(heads)


def scripts(name: str, location: str) -> ScriptDirectory:
    """Return the migrations of a package, also those that are in directories of a release and a branch.

    The service's own alembic.ini is not used: half of the services do not say there where the scripts are.
    """
    package, _slash, inside = location.partition("/")
    found = importlib.util.find_spec(package)
    if not found or not found.submodule_search_locations:
        raise SystemExit(f"schema {name}: there is no package {package} in this image")
    directory = pathlib.Path(found.submodule_search_locations[0], inside)
    if not (directory / "versions").is_dir():
        raise SystemExit(f"schema {name}: package {package} has no migrations in {inside}")
    config = Config()
    # a percent sign begins an interpolation
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    config.set_main_option("recursive_version_locations", "true")
    return ScriptDirectory.from_config(config)


def unapplied(name: str, directory: ScriptDirectory, current: list[str]) -> list[Script]:
    """Return what has not been applied, the first to be applied first: all of expand before contract, as the services do it."""
    try:
        pending = list(directory.iterate_revisions("heads", tuple(current), implicit_base=True))
    except RevisionError:
        raise SystemExit(f"schema {name}: this image does not know revision {', '.join(current)}; is it older than the database?") from None
    pending.reverse()
    return sorted(pending, key=lambda script: branch(script) == "contract")


def target_heads(directory: ScriptDirectory) -> list[str]:
    """Return the revisions that the database has when all is applied: not a head that a revision of another branch depends on."""
    implied = {directory.get_revision(one).revision for script in directory.walk_revisions() for one in to_tuple(script.dependencies, ())}
    return sorted(set(directory.get_heads()) - implied)


def branch(script: Script) -> str:
    """Return the name of the branch that a revision is of: expand or contract, empty if there is only one."""
    names = script.branch_labels & {"expand", "contract"}
    return names.pop() if len(names) == 1 else ""


def look(schema: Parameters) -> Parameters:
    """Return what is pending for one schema."""
    name = schema["name"]
    current = current_heads(name, database_url(name, schema["config"], schema["section"], schema["option"]))
    directory = scripts(name, schema["location"])
    pending = [
        {"revision": script.revision, "branch": branch(script), "source": pathlib.Path(script.path).read_text(encoding="utf-8")}
        for script in unapplied(name, directory, current)
    ]
    return {"name": name, "current": current, "target": target_heads(directory), "pending": pending}


def main(parameters: Parameters) -> Parameters:
    """Return what is pending for each schema, the first to be applied first."""
    return {"schemas": [look(schema) for schema in parameters["schemas"]]}
