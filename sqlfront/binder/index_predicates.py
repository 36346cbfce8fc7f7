"""Predicates of partial indexes: what is kept of one, and what storage evaluates.

https://www.postgresql.org/docs/15/indexes-partial.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from foundation.cancel import CancelToken
from foundation.errors import FeatureNotSupported
from foundation.memory import MemoryBudget
from foundation.settings import SettingValues
from planner.bound import ColumnRef, walk
from planner.evaluate import is_native
from planner.evaluate.row_predicate import BoundPredicate
from planner.services import EvaluationContext, SessionServices
from sqlfront.binder.binding import bind_table_expression
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Clause
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.binder.immutability import is_immutable
from sqlfront.binder.kept_expressions import KeptExpression, keep_condition
from sqlfront.binder.relations import table_columns
from sqlfront.binder.rules import ROW_RELATION_ID
from sqlfront.parser import SqlExpression
from sqlfront.types.context import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.catalog import Catalog, Index, Table


def keep_predicate(context: BindContext, table: Table, expression: SqlExpression) -> KeptExpression:
    """The predicate of an index as text.

    Raises:
        InvalidObjectDefinition: 42P17, it is not immutable. DatatypeMismatch: 42804, it is no boolean.
        FeatureNotSupported: 0A000, storage could not evaluate it by itself.
        QuiverError: what `bind_table_expression` raises.
    """
    bound = bind_table_expression(expression.tree, context, table, Clause.PREDICATE)
    if not is_immutable(bound):
        raise InvalidObjectDefinition("functions in index predicate must be marked IMMUTABLE")
    reads_system = any(
        isinstance(node, ColumnRef) and table_columns(table)[node.position].attnum <= 0
        for node in walk(bound)
    )
    if reads_system:
        raise FeatureNotSupported("index creation on system columns is not supported")
    if not is_native(bound):
        raise FeatureNotSupported(
            "an index predicate that is evaluated by the relational engine is not supported"
        )
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
    """Bound without a catalog: an immutable native expression names nothing but columns and built-in functions."""
    settings = SettingValues()
    condition = bind_table_expression(
        sql, BindContext(Catalog({}), table.database_oid), table, Clause.PREDICATE
    )
    columns = table_columns(table)
    attnums = {columns[node.position].attnum for node in walk(condition) if isinstance(node, ColumnRef)}
    context = EvaluationContext(
        settings=settings,
        cancel_token=CancelToken(),
        memory=MemoryBudget(0),
        codecs=PostgresCodecs(CodecContext.of(settings)),
        # An immutable expression asks nothing of a session.
        session=cast(SessionServices, None),
    )
    return BoundPredicate(condition, ROW_RELATION_ID, columns, tuple(sorted(attnums)), context)
