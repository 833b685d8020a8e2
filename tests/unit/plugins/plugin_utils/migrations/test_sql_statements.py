# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.plugin_utils.migrations.sql_statements import classify_sql


@pytest.mark.parametrize("text", ["SELECT 1", "  show tables;", "SET foreign_key_checks = 0", "-- nothing\n", "/* DROP TABLE t */"])
def test_what_changes_nothing_is_not_reported(text: str) -> None:
    assert classify_sql(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CREATE TABLE t (x INT)", "additive"),
        ("create index i on t (x)", "index"),
        ("DROP INDEX i ON t", "index"),
        ("CREATE UNIQUE INDEX i ON t (x)", "rewrite"),
        ("ALTER TABLE tags CONVERT TO CHARACTER SET utf8mb4", "rewrite"),
        ("ALTER TABLE t DROP FOREIGN KEY k", "rewrite"),
        ("ALTER TABLE t DROP INDEX i, ADD COLUMN c INT", "rewrite"),
        ("ALTER TABLE t RENAME INDEX a TO b", "rewrite"),
        ("ALTER TABLE t CHANGE `c` `c` BIGINT", "rewrite"),
        ("ALTER TABLE t MODIFY c TEXT", "rewrite"),
        ("UPDATE t SET a = 1", "rewrite"),
        ("INSERT INTO t VALUES (1)", "rewrite"),
        ("CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN DELETE FROM u; END", "rewrite"),
        ("ALTER TABLE t DROP c", "destructive"),
        ("ALTER TABLE t DROP INDEX i, DROP COLUMN c", "destructive"),
        ("ALTER TABLE t CHANGE c d BIGINT", "destructive"),
        ("ALTER TABLE t RENAME TO u", "destructive"),
        ("ALTER TABLE t TRUNCATE PARTITION p", "destructive"),
        ("DELETE FROM t WHERE a = 1", "destructive"),
        ("TRUNCATE t", "destructive"),
        ("DROP TABLE t", "destructive"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "destructive"),
        ("/*!40000 DROP TABLE t */", "destructive"),
        ("{statement}", "destructive"),
    ],
)
def test_the_kind_is_that_of_the_first_words(text: str, kind: str) -> None:
    assert [found for found, _detail in classify_sql(text)] == [kind]


def test_each_statement_of_a_text_counts() -> None:
    assert [kind for kind, _detail in classify_sql("SELECT 1; UPDATE t SET a = 1;\nDELETE FROM t;")] == ["rewrite", "destructive"]


def test_what_is_not_known_says_so_and_is_shown_shortened() -> None:
    ((_kind, detail),) = classify_sql("FROBNICATE\n   t " + "x" * 100)
    assert detail.startswith("runs SQL that is not known: FROBNICATE t xxx")
    assert len(detail) < 100
