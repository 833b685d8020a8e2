# SPDX-License-Identifier: Apache-2.0
"""What a pending schema migration does, read from its script: what is added, rewritten, lost. Pure: no script is run.

Kinds in order of gravity, by what code of the release before would notice: *additive* nothing; *index* nothing but speed; *rewrite* rows
or columns that change under it, or writes that are refused; *destructive* data that are gone. What cannot be read is destructive.
"""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Migration
from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.reader import Reader
from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.sql_statements import Kind

#: From the least grave to the gravest.
GRAVITY: tuple[Kind, ...] = ("additive", "index", "rewrite", "destructive")


def classify(source: str) -> tuple[Kind, list[str]]:
    """Return the kind of an alembic script, which is the worst of what its ``upgrade()`` does in any case, and what that is.

    Every branch of a condition counts, and what functions of the same file do that it calls. Details are short lines, the gravest first.
    """
    found = Reader().read(source)
    if not found:
        return "additive", ["changes nothing"]
    found.sort(key=lambda item: -GRAVITY.index(item[0]))
    return found[0][0], list(dict.fromkeys(detail for _kind, detail in found))


def describe(name: str, pending: t.Iterable[t.Mapping[str, t.Any]], reviewed: t.Mapping[str, str] | None = None) -> list[Migration]:
    """Return what ``schema-migrations pending`` found of schema *name*, in the same order: the one that is applied first comes first.

    *reviewed* says of revisions why the old release can serve after them.
    """
    migrations = []
    for row in pending:
        kind, details = classify(row["source"])
        why = (reviewed or {}).get(row["revision"], "")
        migrations.append(Migration(schema=name, revision=row["revision"], kind=kind, details=details, reviewed=why))
    return migrations


def point_of_no_return(migrations: t.Iterable[Migration]) -> str:
    """Return one sentence that says from which of *migrations*, in order, the old release cannot serve; empty if there is a way back."""
    closing = [migration for migration in migrations if migration.kind == "destructive" and not migration.reviewed]
    if not closing:
        return ""
    first, more = closing[0], len(closing) - 1
    others = f" (and {more} more after it)" if more else ""
    return f"From migration {first.revision} of {first.schema} on{others} the old release cannot serve: it {first.details[0]}."
