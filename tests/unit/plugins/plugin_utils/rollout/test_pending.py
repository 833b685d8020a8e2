# SPDX-License-Identifier: Apache-2.0
"""What migrations do. The longer scripts have the shape of those that the services ship; none of them is theirs."""

from __future__ import annotations

import textwrap

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.rollout.journal import Migration
from ansible_collections.caisson.openstack.plugins.plugin_utils.rollout.pending import classify, describe, point_of_no_return

HEAD = """
from alembic import op
import sqlalchemy as sa
from neutron.db import migration
"""


def script(body: str, rest: str = "") -> str:
    return f"{HEAD}{textwrap.dedent(rest)}\ndef upgrade():\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ("pass", "additive", "changes nothing"),
        ("op.create_table('foo', sa.Column('id', sa.Integer, nullable=False))", "additive", "adds table foo"),
        ("migration.create_table_if_not_exists('foo', sa.Column('id', sa.Integer))", "additive", "adds table foo"),
        ("op.add_column('t', sa.Column('c', sa.Integer))", "additive", "adds column t.c"),
        ("op.add_column('t', sa.Column('c', sa.Integer, nullable=False, server_default='0'))", "additive", "adds column t.c"),
        ("op.add_column('t', sa.Column('c', sa.Integer, nullable=False))", "rewrite", "adds column t.c, NOT NULL without a default"),
        ("op.add_column('t', column=sa.Column('c')._copy())", "rewrite", "adds a column to t that could not be read"),
        ("op.create_index('ix', 'bar', ['a'])", "index", "creates index ix on bar"),
        ("op.create_index('ix', 'bar', ['a'], unique=True)", "rewrite", "creates unique index ix on bar"),
        ("op.drop_index(op.f('ix'), table_name='bar')", "index", "drops index ix on bar"),
        ("op.drop_index('ix')", "index", "drops index ix"),
        ("op.create_unique_constraint('u', 't', ['a'])", "rewrite", "adds unique constraint u on t"),
        ("op.create_unique_constraint(columns=['a'], constraint_name='u', table_name='t')", "rewrite", "adds unique constraint u on t"),
        ("op.create_foreign_key(None, 't', 'u', ['a'], ['b'])", "rewrite", "adds foreign key on t"),
        ("op.drop_constraint('u', 't', type_='unique')", "rewrite", "drops constraint u on t"),
        ("op.alter_column('t', 'c', nullable=False, existing_type=sa.Text())", "rewrite", "changes column t.c: NOT NULL"),
        ("op.alter_column('t', 'c', new_column_name='d')", "destructive", "renames column t.c to d"),
        ("op.alter_column('t', 'c', **options)", "destructive", "changes column t.c in a way that could not be read"),
        ("op.drop_column('subnets', 'in_use')", "destructive", "drops column subnets.in_use"),
        ("op.drop_table('foo')", "destructive", "drops table foo"),
        ("op.rename_table('a', 'b')", "destructive", "renames table a to b"),
        ("op.bulk_insert(sa.table('t'), [{}])", "rewrite", "inserts rows into t"),
        (
            "op.execute('ALTER TABLE tags CONVERT TO CHARACTER SET utf8mb4')",
            "rewrite",
            "runs SQL: ALTER TABLE tags CONVERT TO CHARACTER SET utf8mb4",
        ),
        ("op.get_bind().execute(sa.text('DELETE FROM %s' % 'ports'))", "destructive", "runs SQL: DELETE FROM ports"),
        ("op.execute(sql)", "destructive", "runs SQL that could not be read: {sql}"),
        ("op.execute(sa.schema.DropTable(x))", "destructive", "runs SQL that could not be read: {sa.schema.DropTable(x)}"),
        ("op.execute(sa.delete(sa.table('t')))", "destructive", "deletes rows of t"),
        ("sa.orm.Session(bind=op.get_bind()).query(ports).delete()", "destructive", "deletes rows of {ports}"),
        ("sa.Table('t', sa.MetaData()).drop(op.get_bind())", "destructive", "drops t"),
        ("op.frobnicate('t')", "destructive", "calls op.frobnicate, which is not known"),
        ("getattr(op, word)('t')", "destructive", "uses op in a way that was not read"),
        ("migration.frobnicate('t')", "destructive", "calls neutron.db.migration.frobnicate, which is in another file and was not read"),
        ("frobnicate('t')", "destructive", "calls frobnicate, which was not read"),
        ("exec(word)", "destructive", "calls exec, which was not read"),
        ("if migration.schema_has_table('t'): op.drop_table('t')", "destructive", "drops table t"),
        ("raise Exception('first run the data migrations')", "additive", "may refuse to run: raises Exception"),
    ],
)
def test_one_step(body: str, kind: str, detail: str) -> None:
    found, details = classify(script(body))
    assert (found, details[0]) == (kind, detail)


def test_the_worst_decides_and_comes_first() -> None:
    assert classify(script("op.create_table('a')\nop.create_index('i', 'b', ['x'])\nop.drop_column('b', 'c')")) == (
        "destructive",
        ["drops column b.c", "creates index i on b", "adds table a"],
    )


