"""Enums given to functions that take any type and read its text form: they get the label.

Without it they would see the position that is stored for a label. to_json(mood) is to_json(text) of the label, and so
on: the answers are PostgreSQL's, whose functions call the type's output function themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.enum_types import is_enum, is_enum_or_array
from foundation.sqltypes import TEXT, array_type
from planner.bound import CastExpression, Expression

_READERS = frozenset((
    "to_json", "to_jsonb", "row_to_json", "array_to_json", "concat", "concat_ws", "format", "quote_literal",
    "quote_nullable", "textanycat", "anytextcat", "array_to_string",
))  # fmt: skip
_JSON = ("json_", "jsonb_")


def with_labels(name: str, arguments: Sequence[Expression]) -> tuple[Expression, ...]:
    """The arguments of a function, with labels where it reads the text of values of any type."""
    if name not in _READERS and not name.startswith(_JSON):
        return tuple(arguments)
    return tuple(_labelled(argument) for argument in arguments)


def _labelled(expression: Expression) -> Expression:
    oid = expression.sql_type.oid
    if not is_enum_or_array(oid):
        return expression
    return CastExpression(expression, TEXT if is_enum(oid) else array_type(TEXT), True)
