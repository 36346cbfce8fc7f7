"""text || anything and anything || text: the other side in its PostgreSQL text form."""

from __future__ import annotations

from foundation.sqltypes import TEXT
from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed


def text_concatenation(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    if node.function.name not in ("textanycat", "anytextcat"):
        return None
    sides = [printer.sql(bound.CastExpression(argument, TEXT, True)) for argument in node.arguments]
    return Printed(f"({sides[0]} || {sides[1]})", TEXT)
