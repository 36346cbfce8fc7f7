"""How long it takes at most to prepare a search that comes again with another value in its filter.

Who must not keep others waiting asks this before `planner.repeated_topk` prepares anything. Only filters whose time is known
by their form have a figure: comparisons of columns with values, of types that are compared as they are stored. The
figures are measured (one core of an EPYC, a segment of 200,000 rows, filter to bitset) and rounded up.
"""

from __future__ import annotations

import math

from foundation.sqltypes import (
    BOOL,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    SqlType,
)
from planner import bound
from planner.evaluate import is_row_free

_NUMBERS = frozenset(kind.oid for kind in (INT2, INT4, INT8, FLOAT4, FLOAT8))
_TEXTS = frozenset({TEXT.oid, VARCHAR.oid})
_FIXED = frozenset(kind.oid for kind in (BOOL, DATE, TIMESTAMP, TIMESTAMPTZ))
_OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})

_COMPARED_NUMBER_NS = 4.0
_COMPARED_BYTES_NS = 10.0
_LISTED_NS = 15.0
_COMBINED_NS = 1.0
_LIST_ITEMS_MAX = 100
_ROW_OFFSET_NS = 1.0
_GATHERED_BYTE_NS = 0.2
_SEGMENT_MS = 0.15
_SEARCH_MS = 0.15


def row_nanoseconds(condition: bound.Expression | None) -> float:
    """What a row of a filter costs; infinity for a filter of another form."""
    match condition:
        case None:
            return 0.0
        case bound.BoolExpression(arguments=arguments):
            return sum(row_nanoseconds(argument) + _COMBINED_NS for argument in arguments)
        case bound.Not(argument=argument):
            return row_nanoseconds(argument) + _COMBINED_NS
        case bound.IsNull(argument=bound.ColumnRef()):
            return _COMBINED_NS
        case bound.ColumnRef(type=kind) if kind.oid == BOOL.oid:
            return _COMBINED_NS
        case bound.Call(operator=operator, arguments=(left, right)) if operator in _OPERATORS:
            return _compared(left, right)
        case bound.InList(left=left, items=items) if len(items) <= _LIST_ITEMS_MAX:
            return max(_LISTED_NS if math.isfinite(_compared(left, item)) else math.inf for item in items)
    return math.inf


def preparation_ms(
    filter_ns: float, segment_rows: list[int], gathered_bytes: int, *, is_filtered: bool
) -> float:
    """What a whole preparation takes.

    Args:
        filter_ns: of `row_nanoseconds`.
        segment_rows: the number of rows of each segment.
        gathered_bytes: how much of the vectors is copied at most.
    """
    per_row = filter_ns + (_ROW_OFFSET_NS if is_filtered else 0.0)
    rows_ns = sum(segment_rows) * per_row + gathered_bytes * _GATHERED_BYTE_NS
    return _SEARCH_MS + len(segment_rows) * _SEGMENT_MS + rows_ns / 1e6


def _compared(left: bound.Expression, right: bound.Expression) -> float:
    """A column with a column or with a value that no row changes."""
    if not _is_column_or_value(left) or not _is_column_or_value(right):
        return math.inf
    return _comparison_ns(left.sql_type, right.sql_type)


def _comparison_ns(left: SqlType, right: SqlType) -> float:
    oids = {left.oid, right.oid}
    if oids <= _NUMBERS or (len(oids) == 1 and oids <= _FIXED):
        return _COMPARED_NUMBER_NS
    if oids <= _TEXTS or oids == {UUID.oid}:
        return _COMPARED_BYTES_NS
    return math.inf


def _is_column_or_value(expression: bound.Expression) -> bool:
    if isinstance(expression, bound.CastExpression):
        # Of a value, as `$2::int`: computed once. A column would be cast row by row.
        return is_row_free(expression.argument) and _is_column_or_value(expression.argument)
    return isinstance(expression, bound.ColumnRef | bound.Constant | bound.Parameter)
