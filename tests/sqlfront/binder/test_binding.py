"""Goal: the shape of bound trees: what the planner reads out of them.

Method: statements over a small catalog, without a PostgreSQL; that types and errors are PostgreSQL's is
checked in test_differential.
"""

from __future__ import annotations

import numpy as np
import pytest

from foundation.errors import (
    DatatypeMismatch,
    FeatureNotSupported,
    InvalidTextRepresentation,
    StatementTooComplex,
    UndefinedColumn,
    UndefinedTable,
)
from foundation.sqltypes import BOOL, INT4, INT8, NUMERIC, REGCLASS, TEXT, VECTOR, SqlType
from planner.bound import (
    Call,
    CastExpression,
    ColumnRef,
    Constant,
    CteScan,
    Delete,
    InList,
    Insert,
    Join,
    JoinKind,
    OutputRef,
    Parameter,
    Select,
    SetOperation,
    Subquery,
    SubqueryScan,
    TableScan,
    Update,
    Values,
    Variadic,
    VirtualScan,
    walk,
)
from sqlfront.binder import Clause, bind_expression, bind_table_expression, bound_default
from sqlfront.binder.errors import GeneratedAlways, IndeterminateType, UndefinedParameter
from tests.sqlfront.binder.schema_catalog import (
    CATALOG,
    DOCS,
    EMBEDDING,
    KEYED,
    PRICE,
    TITLE,
    bind,
    new_context,
)
from tests.sqlfront.binder.tree_check import check_tree


def select(sql: str) -> Select:
    bound = bind(sql)
    assert isinstance(bound, Select)
    check_tree(bound)
    return bound


def test_top_k_by_distance() -> None:
    context = new_context()
    bound = bind("SELECT id FROM docs WHERE active ORDER BY embedding <-> $1 LIMIT $2", context)
    assert isinstance(bound, Select)
    assert context.parameter_types() == (VECTOR, INT8)
    assert isinstance(bound.from_, TableScan)
    assert bound.from_.table_oid == DOCS
    key = bound.order_by[0]
    assert isinstance(key.expression, Call)
    assert (key.expression.operator, key.expression.function.name) == ("<->", "l2_distance")
    assert key.expression.arguments == (ColumnRef(1, 3, "embedding", EMBEDDING), Parameter(0, VECTOR))
    assert bound.limit == Parameter(1, INT8)
    assert bound.where == ColumnRef(1, 5, "active", BOOL)


def test_vector_literals_are_read_while_binding() -> None:
    bound = select("SELECT embedding <-> '[1,2,3]' FROM docs")
    constant = next(node for node in walk(bound) if isinstance(node, Constant))
    assert constant.type == VECTOR
    assert np.array_equal(constant.value, np.array([1, 2, 3], np.float32))
    with pytest.raises(InvalidTextRepresentation) as caught:
        bind("SELECT embedding <-> 'x' FROM docs")
    assert caught.value.position == 22


def test_dropped_columns_are_gone_and_system_columns_come_last() -> None:
    bound = select("SELECT *, ctid FROM docs")
    assert [target.name for target in bound.targets] == [
        "id", "title", "price", "embedding", "meta", "active", "ctid",
    ]  # fmt: skip
    assert [(t.table_oid, t.attnum) for t in bound.targets[:3]] == [(DOCS, 1), (DOCS, 2), (DOCS, 4)]
    assert isinstance(bound.from_, TableScan)
    assert [column.attnum for column in bound.from_.columns[-4:]] == [-1, -2, -4, -6]
    with pytest.raises(UndefinedColumn):
        bind("SELECT gone FROM docs")


def test_numbers_are_as_small_as_they_can_be() -> None:
    bound = select("SELECT 1, 3000000000, 9223372036854775808, -2147483648, 1.50")
    assert [t.expression.sql_type for t in bound.targets] == [INT4, INT8, NUMERIC, INT4, NUMERIC]
    assert bound.targets[4].expression == Constant("1.50", NUMERIC)


def test_order_by_prefers_output_names_and_group_by_input_names() -> None:
    ordered = select("SELECT title AS id FROM docs ORDER BY id")
    assert ordered.order_by[0].expression == OutputRef(0, TITLE)
    grouped = select("SELECT count(*) AS title FROM docs GROUP BY title")
    assert grouped.group_by[0].expressions == (ColumnRef(1, 1, "title", TITLE),)


def test_nulls_come_last_ascending_and_first_descending() -> None:
    keys = select("SELECT id FROM docs ORDER BY id, title DESC, price DESC NULLS LAST").order_by
    assert [(key.is_descending, key.nulls_first) for key in keys] == [
        (False, False), (True, True), (True, False),
    ]  # fmt: skip


