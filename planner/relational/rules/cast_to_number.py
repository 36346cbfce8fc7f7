"""Casts among numbers: rounding as PostgreSQL rounds, numeric in decimal form where it stays exact."""

from __future__ import annotations

from foundation.sqltypes import BOOL, NUMERIC, numeric_precision_scale
from planner import bound
from planner.relational.carriers import carrier, converted, decimal_form
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import DecimalForm, Printed

_INTEGER_DIGITS = {21: 5, 23: 10, 20: 19, 26: 10}
_INTEGERS = frozenset((20, 21, 23))
_OIDS = frozenset((24, 26, 28, 29, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096))
_FLOATS = frozenset((700, 701))
_EXACT_DOUBLE_DIGITS = 15


def cast_to_number(printer: ExpressionPrinter, node: bound.CastExpression) -> Printed | None:
    source, target = node.argument.sql_type.oid, node.type.oid
    if target == NUMERIC.oid:
        return _to_numeric(printer, node)
    if source == NUMERIC.oid:
        return _from_numeric(printer, node)
    sql = printer.sql(node.argument)
    width = carrier(node.type)
    if source in _FLOATS and target in _INTEGERS:
        return Printed(f"CAST(round_even(CAST({sql} AS DOUBLE), 0) AS {width})", node.type)
    numbers = _INTEGERS | _FLOATS | _OIDS
    if source in numbers and target in numbers:
        return Printed(f"CAST({sql} AS {width})", node.type)
    if (source, target) in ((23, BOOL.oid), (BOOL.oid, 23)):
        return Printed(f"CAST({sql} AS {width})", node.type)
    return None


def _to_numeric(printer: ExpressionPrinter, node: bound.CastExpression) -> Printed | None:
    source = node.argument.sql_type.oid
    if source not in _INTEGER_DIGITS and source != NUMERIC.oid:
        return None
    printed = printer.print(node.argument)
    natural = printed.decimal if source == NUMERIC.oid else DecimalForm(_INTEGER_DIGITS[source], 0)
    if numeric_precision_scale(node.type.typmod) is None:
        form = natural
    else:
        form = decimal_form(node.type)
        if form is None or natural is None:
            return None
    if form is None or form == printed.decimal:
        return Printed(printed.sql, node.type, printed.decimal)
    return Printed(f"CAST({printed.sql} AS {form.sql})", node.type, form)


def _from_numeric(printer: ExpressionPrinter, node: bound.CastExpression) -> Printed | None:
    printed = printer.print(node.argument)
    width = carrier(node.type)
    if printed.decimal is None:
        return None
    if node.type.oid in _INTEGERS:
        return Printed(f"CAST({printed.sql} AS {width})", node.type)
    if node.type.oid in _FLOATS:
        exact = printed.decimal.precision <= _EXACT_DOUBLE_DIGITS
        sql = printed.sql if exact else converted(printed, None)
        return Printed(f"CAST({sql} AS {width})", node.type)
    return None
