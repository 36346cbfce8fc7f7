"""Predicates of partial indexes: what is kept of one, and what storage evaluates.

https://www.postgresql.org/docs/15/indexes-partial.html
"""

from __future__ import annotations

from functools import lru_cache

from planner.evaluate.row_expressions import BoundPredicate
from sqlfront.binder.binding import bind_table_expression
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Clause
from sqlfront.binder.index_rows import check_indexable, over_rows
from sqlfront.binder.kept_expressions import KeptExpression, keep_condition
from sqlfront.parser import SqlExpression
from storage.catalog import Index, Table


def keep_predicate(context: BindContext, table: Table, expression: SqlExpression) -> KeptExpression:
    """The predicate of an index as text.

    Raises:
        InvalidObjectDefinition: 42P17, it is not immutable. DatatypeMismatch: 42804, it is no boolean.
        FeatureNotSupported: 0A000, storage could not evaluate it by itself.
        QuiverError: what `bind_table_expression` raises.
    """
    bound = bind_table_expression(expression.tree, context, table, Clause.PREDICATE)
    check_indexable(bound, table, "predicate")
    return keep_condition(context, table, expression, Clause.PREDICATE)


def predicate_attnums(table: Table, index: Index) -> tuple[int, ...]:
    """Columns that the predicate reads, ascending; () for an index over all rows."""
    return () if index.predicate_sql is None else index_predicate(table, index).attnums


def index_predicate(table: Table, index: Index) -> BoundPredicate:
    """The predicate of an index, ready to be evaluated: storage's `StorageOptions.row_predicate`."""
    assert index.predicate_sql is not None, "not a partial index"
    return _bound_predicate(index.predicate_sql, table)


@lru_cache(maxsize=256)
def _bound_predicate(sql: str, table: Table) -> BoundPredicate:
    return over_rows(BoundPredicate, sql, table, Clause.PREDICATE)
