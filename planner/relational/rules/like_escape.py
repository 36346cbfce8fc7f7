"""LIKE and ILIKE: backslash escapes in PostgreSQL, nothing escapes in DuckDB unless told."""

from __future__ import annotations

from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed

_TEMPLATES = {
    "~~": "({0} LIKE {1} ESCAPE '\\')",
    "!~~": "({0} NOT LIKE {1} ESCAPE '\\')",
    "~~*": "({0} ILIKE {1} ESCAPE '\\')",
    "!~~*": "({0} NOT ILIKE {1} ESCAPE '\\')",
}
_TEXTS = frozenset((18, 19, 25, 1042, 1043, 705))


def like_escape(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    template = _TEMPLATES.get(node.operator or "")
    if template is None or any(argument.sql_type.oid not in _TEXTS for argument in node.arguments):
        return None
    pattern = node.arguments[1]
    if isinstance(pattern, bound.Constant) and isinstance(pattern.value, str) and "\\" not in pattern.value:
        template = template.replace(" ESCAPE '\\'", "")
    return Printed(template.format(*(printer.sql(argument) for argument in node.arguments)), node.type)
