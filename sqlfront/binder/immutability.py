"""Which expressions always give the same value for the same row: what a generated column may be made of.

As contain_mutable_functions() in PostgreSQL's clauses.c: functions, operators and casts that depend on a setting,
on the clock or on the catalog are not immutable.
"""

from __future__ import annotations

from foundation.sqltypes import DATE, INTERVAL, TEXT, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ, TYPES, SqlType
from planner.bound import Call, CastExpression, Constant, Expression, walk
from planner.functions.signature import Volatility

_SETTING_DEPENDENT = frozenset(t.oid for t in (DATE, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ, INTERVAL))
_LOCAL = frozenset((DATE.oid, TIME.oid, TIMETZ.oid, TIMESTAMP.oid))


def is_immutable(expression: Expression) -> bool:
    """Whether nothing in the expression is stable or volatile."""
    return all(_is_immutable_node(node) for node in walk(expression))


def _is_immutable_node(node: object) -> bool:
    if isinstance(node, Call):
        return node.function.volatility is Volatility.IMMUTABLE
    if isinstance(node, CastExpression) and not isinstance(node.argument, Constant):
        return _is_immutable_cast(node.argument.sql_type, node.type)
    return True


def _is_immutable_cast(source: SqlType, target: SqlType) -> bool:
    """Text forms of dates and times follow DateStyle; conversions from and to a time zone follow TimeZone."""
    if source.oid == target.oid:
        return True
    if _is_text(source) or _is_text(target):
        return not {source.oid, target.oid} & _SETTING_DEPENDENT
    if source == TIME and target.oid == TIMETZ.oid:
        return False
    return not (TIMESTAMPTZ.oid in (source.oid, target.oid) and {source.oid, target.oid} & _LOCAL)


def _is_text(sql_type: SqlType) -> bool:
    return TYPES[sql_type.oid].category == TYPES[TEXT.oid].category