@pytest.mark.parametrize("source", ["def upgrade(:", "from other import upgrade", "", "\0"])
def test_what_cannot_be_read_is_destructive(source: str) -> None:
    assert classify(source)[0] == "destructive"


def test_downgrade_does_not_count() -> None:
    assert classify(script("pass") + "\ndef downgrade():\n    op.drop_table('t')\n") == ("additive", ["changes nothing"])


def test_a_batch_knows_its_table() -> None:
    body = """
    for prefix in ('', 'shadow_'):
        name = prefix + 'instances'
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.add_column(sa.Column('c', sa.Integer))
        name = prefix + 'migrations'
        with op.batch_alter_table(name) as batch_op:
            batch_op.drop_column('d')
            batch_op.create_index('i', ['a'], unique=False)
    """
    assert classify(script(body))[1] == [
        "drops column migrations.d",
        "drops column shadow_migrations.d",
        "creates index i on migrations",
        "creates index i on shadow_migrations",
        "adds column instances.c",
        "adds column shadow_instances.c",
    ]


def test_functions_of_the_file_are_followed_with_what_they_are_given() -> None:
    rest = """
    TABLE = 'ranges'
    table = sa.Table(TABLE, sa.MetaData(), sa.Column('id', sa.String(36)))

    def drop(what, column='old'):
        op.drop_column(what, column)

    def clean():
        session = sa.orm.Session(bind=op.get_bind())
        seen = []
        for row in session.query(table):
            seen.append(row)
        for row in seen:
            session.execute(table.update().values(name='').where(table.c.id == row[0]))
            session.execute(table.delete().where(table.c.id == row[0]))
        drop(TABLE)
        clean()
    """
    assert classify(script("clean()", rest)) == (
        "destructive",
        ["deletes rows of ranges", "drops column ranges.old", "updates rows of ranges"],
    )


def test_functions_that_are_handed_on_are_followed() -> None:
    assert classify(script("run(work)", "def run(f):\n    f()\ndef work():\n    op.drop_table('t')\n"))[1] == ["drops table t"]
    assert classify(script("run(op.drop_table)", "def run(f):\n    f('t')\n"))[1] == ["drops table t"]


def test_a_list_that_grows_is_not_taken_for_what_it_was_made_with() -> None:
    body = """
    names = []
    names.append('a')
    for name in names:
        op.drop_table(name)
    """
    assert classify(script(body)) == ("destructive", ["drops table {name}"])


def test_each_text_that_a_statement_may_be_counts() -> None:
    body = """
    sql = 'UPDATE t SET a = 1'
    if op.get_bind().dialect.name == 'mysql':
        sql = 'DELETE FROM t'
    op.execute(sql)
    """
    assert classify(script(body))[1] == ["runs SQL: DELETE FROM t", "runs SQL: UPDATE t SET a = 1"]


def test_a_statement_that_only_looks_is_no_change() -> None:
    body = """
    query = sa.select(sa.func.count())
    query = query.select_from(sa.Table('t', sa.MetaData()))
    if op.get_bind().scalar(query):
        raise Exception('not yet')
    """
    assert classify(script(body)) == ("additive", ["may refuse to run: raises Exception"])


def test_a_collection_is_not_a_table() -> None:
    assert classify(script("seen = {}\nseen.update({'a': 1})\nlines = []\nlines.insert(0, 'a')")) == ("additive", ["changes nothing"])


def test_nobody_notices_what_happens_to_a_table_that_is_new() -> None:
    assert (
        classify(script("op.create_table('n')\nop.create_index('i', 'n', ['a'])\nop.create_unique_constraint('u', 'n', ['b'])"))[0]
        == "additive"
    )
    assert classify(script("op.create_table('n')\nop.create_unique_constraint('u', 'old', ['b'])"))[0] == "rewrite"


def test_a_table_that_is_dropped_and_made_anew_has_lost_its_rows() -> None:
    assert classify(script("op.drop_table('share_mapping')\nop.create_table('share_mapping')"))[0] == "destructive"


def test_describing_keeps_the_order_in_which_they_are_applied() -> None:
    pending = [
        {"revision": "b", "branch": "expand", "source": script("op.drop_table('t')")},
        {"revision": "a", "branch": "contract", "source": script("pass")},
    ]
    assert describe("nova_api", pending) == [
        Migration(schema="nova_api", revision="b", kind="destructive", details=["drops table t"]),
        Migration(schema="nova_api", revision="a", kind="additive", details=["changes nothing"]),
    ]


def test_only_what_is_destructive_closes_the_way_back() -> None:
    rewrite = Migration(schema="neutron", revision="a1", kind="rewrite", details=["adds unique constraint u on t"])
    first = Migration(schema="neutron", revision="b2", kind="destructive", details=["deletes rows of t"])
    second = Migration(schema="nova", revision="c3", kind="destructive", details=["drops table u"])
    assert point_of_no_return([rewrite]) == ""
    assert point_of_no_return([rewrite, first]) == "From migration b2 of neutron on the old release cannot serve: it deletes rows of t."
    assert "migration b2 of neutron on (and 1 more after it) the old release" in point_of_no_return([rewrite, first, second])
