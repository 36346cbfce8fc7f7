"""to_json, to_jsonb, row_to_json, array_to_json, json[b]_build_object, json[b]_build_array: from values of any type and rows."""

from __future__ import annotations

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import RECORD
from planner import bound
from planner.relational.expressions import ExpressionPrinter, is_foldable
from planner.relational.json_texts import build_evaluator, shape_of, to_json_evaluator
from planner.relational.printed import Printed

_OF_ONE = frozenset(("to_json", "to_jsonb", "row_to_json", "array_to_json"))
_BUILDERS = frozenset(("json_build_object", "jsonb_build_object", "json_build_array", "jsonb_build_array"))


def json_construction(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    name = node.function.name
    if name not in _OF_ONE | _BUILDERS:
        return None
    is_jsonb = name.startswith(("jsonb", "to_jsonb"))
    context = printer.statement.context
    is_pretty = False
    arguments = list(node.arguments)
    if name in _OF_ONE and len(arguments) == 2:
        flag = arguments.pop()
        if not is_foldable(flag):
            raise FeatureNotSupported(f"{name} with a flag that is no constant is not supported")
        if printer.constant(flag) is None:
            return Printed("CAST(NULL AS VARCHAR)", node.type)
        is_pretty = bool(printer.constant(flag))
    parts = [shape_of(argument) for argument in arguments]
    shapes = tuple(shape for shape, _ in parts)
    leaves = [leaf for _, part in parts for leaf in part]
    if any(leaf.sql_type == RECORD for leaf in leaves):
        raise FeatureNotSupported(f"{name} of a record is not supported")
    if name in _OF_ONE:
        evaluator = to_json_evaluator(shapes[0], context, is_jsonb=is_jsonb, is_pretty=is_pretty)
    else:
        is_object = name.endswith("object")
        evaluator = build_evaluator(shapes, context, is_object=is_object, is_jsonb=is_jsonb)
    printed = [printer.print(leaf) for leaf in leaves]
    return printer.statement.slot_call(("json", name, shapes, is_pretty), evaluator, printed, node.type)