def test_full_join_using_merges_columns() -> None:
    bound = select("SELECT * FROM docs FULL JOIN (SELECT doc_id AS id, tag FROM tags) t USING (id)")
    assert isinstance(bound.from_, Join)
    assert bound.from_.kind is JoinKind.FULL
    assert isinstance(bound.targets[0].expression, Variadic)
    assert [target.name for target in bound.targets].count("id") == 1


def test_correlated_sub_query_refers_to_the_outer_relation() -> None:
    bound = select("SELECT (SELECT count(*) FROM tags WHERE doc_id = docs.id) FROM docs")
    query = bound.targets[0].expression
    assert isinstance(query, Subquery)
    assert isinstance(query.query, Select)
    assert isinstance(bound.from_, TableScan)
    used = {node.relation_id for node in walk(query.query.where) if isinstance(node, ColumnRef)}
    assert bound.from_.relation_id in used
    assert len(used) == 2


def test_with_items_are_scanned_by_id() -> None:
    bound = select(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n"
    )
    (cte,) = bound.ctes
    assert cte.is_recursive
    assert isinstance(cte.query, SetOperation)
    assert isinstance(bound.from_, CteScan)
    assert bound.from_.cte_id == cte.cte_id
    assert isinstance(cte.query.right, Select)
    assert isinstance(cte.query.right.from_, CteScan)


def test_set_operations_cast_both_sides() -> None:
    bound = bind("SELECT 1 UNION SELECT 2.5 ORDER BY 1")
    assert isinstance(bound, SetOperation)
    check_tree(bound)
    assert isinstance(bound.left, Select)
    assert bound.left.targets[0].expression == CastExpression(Constant(1, INT4), NUMERIC)
    assert bound.order_by[0].expression == OutputRef(0, NUMERIC)


def test_in_lists_have_one_type() -> None:
    bound = select("SELECT id FROM docs WHERE id IN (1, 2)")
    assert isinstance(bound.where, InList)
    assert [item.sql_type for item in bound.where.items] == [INT8, INT8]


def test_virtual_relations_come_through_the_protocol() -> None:
    bound = select("SELECT amname, tableoid FROM pg_am")
    assert isinstance(bound.from_, VirtualScan)
    assert (bound.from_.schema, bound.from_.relation_oid) == ("pg_catalog", 2601)
    assert isinstance(bound.targets[1].expression, Constant)
    with pytest.raises(UndefinedTable):
        bind("SELECT * FROM pg_catalog.docs")


def test_insert_fills_in_defaults() -> None:
    bound = bind("INSERT INTO docs (id, price) VALUES (1, DEFAULT), ($1, 2) RETURNING price")
    assert isinstance(bound, Insert)
    check_tree(bound)
    assert bound.attnums == (1, 4)
    assert [attnum for attnum, _ in bound.defaults] == [7]
    assert isinstance(bound.source, Values)
    assert bound.source.rows[0][1].sql_type == PRICE
    assert bound.returning[0].expression == ColumnRef(bound.relation_id, 2, "price", PRICE)


def test_insert_of_a_sorted_query_keeps_its_order() -> None:
    bound = bind("INSERT INTO docs (id, title) SELECT doc_id, tag FROM tags ORDER BY 2 LIMIT 5")
    assert isinstance(bound, Insert)
    check_tree(bound)
    assert isinstance(bound.source, Select)
    assert isinstance(bound.source.from_, TableScan)
    relation_id = bound.source.from_.relation_id
    assert bound.source.order_by[0].expression == ColumnRef(relation_id, 1, "tag", TEXT)


def test_identity_columns_take_the_next_value() -> None:
    bound = bind("INSERT INTO keyed (x) VALUES ('a')")
    assert isinstance(bound, Insert)
    ((attnum, default),) = bound.defaults
    assert attnum == 1
    assert isinstance(default, CastExpression)
    assert isinstance(default.argument, Call)
    assert default.argument.function.name == "nextval"
    assert default.argument.arguments == (Constant(30011, REGCLASS),)
    with pytest.raises(GeneratedAlways):
        bind("INSERT INTO keyed VALUES (1, 'a')")


def test_update_and_delete() -> None:
    update = bind("UPDATE docs SET title = upper(tag), price = DEFAULT FROM tags WHERE doc_id = id")
    assert isinstance(update, Update)
    check_tree(update)
    assert [attnum for attnum, _ in update.assignments] == [2, 4]
    assert all(e.sql_type == t for (_, e), t in zip(update.assignments, (TITLE, PRICE)))
    delete = bind("DELETE FROM docs d USING tags WHERE doc_id = d.id RETURNING d.*")
    assert isinstance(delete, Delete)
    check_tree(delete)
    assert len(delete.returning) == 6


