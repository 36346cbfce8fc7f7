"""~ ~* !~ !~*: RE2 for the patterns both dialects read alike, our evaluator for the rest.

In PostgreSQL `.` matches a newline and ^ $ only the ends of the string; RE2 needs option s for the first.
"""

from __future__ import annotations

import re

from planner import bound
from planner.relational.expressions import ExpressionPrinter
from planner.relational.printed import Printed

_TEMPLATES = {
    "~": "regexp_matches({0}, {1}, 's')",
    "~*": "regexp_matches({0}, {1}, 'si')",
    "!~": "(NOT regexp_matches({0}, {1}, 's'))",
    "!~*": "(NOT regexp_matches({0}, {1}, 'si'))",
}
_COMMON_PATTERN = re.compile(r"(?:[^\\\[(*{]|\((?!\?)|\*(?!\*)|\[\^?[\w .,:;_-]+\]|\\[.^$()\[\]*+?{}|\\/-])*")
"""Literals, anchors, groups, alternation, simple sets, repetition and escaped punctuation."""


def regular_expressions(printer: ExpressionPrinter, node: bound.Call) -> Printed | None:
    template = _TEMPLATES.get(node.operator or "")
    if template is None or not is_common_pattern(node.arguments[1]):
        return None
    return Printed(template.format(*(printer.sql(argument) for argument in node.arguments)), node.type)


def is_common_pattern(pattern: bound.Expression) -> bool:
    """Whether a constant pattern means the same in PostgreSQL and RE2."""
    return (
        isinstance(pattern, bound.Constant)
        and isinstance(pattern.value, str)
        and not pattern.value.startswith("*")
        and _COMMON_PATTERN.fullmatch(pattern.value) is not None
    )
