"""Column defaults as bound expressions."""

from __future__ import annotations

from foundation.errors import InternalError
from foundation.sqltypes import INT8, REGCLASS
from planner.bound import Call, Constant, Expression
from planner.functions.signature import CastContext
from planner.functions.signatures import functions_named
from sqlfront.binder.coerce import coerce
from sqlfront.binder.context import BindContext
from sqlfront.binder.domains import domain_default
from sqlfront.binder.environment import Clause
from storage.catalog import Column, Sequence, Table


def bound_default(context: BindContext, table: Table, column: Column) -> Expression | None:
    """A column's default or its domain's, cast to the column's type; an identity column's is nextval. None = NULL."""
    if column.identity:
        return _next_value(context, table, column)
    text = column.default_sql
    if text is None and column.type.domain_oid and column.generated_sql is None:
        text = domain_default(context, column.type)
    if text is None:
        return None
    from sqlfront.binder.binding import bind_expression

    return bind_expression(text, context, column.type, clause=Clause.DEFAULT, column_name=column.name)


def column_defaults(context: BindContext, table: Table) -> tuple[tuple[int, Expression], ...]:
    """(attnum, bound default) of every column that has one."""
    found = ((column.attnum, bound_default(context, table, column)) for column in table.live_columns())
    return tuple((attnum, default) for attnum, default in found if default is not None)


def _next_value(context: BindContext, table: Table, column: Column) -> Expression:
    owner = (table.oid, column.attnum)
    sequence = next(
        (s for s in context.catalog.objects(Sequence, context.database_oid) if s.owned_by == owner), None
    )
    if sequence is None:
        raise InternalError(f'no owned sequence found for column "{column.name}" of relation "{table.name}"')
    (nextval,) = functions_named("nextval")
    call = Call(nextval, (Constant(sequence.oid, REGCLASS),), INT8)
    context.notes.identity_calls.append(call)
    return coerce(context, call, column.type, how=CastContext.ASSIGNMENT)
