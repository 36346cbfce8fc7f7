"""Whether a condition implies the predicate of a partial index, and when two expressions are the same.

A part of PostgreSQL's predicate_implied_by() (src/backend/optimizer/util/predtest.c): AND, OR and IN-lists taken apart,
a comparison with a constant by another one, `x IS NOT NULL` by any strict test of x.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

from foundation.sqltypes import SqlType
from planner import bound
from planner.evaluate.rewriting import rewrite
from planner.evaluate.zone_maps import conjuncts
from planner.functions.signature import Function

_ORDERED = (int, float, Decimal, datetime.date, datetime.time)
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


def comparable(node: Any) -> Any:
    """A tree in which what does the same is the same.

    A cast that was implicit equals one that was written, where there is no length; `= ANY (ARRAY[...])` is IN, and
    `<> ALL (ARRAY[...])` NOT IN.
    """
    if isinstance(node, tuple):
        return tuple(comparable(item) for item in node)
    if not is_dataclass(node) or isinstance(node, SqlType | Function | type):
        return node
    values = {spec.name: comparable(getattr(node, spec.name)) for spec in fields(node)}
    if isinstance(node, bound.CastExpression) and node.type.typmod < 0:
        values["is_explicit"] = True
    if isinstance(node, bound.QuantifiedArray) and isinstance(node.array, bound.ArrayLiteral):
        is_list = (node.operator, node.is_all) in (("=", False), ("<>", True))
        if is_list and all(item.sql_type.oid == node.left.sql_type.oid for item in node.array.items):
            return bound.InList(values["left"], values["array"].items, is_negated=node.is_all)
    return replace(node, **values)


def over_attnums(expression: bound.Expression, columns: Sequence[bound.RelationColumn]) -> bound.Expression:
    """A `comparable` expression over one table whose columns are named by attnum, whatever its relation is called."""

    def change(node: object) -> object | None:
        if isinstance(node, bound.ColumnRef):
            return bound.ColumnRef(0, columns[node.position].attnum, "", node.type)
        return None

    changed: bound.Expression = comparable(rewrite(expression, change))
    return changed


def with_parameter_values(expression: bound.Expression, parameters: Sequence[Any]) -> bound.Expression:
    """The expression with every parameter replaced by its value."""

    def change(node: object) -> object | None:
        if isinstance(node, bound.Parameter):
            return bound.Constant(parameters[node.index], node.type)
        return None

    return rewrite(expression, change)


def is_implied(predicate: bound.Expression, condition: bound.Expression | None) -> bool:
    """Whether every row that satisfies `condition` satisfies the predicate, as far as this can tell.

    Both refer to the row alike.
    """
    if condition is None:
        return False
    return _implies(comparable(condition), comparable(predicate))


def _implies(given: bound.Expression, wanted: bound.Expression) -> bool:
    if isinstance(wanted, bound.BoolExpression) and wanted.operator is bound.BoolOperator.AND:
        return all(_implies(given, part) for part in conjuncts(wanted))
    if isinstance(given, bound.BoolExpression) and given.operator is bound.BoolOperator.OR:
        if all(_implies(arm, wanted) for arm in given.arguments):
            return True
    elif any(_part_implies(part, wanted) for part in conjuncts(given)):
        return True
    if isinstance(wanted, bound.BoolExpression):
        return any(_implies(given, arm) for arm in wanted.arguments)
    return False


def _part_implies(given: bound.Expression, wanted: bound.Expression) -> bool:
    """One conjunct of what is given."""
    if isinstance(given, bound.BoolExpression) and given.operator is bound.BoolOperator.OR:
        return _implies(given, wanted)
    given, wanted = _truth(given), _truth(wanted)
    if given == wanted:
        return True
    if isinstance(wanted, bound.IsNull) and wanted.is_negated:
        return _rejects_null(given, wanted.argument)
    test, known = _comparison(wanted), _values(given)
    if test is None or known is None or test[0] != known[0]:
        return False
    try:
        return all(_holds(operator, value, test) for operator, value in known[1])
    except TypeError:
        return False  # times with and without a zone have no order


def _truth(expression: bound.Expression) -> bound.Expression:
    """`x` for `x = true` and `x IS TRUE`, which select the same rows."""
    if isinstance(expression, bound.IsTruth) and expression.test is bound.TruthTest.TRUE:
        return expression if expression.is_negated else expression.argument
    if isinstance(expression, bound.Call) and expression.operator == "=" and len(expression.arguments) == 2:
        left, right = expression.arguments
        if isinstance(right, bound.Constant) and right.value is True:
            return left
        if isinstance(left, bound.Constant) and left.value is True:
            return right
    return expression


def _rejects_null(given: bound.Expression, argument: bound.Expression) -> bool:
    """Whether `given` is a strict test of the argument itself."""
    if isinstance(given, bound.InList):
        return _is_null_with(given.left, argument)
    if isinstance(given, bound.QuantifiedArray):
        return not given.is_all and _is_null_with(given.left, argument)
    return _is_null_with(given, argument)


def _is_null_with(expression: bound.Expression, argument: bound.Expression) -> bool:
    """Whether an expression is NULL when the argument is: strict functions and casts all the way."""
    if expression == argument:
        return True
    if isinstance(expression, bound.CastExpression):
        return _is_null_with(expression.argument, argument)
    if isinstance(expression, bound.Call) and expression.function.is_strict:
        return any(_is_null_with(part, argument) for part in expression.arguments)
    return False


Bounds = list[tuple[str, Any]]


def _comparison(node: bound.Expression) -> tuple[bound.Expression, str, Any] | None:
    """(tested expression, operator, constant) of a comparison."""
    if not isinstance(node, bound.Call) or node.operator not in _FLIPPED or len(node.arguments) != 2:
        return None
    left, right = node.arguments
    if isinstance(right, bound.Constant) and right.value is not None:
        return left, node.operator, right.value
    if isinstance(left, bound.Constant) and left.value is not None:
        return right, _FLIPPED[node.operator], left.value
    return None


def _values(node: bound.Expression) -> tuple[bound.Expression, Bounds] | None:
    """(tested expression, what it is then): one of these (operator, constant) holds."""
    found = _comparison(node)
    if found is not None:
        return found[0], [(found[1], found[2])]
    if isinstance(node, bound.InList) and not node.is_negated:
        values = [item.value for item in node.items if isinstance(item, bound.Constant)]
        if len(values) == len(node.items):
            return node.left, [("=", value) for value in values if value is not None]
    if isinstance(node, bound.QuantifiedArray) and node.operator == "=" and not node.is_all:
        array = node.array
        if isinstance(array, bound.Constant) and isinstance(array.value, list):
            return node.left, [("=", value) for value in array.value if value is not None]
        if isinstance(array, bound.ArrayLiteral):
            values = [item.value for item in array.items if isinstance(item, bound.Constant)]
            if len(values) == len(array.items):
                return node.left, [("=", value) for value in values if value is not None]
    return None


def _holds(operator: str, value: Any, test: tuple[bound.Expression, str, Any]) -> bool:
    """Whether `x operator value` implies the test of x."""
    _, wanted, limit = test
    if type(value) is not type(limit):
        return False
    if operator == "=" and wanted == "=":
        return bool(value == limit)
    if not isinstance(value, _ORDERED) or isinstance(value, bool) or _is_nan(value) or _is_nan(limit):
        return False
    if operator == "=":
        return _compares(value, wanted, limit)
    if wanted == "<>":
        is_outside = {"<": limit >= value, "<=": limit > value, ">": limit <= value, ">=": limit < value}
        return bool(is_outside.get(operator, value == limit))
    if operator in ("<", "<=") and wanted in ("<", "<="):
        return bool(value < limit or (value == limit and not (operator == "<=" and wanted == "<")))
    if operator in (">", ">=") and wanted in (">", ">="):
        return bool(value > limit or (value == limit and not (operator == ">=" and wanted == ">")))
    return False


def _compares(value: Any, operator: str, limit: Any) -> bool:
    results = {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
        "<>": value != limit,
        "=": value == limit,
    }
    return bool(results[operator])


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
