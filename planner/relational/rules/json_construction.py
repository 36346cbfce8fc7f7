"""to_json, to_jsonb, json[b]_build_object, json[b]_build_array: from values of any type."""

from __future__ import annotations

from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.json_texts import build_evaluator, to_json_evaluator
from planner.relational.printed import Printed


def json_construction(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    name = node.function.name
    is_jsonb = name.startswith(("jsonb", "to_jsonb"))
    context = printer.statement.context
    types = tuple(argument.sql_type for argument in node.arguments)
    if name in ("to_json", "to_jsonb"):
        evaluator = to_json_evaluator(types[0], context, is_jsonb=is_jsonb)
    elif name in ("json_build_object", "jsonb_build_object", "json_build_array", "jsonb_build_array"):
        is_object = name.endswith("object")
        evaluator = build_evaluator(types, context, is_object=is_object, is_jsonb=is_jsonb)
    else:
        return None
    arguments = [printer.print(argument) for argument in node.arguments]
    return printer.statement.slot_call(("json", name, types), evaluator, arguments, node.type)
