"""Which form an array has in an expression: the plain one, or the one that may have any shape.

PostgreSQL knows one type where `foundation.shaped_arrays` has two forms. Overloads, conversions and messages go by that type
(`type_rules`); what stands here decides, once a call is chosen, in which form its arrays go in and its result comes out:

- a form is known of every expression: columns and casts declared with several brackets, ARRAY[...] of arrays, array_agg() of
  arrays, and literals and parameters whose value asks for it are shaped, and what is made of them;
- where both forms meet, the plain one is widened;
- what looks at the elements alone (unnest, = ANY, @>) gets them as a plain array;
- a function that only knows the plain form gets it, or 0A000 when the value has another shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foundation.errors import FeatureNotSupported
from foundation.row_types import has_exact_text, is_row_type
from foundation.shaped_arrays import ShapedArray, plain_array
from foundation.sqltypes import SqlType, element_type, is_shaped, plain_type, shaped_type
from planner.bound import ArrayLiteral, Call, CastExpression, Constant, Expression
from planner.functions.shaped_functions import ARRAY_ITEMS, ARRAY_STACK
from planner.functions.signature import ANYARRAY, Function

_LOOKING = frozenset((
    "array_dims", "array_length", "array_lower", "array_ndims", "array_position", "array_positions",
    "array_to_json", "array_upper", "concat", "concat_ws", "count", "format", "generate_subscripts", "json_agg",
    "json_build_array", "json_build_object", "jsonb_agg", "jsonb_build_array", "jsonb_build_object", "num_nonnulls", "num_nulls",
    "pg_typeof", "quote_literal", "quote_nullable", "to_json", "to_jsonb",
))  # fmt: skip
"""Functions that take either form as it is, or the shaped one as well as the plain one."""
_PASSING = frozenset((
    "any_value", "array_append", "array_cat", "array_eq", "array_ge", "array_gt", "array_larger", "array_le", "array_lt", "array_ne",
    "array_remove", "array_prepend", "array_replace", "array_smaller", "first_value", "lag", "last_value", "lead", "max", "min", "nth_value",
    "trim_array",
))  # fmt: skip
"""Functions whose arrays have to be of one form, and whose result, where it is an array, has it, too."""
_OF_ITEMS = frozenset(
    ("array_to_string", "arraycontained", "arraycontains", "arrayoverlap", "cardinality", "unnest")
)
"""Functions of the elements, whatever the shape."""


_ORDERING = frozenset(
    ("array_ge", "array_gt", "array_larger", "array_le", "array_lt", "array_smaller", "max", "min")
)
_EQUATING = frozenset((
    "array_eq", "array_ne", "array_position", "array_positions", "array_remove", "array_replace", "arraycontained",
    "arraycontains", "arrayoverlap",
))  # fmt: skip


def widened(expression: Expression) -> Expression:
    """An array in the shaped form."""
    sql_type = expression.sql_type
    if is_shaped(sql_type):
        return expression
    target = shaped_type(sql_type)
    if isinstance(expression, Constant):
        return Constant(None if expression.value is None else plain_array(expression.value), target)
    return CastExpression(expression, target)


def narrowed(expression: Expression) -> Expression:
    """An array in the plain form; where its value turns out to have another shape, the statement fails (0A000)."""
    target = plain_type(expression.sql_type)
    if isinstance(expression, Constant) and isinstance(expression.value, ShapedArray):
        if expression.value.is_plain():
            return Constant(expression.value.items, target)
    elif isinstance(expression, Constant):
        return Constant(None, target)
    return CastExpression(expression, target)


def flattened(expression: Expression) -> Expression:
    """The elements of an array in either form, as a plain array."""
    if not is_shaped(expression.sql_type):
        return expression
    return Call(ARRAY_ITEMS, (expression,), plain_type(expression.sql_type))


def in_one_form(expressions: Sequence[Expression]) -> tuple[Expression, ...]:
    """Expressions of which the arrays are all shaped if one of them is."""
    if not any(is_shaped(expression.sql_type) for expression in expressions):
        return tuple(expressions)
    return tuple(widened(e) if _is_plain_array(e.sql_type) else e for e in expressions)


def _is_plain_array(sql_type: SqlType) -> bool:
    return element_type(sql_type) is not None


def stacked(arrays: Sequence[Expression], sql_type: SqlType) -> Expression:
    """ARRAY[...] of arrays of one type."""
    return Call(ARRAY_STACK, tuple(widened(array) for array in arrays), shaped_type(plain_type(sql_type)))


def shape_call(
    function: Function, arguments: tuple[Expression, ...], result: SqlType
) -> tuple[tuple[Expression, ...], SqlType]:
    """The arguments of a call in the forms that the function takes, and the form of its result.

    Raises:
        FeatureNotSupported: 0A000, rows in arrays would be compared.
    """
    name = function.name
    for argument in arguments:
        _check_rows(name, element_type(plain_type(argument.sql_type)))
    if name == "array_agg" and function.argument_types == (ANYARRAY,):
        return tuple(map(widened, arguments)), shaped_type(result)
    if name == "array_fill":
        return arguments, result if _fills_plainly(arguments) else shaped_type(result)
    if not any(is_shaped(argument.sql_type) for argument in arguments) or name in _LOOKING:
        return arguments, result
    if name in _PASSING:
        is_array = _is_plain_array(result)
        return in_one_form(arguments), shaped_type(result) if is_array else result
    change = flattened if name in _OF_ITEMS else narrowed
    return tuple(change(a) if is_shaped(a.sql_type) else a for a in arguments), result


def _check_rows(name: str, element: SqlType | None) -> None:
    """Refuse what would compare rows in arrays by their texts, where these do not say how they compare."""
    if element is None or not is_row_type(element.oid):
        return
    if name in _ORDERING or (name in _EQUATING and not has_exact_text(element)):
        raise FeatureNotSupported("comparison of arrays of rows is not supported")


def shaped_result(call: Call) -> Call:
    """A call with its arguments and result in the right forms."""
    arguments, result = shape_call(call.function, call.arguments, call.type)
    if arguments == call.arguments and result == call.type:
        return call
    return replace(call, arguments=arguments, type=result)


def _fills_plainly(arguments: Sequence[Expression]) -> bool:
    """Whether array_fill() is told one length, and no bounds."""
    if len(arguments) > 2:
        return False
    lengths = arguments[1]
    if isinstance(lengths, Constant):
        return lengths.value is not None and len(lengths.value) == 1
    return isinstance(lengths, ArrayLiteral) and len(lengths.items) == 1