def test_columns_set_from_one_query_do_not_share_relations() -> None:
    update = bind("UPDATE docs SET (title, price) = (SELECT tag, doc_id FROM tags)")
    assert isinstance(update, Update)
    ids = [node.relation_id for node in walk(update) if isinstance(node, TableScan)]
    assert len(ids) == len(set(ids)) == 3


def test_sub_query_in_from_hides_its_siblings() -> None:
    with pytest.raises(UndefinedTable) as caught:
        bind("SELECT * FROM docs, (SELECT docs.id) s")
    assert caught.value.hint == "To reference that table, you must mark this subquery with LATERAL."
    bound = select("SELECT * FROM docs, LATERAL (SELECT docs.id AS x) s")
    assert isinstance(bound.from_, Join)
    assert isinstance(bound.from_.right, SubqueryScan)
    assert bound.from_.right.is_lateral


def test_parameters_must_be_decided() -> None:
    with pytest.raises(IndeterminateType):
        bind("SELECT $1 IS NULL")
    context = new_context(0, INT8.oid)
    bind("SELECT $1, $2", context)
    assert context.parameter_types() == (TEXT, INT8)


def test_expressions_of_definitions() -> None:
    assert bind_expression("'5'", new_context(), INT4) == Constant(5, INT4)
    assert bind_expression("'5'", new_context()) == Constant("5", TEXT)
    with pytest.raises(DatatypeMismatch):
        bind_expression("now()", new_context(), INT4, column_name="x")
    with pytest.raises(FeatureNotSupported, match="column reference in DEFAULT"):
        bind_expression("x", new_context(), INT4)
    with pytest.raises(FeatureNotSupported, match="subquery in DEFAULT"):
        bind_expression("(SELECT 1)", new_context(), INT4)
    with pytest.raises(UndefinedParameter):
        bind_expression("$1", new_context(), INT4)


def test_checks_see_the_row() -> None:
    table = CATALOG.table(DOCS)
    bound = bind_table_expression("price > 0", new_context(), table, Clause.CHECK)
    assert isinstance(bound, Call)
    assert bound.type == BOOL
    with pytest.raises(FeatureNotSupported, match="check constraint"):
        bind_table_expression("price > (SELECT 1)", new_context(), table, Clause.CHECK)


def test_bound_defaults() -> None:
    docs, keyed = CATALOG.table(DOCS), CATALOG.table(KEYED)
    assert bound_default(new_context(), docs, docs.columns[1]) is None
    default = bound_default(new_context(), docs, docs.columns[3])
    assert default is not None
    assert default.sql_type == PRICE
    assert bound_default(new_context(), keyed, keyed.columns[0]) is not None


def test_deep_nesting_is_refused_politely() -> None:
    with pytest.raises(StatementTooComplex):
        bind("SELECT " + "-" + "(-" * 2000 + "1" + ")" * 2000)
    with pytest.raises(StatementTooComplex):
        bind("SELECT " + " || ".join(["'x'"] * 5000))
    assert len(list(walk(bind("SELECT " + " AND ".join(["true"] * 5000))))) > 5000


def test_regclass_constants() -> None:
    bound = select("SELECT 'docs'::regclass, 'public.docs'::regclass")
    assert [t.expression for t in bound.targets] == [Constant(DOCS, REGCLASS)] * 2


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO docs (id) VALUES (1) ON CONFLICT (id int4_ops) DO NOTHING",
        'INSERT INTO docs (id) VALUES (1) ON CONFLICT (title COLLATE "C") DO NOTHING',
        "SELECT (1, 2) < ALL (SELECT 1, 2)",
        "SELECT id FROM (SELECT * FROM docs) AS d FOR UPDATE",
        "SELECT ts_stat(meta::text) FROM docs",
        "SELECT (SELECT count(docs.id)) FROM docs",
    ],
)
def test_what_is_not_supported_is_refused_by_name(sql: str) -> None:
    with pytest.raises(FeatureNotSupported) as caught:
        bind(sql)
    assert "supported" in caught.value.message


def test_typmods_survive_where_postgresql_keeps_them() -> None:
    bound = select("SELECT title, title || 'x', coalesce(title, title), max(title) OVER () FROM docs")
    assert [t.expression.sql_type for t in bound.targets] == [TITLE, TEXT, TITLE, TEXT]
    assert select("SELECT price::numeric FROM docs").targets[0].expression.sql_type == SqlType(NUMERIC.oid)
