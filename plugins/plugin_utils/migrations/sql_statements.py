# SPDX-License-Identifier: Apache-2.0
"""What a raw SQL statement does to a schema and its rows, by its first words. Pure."""

from __future__ import annotations

import re
import typing as t

Kind = t.Literal["additive", "index", "rewrite", "destructive"]

#: Most characters of a statement that are shown.
_SHOWN = 60
#: What is no statement; ``/*!`` is none of MariaDB's comments: it runs what is in it.
_COMMENTS = re.compile(r"/\*(?!!).*?\*/|^\s*(?:--|\#).*?$", re.DOTALL | re.MULTILINE)
#: Statements whose body has statements.
_ROUTINE = re.compile(r"create\s+(or\s+replace\s+)?(definer\s*=\s*\S+\s+)?(trigger|function|procedure|event)\b", re.IGNORECASE)
#: A column or a partition that goes, as against a key, a constraint, or an attribute of a column.
_LOSS = r"\bdrop\b(?!\s+(index|key|constraint|foreign|primary|check|default|not)\b)|\b(truncate|discard|exchange)\b"
#: Another name of a table or a column, as against one of an index; CHANGE may keep the name.
_RENAME = r"\brename\b(?!\s+(index|key)\b)|\bchange\b(\s+column)?\s+(?P<quote>[`\"]?)(?P<old>\w+)(?P=quote)\s+(?!(?P=quote)(?P=old)\b)"

#: Kind of a statement, the first that fits; None if it changes nothing.
_RULES: tuple[tuple[str, Kind | None], ...] = (
    (r"(select|show|set|describe|begin|start|commit|lock|unlock|use|analyze\s+table)\b", None),
    (r"create\s+(temporary\s+)?(table|type|sequence|view|extension)\b", "additive"),
    (r"comment\b", "additive"),
    (r"create\s+unique\b", "rewrite"),
    (r"(create|drop)\s+(fulltext\s+|spatial\s+)?index\b", "index"),
    (r"(insert|update|replace)\b", "rewrite"),
    (r"drop\s+(trigger|function|procedure|event|view)\b", "rewrite"),
    (rf"alter\s.*({_LOSS}|{_RENAME})", "destructive"),
    (r"alter\s+(table|type|database|sequence|view)\b", "rewrite"),
    (r"(delete|truncate|drop|rename)\b", "destructive"),
)


def classify_sql(text: str) -> list[tuple[Kind, str]]:
    """Return kind and a short line for each statement of *text* that changes something; one that is not known is destructive."""
    bare = _COMMENTS.sub(" ", text).strip()
    if _ROUTINE.match(bare):
        return [("rewrite", f"runs SQL: {_short(bare)}")]
    return [found for statement in bare.split(";") if statement.strip() for found in _classify_one(statement.strip())]


def _classify_one(statement: str) -> list[tuple[Kind, str]]:
    for pattern, kind in _RULES:
        if re.match(pattern, statement, re.IGNORECASE | re.DOTALL):
            return [(kind, f"runs SQL: {_short(statement)}")] if kind else []
    return [("destructive", f"runs SQL that is not known: {_short(statement)}")]


def _short(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
