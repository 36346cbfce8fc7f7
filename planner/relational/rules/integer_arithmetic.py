"""Integer operators: PostgreSQL's result width, `/` that cuts towards zero, `#`.

The smallest integer % -1 is 0 and no overflow. Operands are cast to the result type first, so that an overflow is that type's (22003). Float operators are our
evaluator's: DuckDB lets them overflow to infinity, PostgreSQL raises.
"""

from __future__ import annotations

from planner import bound
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed

_INTEGERS = frozenset((20, 21, 23))
_BINARY = {
    "+": "({0} + {1})", "-": "({0} - {1})", "*": "({0} * {1})", "%": "(CASE WHEN {1} = -1 THEN {0} & 0 ELSE {0} % {1} END)",
    "&": "({0} & {1})", "|": "({0} | {1})", "#": "xor({0}, {1})",
}  # fmt: skip
_UNARY = {"-": "(- {0})", "+": "{0}", "@": "abs({0})", "~": "(~ {0})"}


def integer_arithmetic(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    kinds = {argument.sql_type.oid for argument in node.arguments}
    if node.operator is None or node.type.oid not in _INTEGERS or not kinds <= _INTEGERS:
        return None
    width = carrier(node.type)
    arguments = [f"CAST({printer.sql(argument)} AS {width})" for argument in node.arguments]
    template = _template(node)
    if template is None:
        return None
    return Printed(f"CAST({template.format(*arguments)} AS {width})", node.type)


def _template(node: bound.Call) -> str | None:
    operator = node.operator or ""
    if len(node.arguments) == 1:
        return _UNARY.get(operator)
    if operator == "/":
        return "({0} // {1})"
    return _BINARY.get(operator)
