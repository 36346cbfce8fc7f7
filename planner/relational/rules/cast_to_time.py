"""Casts among date, time and timestamp that do not depend on the session's time zone, and no-op casts."""

from __future__ import annotations

from foundation.sqltypes import TIME, TIMESTAMPTZ, TYPES
from planner import bound
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed
from planner.relational.rules.date_arithmetic import is_utc

_NATIVE = frozenset(((1082, 1114), (1114, 1082), (1114, 1083)))
_NATIVE_IN_UTC = frozenset(((1082, 1184), (1114, 1184), (1184, 1114), (1184, 1082), (1184, 1083)))


def cast_to_time(printer: ExpressionPrinter, node: bound.CastExpression) -> Printed | None:
    source, target = node.argument.sql_type, node.type
    if source.oid == target.oid and (
        target.typmod in (-1, source.typmod) or _is_unconstrained_array(target.oid)
    ):
        printed = printer.print(node.argument)
        return Printed(printed.sql, target, printed.decimal)
    pair = (source.oid, target.oid)
    if target.typmod == -1 and (pair in _NATIVE or (pair in _NATIVE_IN_UTC and is_utc(printer))):
        argument = printer.sql(node.argument)
        if pair == (TIMESTAMPTZ.oid, TIME.oid):
            argument = f"CAST({argument} AS TIMESTAMP)"  # DuckDB has no cast between the two.
        cast = f"CAST({argument} AS {carrier(target)})"
        if target.oid == TIME.oid:
            # An infinite timestamp has no time of day.
            cast = f"(CASE WHEN isfinite({argument}) THEN {cast} END)"
        return Printed(cast, target)
    return None


def _is_unconstrained_array(oid: int) -> bool:
    return TYPES[oid].name in ("int2vector", "oidvector")
