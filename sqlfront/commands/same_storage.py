"""Whether PostgreSQL changes a column's type without writing the table anew.

It does where the conversion is the column itself, a cast between types of one representation, or a change of the length
that every value of the old type fits. Source: `ATColumnChangeRequiresRewrite` of postgres/postgres:src/backend/commands/tablecmds.c
and the planner support functions of the length coercions (varchar_support, numeric_support, timestamp_support, ...).
"""

from __future__ import annotations

from foundation.settings import SettingValues
from foundation.sqltypes import (
    INT4,
    NUMERIC,
    OID,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    VARBIT,
    VARCHAR,
    SqlType,
)
from planner.bound import CastExpression, ColumnRef, Expression

_ALIKE = ({TEXT.oid, VARCHAR.oid}, {INT4.oid, OID.oid})
_INSTANTS = {TIMESTAMP.oid, TIMESTAMPTZ.oid}
_LENGTHS = (VARCHAR.oid, VARBIT.oid)
_PRECISIONS = (TIME.oid, TIMETZ.oid, *_INSTANTS)
_PRECISION_MAX = 6
_TYPMOD_HEADER = 4


def is_same_storage(expression: Expression, target: SqlType, settings: SettingValues) -> bool:
    """Whether an expression over one column only has its stored values, by the types alone.

    Args:
        expression: the new values, of the target's type but for its length.
        target: the new type.
        settings: TimeZone decides about timestamp and timestamptz.
    """
    while True:
        if not _keeps(expression.sql_type, target, settings):
            return False
        if not isinstance(expression, CastExpression):
            return isinstance(expression, ColumnRef)
        expression, target = expression.argument, expression.sql_type


def _keeps(source: SqlType, target: SqlType, settings: SettingValues) -> bool:
    pair = {source.oid, target.oid}
    is_utc = settings.get("TimeZone") in ("UTC", "GMT", "Etc/UTC")
    if len(pair) > 1 and pair not in _ALIKE and not (pair == _INSTANTS and is_utc):
        return False
    return _holds_all(source.typmod, target)


def _holds_all(typmod: int, target: SqlType) -> bool:
    """Whether values of that length fit the target's."""
    if target.typmod in (-1, typmod):
        return True
    if target.oid in _PRECISIONS:
        return target.typmod >= (_PRECISION_MAX if typmod < 0 else typmod)
    if typmod < 0:
        return False
    if target.oid in _LENGTHS:
        return target.typmod >= typmod
    if target.oid == NUMERIC.oid:
        (before, scale), (after, other) = _digits(typmod), _digits(target.typmod)
        return scale == other and after >= before
    return False


def _digits(typmod: int) -> tuple[int, int]:
    """(precision, scale) of a numeric."""
    packed = typmod - _TYPMOD_HEADER
    return packed >> 16, packed & 0xFFFF
