"""|| over arrays, the elements of one of any shape, and the overlap and containment operators that DuckDB spells as functions."""

from __future__ import annotations

from foundation.sqltypes import NUMERIC, element_type
from planner import bound
from planner.functions.shaped_functions import ARRAY_ITEMS
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed
from planner.relational.statement import as_plain


def array_operators(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    if node.function is ARRAY_ITEMS:
        return Printed(f"({printer.sql(node.arguments[0])}).items", node.type)
    element = element_type(node.type)
    if node.operator != "||" or element is None or len(node.arguments) != 2 or element.oid == NUMERIC.oid:
        return None
    parts = []
    for argument in node.arguments:
        printed = as_plain(printer.print(argument))
        is_array = element_type(argument.sql_type) is not None
        parts.append(f"coalesce({printed}, [])" if is_array else f"[{printed}]")
    both_null = " AND ".join(f"{printer.sql(argument)} IS NULL" for argument in node.arguments)
    joined = f"CAST(list_concat({', '.join(parts)}) AS {carrier(node.type)})"
    if any(element_type(argument.sql_type) is None for argument in node.arguments):
        return Printed(joined, node.type)
    return Printed(f"(CASE WHEN {both_null} THEN NULL ELSE {joined} END)", node.type)
