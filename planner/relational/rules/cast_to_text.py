"""Casts to text, varchar, char and name, where the text form is one DuckDB prints the same way.

Floats, dates, arrays and the like have PostgreSQL's output functions: our codecs print them.
"""

from __future__ import annotations

from foundation.sqltypes import BPCHAR, NAME, NUMERIC, TEXT, VARCHAR, SqlType
from planner import bound
from planner.relational.carriers import converted
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed

_VARCHAR_HEADER = 4
_PRINTED_ALIKE = frozenset((16, 20, 21, 23, 26, 28, 29, 114, 3802))
_STRINGS = frozenset((18, 19, 25, 1043, 705, 2275, 194, 27))


def cast_to_text(printer: ExpressionPrinter, node: bound.CastExpression) -> Printed | None:
    source, target = node.argument.sql_type, node.type
    if target.oid not in (TEXT.oid, VARCHAR.oid) and (target.oid, source.oid) != (NAME.oid, NAME.oid):
        return None
    if target.oid == VARCHAR.oid and target.typmod >= 0 and not node.is_explicit:
        return None
    sql = _text(printer, node.argument, source)
    if sql is None:
        return None
    if target.oid == VARCHAR.oid and target.typmod >= _VARCHAR_HEADER:
        sql = f"substring({sql}, 1, {target.typmod - _VARCHAR_HEADER})"
    return Printed(sql, target)


def _text(printer: ExpressionPrinter, argument: bound.Expression, source: SqlType) -> str | None:
    if source.oid in _STRINGS:
        return printer.sql(argument)
    if source.oid == BPCHAR.oid:
        return f"rtrim({printer.sql(argument)}, ' ')"
    if source.oid in _PRINTED_ALIKE:
        return f"CAST({printer.sql(argument)} AS VARCHAR)"
    if source.oid == NUMERIC.oid:
        return converted(printer.print(argument), None)
    return None
