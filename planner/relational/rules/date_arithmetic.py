"""Dates and timestamps plus and minus days and intervals.

timestamptz with an interval depends on the session's time zone unless it is UTC, where it is the plain
timestamp's; other zones go to our evaluator.
"""

from __future__ import annotations

from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed

_TEMPLATES: dict[tuple[str, int, int], str] = {
    ("+", 1082, 23): "CAST(({0} + {1}) AS DATE)",
    ("+", 23, 1082): "CAST(({1} + {0}) AS DATE)",
    ("-", 1082, 23): "CAST(({0} - {1}) AS DATE)",
    ("+", 1082, 1186): "({0} + {1})",
    ("+", 1186, 1082): "({1} + {0})",
    ("-", 1082, 1186): "({0} - {1})",
    ("+", 1082, 1083): "({0} + {1})",
    ("+", 1114, 1186): "({0} + {1})",
    ("+", 1186, 1114): "({1} + {0})",
    ("-", 1114, 1186): "({0} - {1})",
    ("-", 1114, 1114): "({0} - {1})",
    ("-", 1184, 1184): "({0} - {1})",
    ("+", 1186, 1186): "({0} + {1})",
    ("-", 1186, 1186): "({0} - {1})",
    ("+", 1083, 1186): "({0} + {1})",
    ("+", 1186, 1083): "({1} + {0})",
    ("-", 1083, 1186): "({0} - {1})",
    ("-", 1083, 1083): "to_microseconds(epoch_us({0}) - epoch_us({1}))",
}

_UTC_TEMPLATES: dict[tuple[str, int, int], str] = {
    ("+", 1184, 1186): "({0} + {1})",
    ("+", 1186, 1184): "({1} + {0})",
    ("-", 1184, 1186): "({0} - {1})",
}

_UTC_NAMES = frozenset(("UTC", "ETC/UTC", "GMT", "ETC/GMT", "ZULU", "ETC/ZULU", "UCT", "ETC/UCT"))


def date_arithmetic(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    if node.operator is None or len(node.arguments) != 2:
        return None
    key = (node.operator, node.arguments[0].sql_type.oid, node.arguments[1].sql_type.oid)
    template = _TEMPLATES.get(key)
    if template is None and is_utc(printer):
        template = _UTC_TEMPLATES.get(key)
    if template is None:
        return None
    return Printed(template.format(*(printer.sql(argument) for argument in node.arguments)), node.type)


def is_utc(printer: ExpressionPrinter) -> bool:
    """Whether the session's time zone is UTC, the zone DuckDB is fixed to."""
    return printer.statement.context.settings.get("TimeZone").upper() in _UTC_NAMES
