"""What keys and predicates of indexes have in common: which expressions they may be, and how they are evaluated."""

from __future__ import annotations

from typing import TypeVar, cast

from foundation.cancel import CancelToken
from foundation.errors import FeatureNotSupported
from foundation.memory import MemoryBudget
from foundation.settings import SettingValues
from planner.bound import ColumnRef, Expression, walk
from planner.evaluate import is_native
from planner.evaluate.row_expressions import BoundPredicate, BoundRowExpression
from planner.services import EvaluationContext, SessionServices
from sqlfront.binder.binding import bind_table_expression
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import Clause
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.binder.immutability import is_immutable
from sqlfront.binder.relations import table_columns
from sqlfront.binder.rules import ROW_RELATION_ID
from sqlfront.types.context import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.catalog import Catalog, Table

_T = TypeVar("_T", BoundPredicate, BoundRowExpression)


def check_indexable(bound: Expression, table: Table, what: str) -> None:
    """Refuse an expression that an index cannot have; `what` it is, 'expression' or 'predicate'.

    Raises:
        InvalidObjectDefinition: 42P17, it is not immutable.
        FeatureNotSupported: 0A000, it reads system columns, or only the relational engine could evaluate it.
    """
    if not is_immutable(bound):
        raise InvalidObjectDefinition(f"functions in index {what} must be marked IMMUTABLE")
    columns = table_columns(table)
    if any(isinstance(node, ColumnRef) and columns[node.position].attnum <= 0 for node in walk(bound)):
        raise FeatureNotSupported("index creation on system columns is not supported")
    if not is_native(bound):
        raise FeatureNotSupported(
            f"an index {what} that is evaluated by the relational engine is not supported"
        )


def over_rows(kind: type[_T], sql: str, table: Table, clause: Clause) -> _T:
    """A kept key or predicate, ready to be evaluated; its callers remember it.

    Bound without a catalog: an immutable native expression names nothing but columns and built-in functions.
    """
    settings = SettingValues()
    bound = bind_table_expression(sql, BindContext(Catalog({}), table.database_oid), table, clause)
    columns = table_columns(table)
    attnums = {columns[node.position].attnum for node in walk(bound) if isinstance(node, ColumnRef)}
    context = EvaluationContext(
        settings=settings,
        cancel_token=CancelToken(),
        memory=MemoryBudget(0),
        codecs=PostgresCodecs(CodecContext.of(settings)),
        # An immutable expression asks nothing of a session.
        session=cast(SessionServices, None),
    )
    return kind(bound, ROW_RELATION_ID, columns, tuple(sorted(attnums)), context)
