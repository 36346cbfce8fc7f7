"""Window calls: ranking and value functions, and aggregates with OVER."""

from __future__ import annotations

from collections.abc import Sequence

from foundation.sqltypes import SqlType
from planner import bound
from planner.relational.aggregates import CallShape, print_call, sort_keys
from planner.relational.expressions import ExpressionPrinter, same_form
from planner.relational.printed import Printed
from planner.relational.rules.comparison import group_sql
from planner.relational.window_frames import print_frame

_RANKING = {
    "row_number": "BIGINT", "rank": "BIGINT", "dense_rank": "BIGINT", "percent_rank": "DOUBLE",
    "cume_dist": "DOUBLE", "ntile": "INTEGER",
}  # fmt: skip
_VALUES = ("lag", "lead", "first_value", "last_value", "nth_value")

WINDOW_FUNCTIONS = frozenset((*_RANKING, *_VALUES))


def print_window(printer: ExpressionPrinter, node: bound.WindowCall) -> Printed:
    """Print a window function or an aggregate with OVER."""
    clauses = []
    if node.partition_by:
        keys = ", ".join(group_sql(printer, printer.print(key)) for key in node.partition_by)
        clauses.append(f"PARTITION BY {keys}")
    frame = print_frame(printer, node.frame, node.order_by) if node.frame is not None else None
    if frame is not None and frame.order_by:
        clauses.append(f"ORDER BY {frame.order_by}")
    elif node.order_by:
        clauses.append(f"ORDER BY {sort_keys(printer, node.order_by)}")
    if frame is not None:
        clauses.append(frame.sql)
    filter_sql = f" FILTER (WHERE {printer.sql(node.filter)})" if node.filter is not None else ""
    tail = f"{filter_sql} OVER ({' '.join(clauses)})"
    name = node.function.name
    arguments = [printer.print(argument) for argument in node.arguments]
    if name in _RANKING:
        return Printed(
            f"CAST({name}({', '.join(a.sql for a in arguments)}){tail} AS {_RANKING[name]})", node.type
        )
    if name in _VALUES:
        return _value_window(name, arguments, node.type, tail)
    return print_call(printer, node.function, node.arguments, node.type, CallShape(tail=tail, is_window=True))


def _value_window(name: str, arguments: Sequence[Printed], sql_type: SqlType, tail: str) -> Printed:
    if name in ("lag", "lead") and len(arguments) == 3:
        (value, default), form = same_form([arguments[0], arguments[2]], sql_type)
        return Printed(f"{name}({value}, {arguments[1].sql}, {default}){tail}", sql_type, form)
    listed = ", ".join(argument.sql for argument in arguments)
    return Printed(f"{name}({listed}){tail}", sql_type, arguments[0].decimal)
