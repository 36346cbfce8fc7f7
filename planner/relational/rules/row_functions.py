"""Functions computed row by row by `scalar_functions`, where the native evaluator has none."""

from __future__ import annotations

from planner import bound
from planner.functions.implementations import kernel_of
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed
from planner.relational.scalar_functions import SCALAR_FUNCTIONS, row_evaluator


def row_functions(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    name = node.function.name
    if name not in SCALAR_FUNCTIONS or kernel_of(node.function) is not None:
        return None
    arguments = [printer.print(argument) for argument in node.arguments]
    evaluator = row_evaluator(name, node.type)
    return printer.statement.slot_call(("row function", name, node.type), evaluator, arguments, node.type)
