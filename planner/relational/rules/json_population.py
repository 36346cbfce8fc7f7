"""json_populate_record and jsonb_populate_record as a value: an object as a row."""

from __future__ import annotations

from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.json_records import POPULATING, record_evaluator
from planner.relational.printed import Printed


def json_population(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    name = node.function.name
    if name not in POPULATING:
        return None
    evaluator = record_evaluator(name, node.type, printer.statement.context)
    arguments = [printer.print(node.arguments[1])]
    return printer.statement.slot_call(("json population", name, node.type), evaluator, arguments, node.type)
