"""Evaluation of bound expressions over a frame of Arrow columns, one function per kind of node.

Values travel as `Datum`: a constant stays one value until a column is needed. A condition decides which rows
the next one sees where that matters: a row that AND, OR, CASE or COALESCE has decided never raises an error
from a part it does not need, as PostgreSQL evaluates row by row and from left to right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    AdminShutdown,
    FeatureNotSupported,
    InternalError,
    QueryCanceled,
    QuiverError,
)
from foundation.sqltypes import TEXT, SqlType, arrow_type
from planner import bound
from planner.evaluate.casts import cast_column, conform
from planner.evaluate.constants import constant_array, constant_list
from planner.evaluate.coverage import has_effects
from planner.evaluate.domains import domain_failure
from planner.evaluate.frame import Frame
from planner.evaluate.lists import array_literal, in_constants, in_list, quantified_array, subscript
from planner.evaluate.rows import compared_rows, joined_row
from planner.evaluate.variadic import spread_call
from planner.functions.datum import CallSite, Datum, contiguous
from planner.functions.implementations import (
    is_session_function,
    is_variadic_text,
    kernel_of,
    variadic_text_kernel,
)
from planner.functions.implementations_compare import compare
from planner.functions.signature import Function, Volatility
from planner.services import EvaluationContext

_SUBSET_FRACTION = 8
"""Later conditions are evaluated on the undecided rows alone when at most one row in eight is undecided."""

_Evaluator = Callable[[Any, Frame, EvaluationContext], Datum]


def evaluate(expression: bound.Expression, frame: Frame, context: EvaluationContext) -> pa.Array:
    """The expression's value for every row.

    Returns:
        (frame.row_count,) array of `arrow_type(expression.sql_type)`.

    Raises:
        QuiverError: what PostgreSQL raises for the values, for example 22003, 22012, 22P02.
    """
    datum = evaluate_datum(expression, frame, context)
    return conform(datum.spread(frame.row_count), expression.sql_type)


def evaluate_datum(expression: bound.Expression, frame: Frame, context: EvaluationContext) -> Datum:
    """As `evaluate`, with constants left as one value."""
    return _EVALUATORS[type(expression)](expression, frame, context)


def evaluate_condition(expression: bound.Expression, frame: Frame, context: EvaluationContext) -> Datum:
    """A condition of which only TRUE matters, as in WHERE: NULL and FALSE may come back as either.

    A row for which a conjunct is NULL needs no further conjunct and cannot raise an error in one.
    """
    if isinstance(expression, bound.BoolExpression) and expression.operator is bound.BoolOperator.AND:
        return _boolean(expression, frame, context, is_condition=True)
    return evaluate_datum(expression, frame, context)


def evaluate_constant(expression: bound.Expression, context: EvaluationContext) -> pa.Array:
    """The (1,) value of an expression without columns."""
    return evaluate(expression, Frame(1), context)


def _constant(node: bound.Constant, frame: Frame, context: EvaluationContext) -> Datum:
    return Datum(constant_array(node.value, node.type), True)


def _query_result(node: bound.QueryResult, frame: Frame, context: EvaluationContext) -> Datum:
    borders = pa.array([0, len(node.values)], pa.int32())
    return Datum(pa.ListArray.from_arrays(borders, node.values), True)


def _parameter(node: bound.Parameter, frame: Frame, context: EvaluationContext) -> Datum:
    return Datum(constant_array(context.parameters[node.index], node.type), True)


def _column(node: bound.ColumnRef, frame: Frame, context: EvaluationContext) -> Datum:
    return Datum(frame.column(node.relation_id, node.position))


# ---------------------------------------------------------------------------------------------------------
# Calls


def _call(node: bound.Call, frame: Frame, context: EvaluationContext) -> Datum:
    arguments = [evaluate_datum(argument, frame, context) for argument in node.arguments]
    function = node.function
    is_constant = function.volatility is not Volatility.VOLATILE and all(a.is_constant for a in arguments)
    row_count = 1 if is_constant else frame.row_count
    if not is_constant and all(a.is_constant for a in arguments):
        arguments = [Datum(argument.spread(row_count)) for argument in arguments]
    # Of a variadic function the array of its last arguments would have to be NULL.
    is_null = any(argument.is_null_constant() for argument in arguments) and not function.is_variadic
    if function.is_strict and is_null:
        return Datum(pa.nulls(1, arrow_type(node.type)), True)
    types = tuple(argument.sql_type for argument in node.arguments)
    array = _apply(function, arguments, CallSite(context, row_count, node.type, _oids(types)), types)
    return Datum(array, is_constant)


def _variadic_call(node: bound.VariadicCall, frame: Frame, context: EvaluationContext) -> Datum:
    datums = [evaluate_datum(argument, frame, context) for argument in node.arguments]
    is_constant = node.function.volatility is not Volatility.VOLATILE and all(d.is_constant for d in datums)
    row_count = 1 if is_constant else frame.row_count
    columns = [datum.spread(row_count) for datum in datums]

    def evaluate_spread(call: bound.Call, arguments: list[pa.Array], count: int) -> pa.Array:
        return evaluate(call, Frame(count, {(0, i): column for i, column in enumerate(arguments)}), context)

    return Datum(spread_call(node, columns, evaluate_spread), is_constant)


def _oids(types: tuple[SqlType, ...]) -> tuple[int, ...]:
    return tuple(sql_type.oid for sql_type in types)


def _apply(
    function: Function, arguments: list[Datum], site: CallSite, types: tuple[SqlType, ...]
) -> pa.Array:
    kernel = kernel_of(function)
    if kernel is not None:
        return kernel(arguments, site)
    if is_variadic_text(function):
        texts = [
            Datum(_text_form(function, a.array, t, site), a.is_constant) for a, t in zip(arguments, types)
        ]
        return variadic_text_kernel(function)(texts, site)
    if is_session_function(function):
        arrays = [argument.spread(site.row_count) for argument in arguments]
        answer = site.context.session.call_function(function, arrays, site.row_count)
        if answer is not None:
            return answer
    raise FeatureNotSupported(f"function {function.name} is not supported")


def _text_form(function: Function, column: pa.Array, sql_type: SqlType, site: CallSite) -> pa.Array:
    """`||` and quote_literal() cast to text, concat() and format() print: they differ for bool."""
    if function.name in ("anytextcat", "textanycat", "quote_literal", "quote_nullable"):
        return cast_column(column, sql_type, TEXT, site, is_explicit=False)
    return site.context.codecs.to_text(column, sql_type)


def _cast(node: bound.CastExpression, frame: Frame, context: EvaluationContext) -> Datum:
    argument = evaluate_datum(node.argument, frame, context)
    site = CallSite(context, len(argument.array), node.type, ())
    array = cast_column(argument.array, node.argument.sql_type, node.type, site, is_explicit=node.is_explicit)
    return Datum(array, argument.is_constant)


def _domain_check(node: bound.DomainCheck, frame: Frame, context: EvaluationContext) -> Datum:
    argument = evaluate_datum(node.argument, frame, context)
    failure = domain_failure(node.domain, argument.array, context)
    if failure is not None:
        raise failure.error
    return argument


# ---------------------------------------------------------------------------------------------------------
# Logic


def _boolean(
    node: bound.BoolExpression, frame: Frame, context: EvaluationContext, *, is_condition: bool = False
) -> Datum:
    is_and = node.operator is bound.BoolOperator.AND
    combine = pc.and_kleene if is_and else pc.or_kleene
    result = evaluate_datum(node.arguments[0], frame, context)
    for argument in node.arguments[1:]:
        decided = ~_equals(result, True) if is_condition else _equals(result, not is_and)
        if decided.all():
            break
        value = _unless_decided(argument, frame, context, result, decided)
        if result.is_constant and value.is_constant:
            result = Datum(combine(result.array, value.array), True)
        else:
            result = Datum(contiguous(combine(result.operand(), value.operand())))
    return result


def _equals(datum: Datum, wanted: bool) -> npt.NDArray[np.bool_]:
    """Rows (or the one value) that are valid and equal to `wanted`."""
    mask = datum.array if wanted else pc.invert(datum.array)
    return np.asarray(mask.fill_null(False))


def _unless_decided(
    expression: bound.Expression,
    frame: Frame,
    context: EvaluationContext,
    result: Datum,
    decided: npt.NDArray[np.bool_],
) -> Datum:
    """Value of the next condition. Decided rows may hold anything; a constant or a column comes back."""
    if result.is_constant:
        return evaluate_datum(expression, frame, context)
    undecided = np.flatnonzero(~decided)
    if len(undecided) == frame.row_count:
        return evaluate_datum(expression, frame, context)
    if len(undecided) * _SUBSET_FRACTION > frame.row_count and not has_effects(expression):
        try:
            return evaluate_datum(expression, frame, context)
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            pass  # maybe of a decided row
    values = evaluate_datum(expression, frame.take(undecided), context)
    return values if values.is_constant else Datum(_scatter(values.array, undecided, frame.row_count))


def _scatter(values: pa.Array, rows: npt.NDArray[np.int64], row_count: int) -> pa.Array:
    """A column with `values` at `rows` and NULL elsewhere."""
    positions = np.full(row_count, -1, dtype=np.int64)
    positions[rows] = np.arange(len(rows))
    return values.take(pa.array(positions, mask=positions < 0))


def _not(node: bound.Not, frame: Frame, context: EvaluationContext) -> Datum:
    argument = evaluate_datum(node.argument, frame, context)
    return Datum(pc.invert(argument.array), argument.is_constant)


def _is_null(node: bound.IsNull, frame: Frame, context: EvaluationContext) -> Datum:
    argument = evaluate_datum(node.argument, frame, context)
    result = argument.array.is_valid() if node.is_negated else argument.array.is_null()
    return Datum(result, argument.is_constant)


def _is_truth(node: bound.IsTruth, frame: Frame, context: EvaluationContext) -> Datum:
    argument = evaluate_datum(node.argument, frame, context)
    array = argument.array
    match node.test:
        case bound.TruthTest.TRUE:
            result = array.fill_null(False)
        case bound.TruthTest.FALSE:
            result = pc.invert(array.fill_null(True))
        case bound.TruthTest.UNKNOWN:
            result = array.is_null()
    return Datum(pc.invert(result) if node.is_negated else result, argument.is_constant)


def _is_distinct(node: bound.IsDistinct, frame: Frame, context: EvaluationContext) -> Datum:
    left, right = (evaluate_datum(side, frame, context) for side in (node.left, node.right))
    is_constant = left.is_constant and right.is_constant
    row_count = 1 if is_constant else frame.row_count
    left_type, right_type = node.left.sql_type.oid, node.right.sql_type.oid
    site = CallSite(context, row_count, node.type, (left_type, right_type))
    equal = compare("eq", left, right, (left_type, right_type), site)
    null_sides = [
        np.asarray(side.array.is_null()) if not side.is_constant else side.array.null_count == 1
        for side in (left, right)
    ]
    both_null = null_sides[0] & null_sides[1]
    same = np.asarray(equal.fill_null(False)) | both_null
    return Datum(pa.array(same if node.is_negated else ~same, pa.bool_()), is_constant)


# ---------------------------------------------------------------------------------------------------------
# CASE, COALESCE and their kin


class _Pieces:
    """A result column put together from parts computed for disjoint sets of rows."""

    def __init__(self, sql_type: SqlType, row_count: int) -> None:
        self._type = sql_type
        self._row_count = row_count
        self._arrays: list[pa.Array] = []
        self._rows: list[npt.NDArray[np.int64]] = []

    def add(self, values: pa.Array, rows: npt.NDArray[np.int64]) -> None:
        self._arrays.append(conform(values, self._type))
        self._rows.append(rows)

    def column(self) -> pa.Array:
        """The whole column; rows that were not added are NULL."""
        if not self._arrays:
            return pa.nulls(self._row_count, arrow_type(self._type))
        if len(self._arrays) == 1 and len(self._rows[0]) == self._row_count:
            return self._arrays[0]
        return _scatter(pa.concat_arrays(self._arrays), np.concatenate(self._rows), self._row_count)


def _case(node: bound.Case, frame: Frame, context: EvaluationContext) -> Datum:
    pieces = _Pieces(node.type, frame.row_count)
    remaining = np.arange(frame.row_count)
    rest = frame
    for condition, result in node.branches:
        if not len(remaining) and frame.row_count:
            break
        taken = _equals(evaluate_datum(condition, rest, context), True)
        if len(taken) != len(remaining):
            taken = np.full(len(remaining), bool(taken[0]))
        if taken.any():
            chosen = rest if taken.all() else rest.take(np.flatnonzero(taken))
            pieces.add(evaluate(result, chosen, context), remaining[taken])
            rest = rest.take(np.flatnonzero(~taken))
            remaining = remaining[~taken]
    if node.default is not None and len(remaining):
        pieces.add(evaluate(node.default, rest, context), remaining)
    return Datum(pieces.column())


def _variadic(node: bound.Variadic, frame: Frame, context: EvaluationContext) -> Datum:
    match node.kind:
        case bound.VariadicKind.COALESCE:
            return _coalesce(node, frame, context)
        case bound.VariadicKind.NULLIF:
            return _nullif(node, frame, context)
        case _:
            return _extreme(node, frame, context)


def _coalesce(node: bound.Variadic, frame: Frame, context: EvaluationContext) -> Datum:
    first = evaluate_datum(node.arguments[0], frame, context)
    if first.is_constant and first.array.null_count == 0:
        return Datum(conform(first.array, node.type), True)
    pieces = _Pieces(node.type, frame.row_count)
    remaining, rest = np.arange(frame.row_count), frame
    for argument in node.arguments:
        if not len(remaining):
            break
        values = evaluate(argument, rest, context)
        filled = np.asarray(values.is_valid())
        if filled.all():
            pieces.add(values, remaining)
            break
        found = np.flatnonzero(filled)
        pieces.add(values.take(pa.array(found)), remaining[found])
        rest, remaining = rest.take(np.flatnonzero(~filled)), remaining[~filled]
    return Datum(pieces.column())


def _nullif(node: bound.Variadic, frame: Frame, context: EvaluationContext) -> Datum:
    left, right = (evaluate_datum(argument, frame, context) for argument in node.arguments)
    types = (node.arguments[0].sql_type.oid, node.arguments[1].sql_type.oid)
    equal = compare("eq", left, right, types, CallSite(context, frame.row_count, node.type, types))
    if left.is_constant and right.is_constant:
        is_equal = equal[0].as_py() is True
        return Datum(pa.nulls(1, left.array.type) if is_equal else left.array, True)
    keep = pc.invert(equal.fill_null(False))
    return Datum(_where(keep, left.spread(frame.row_count), None))


def _where(mask: pa.Array, values: pa.Array, otherwise: pa.Array | None) -> pa.Array:
    """values where mask is true, else the other column's or NULL; works for every storage form."""
    chosen = np.asarray(mask)
    count = len(values)
    rows = np.arange(count)
    if otherwise is None:
        return values.take(pa.array(rows, mask=~chosen))
    both = pa.concat_arrays([values, otherwise])
    return both.take(pa.array(np.where(chosen, rows, rows + count)))


def _extreme(node: bound.Variadic, frame: Frame, context: EvaluationContext) -> Datum:
    """GREATEST and LEAST: NULL arguments are ignored."""
    suffix = "gt" if node.kind is bound.VariadicKind.GREATEST else "lt"
    types = (node.type.oid, node.type.oid)
    site = CallSite(context, frame.row_count, node.type, types)
    best = evaluate(node.arguments[0], frame, context)
    best = conform(best, node.type)
    for argument in node.arguments[1:]:
        other = conform(evaluate(argument, frame, context), node.type)
        better = compare(suffix, Datum(other), Datum(best), types, site).fill_null(False)
        take_other = pc.and_(pc.or_(better, best.is_null()), other.is_valid())
        best = _where(take_other, other, best)
    return Datum(best)


# ---------------------------------------------------------------------------------------------------------
# Lists and arrays


def _in_list(node: bound.InList, frame: Frame, context: EvaluationContext) -> Datum:
    left = evaluate_datum(node.left, frame, context)
    types = [item.sql_type.oid for item in node.items]
    members = constant_list(node.items)
    if members is not None:
        result = in_constants(left, members, node.left.sql_type.oid, types[0])
        if result is not None:
            return Datum(pc.invert(result.array), result.is_constant) if node.is_negated else result
    items = [evaluate_datum(item, frame, context) for item in node.items]
    result = in_list(
        left, items, node.left.sql_type, types, CallSite(context, frame.row_count, node.type, ())
    )
    if node.is_negated:
        result = Datum(pc.invert(result.array), result.is_constant)
    return result


def _quantified_array(node: bound.QuantifiedArray, frame: Frame, context: EvaluationContext) -> Datum:
    kernel = kernel_of(node.function)
    if kernel is None:
        raise FeatureNotSupported(f"operator {node.operator} ANY is not supported")
    left = evaluate_datum(node.left, frame, context)
    array = evaluate_datum(node.array, frame, context)
    return quantified_array(node, kernel, left, array, context)


def _array_literal(node: bound.ArrayLiteral, frame: Frame, context: EvaluationContext) -> Datum:
    items = [evaluate_datum(item, frame, context) for item in node.items]
    return array_literal(items, node.type, frame.row_count)


def _subscript(node: bound.Subscript, frame: Frame, context: EvaluationContext) -> Datum:
    parts = [
        None if part is None else evaluate_datum(part, frame, context) for part in (node.index, node.upper)
    ]
    array = evaluate_datum(node.array, frame, context)
    return subscript(array, parts[0], parts[1], is_slice=node.is_slice, result_type=node.type)


def _row(node: bound.RowLiteral, frame: Frame, context: EvaluationContext) -> Datum:
    items = [evaluate_datum(item, frame, context) for item in node.items]
    return joined_row(node, items, frame.row_count, context)


def _field(node: bound.FieldSelect, frame: Frame, context: EvaluationContext) -> Datum:
    argument = evaluate_datum(node.argument, frame, context)
    fields = context.codecs.record_fields(argument.array, node.argument.sql_type)
    return Datum(fields[node.position], argument.is_constant)


def _row_comparison(node: bound.RowComparison, frame: Frame, context: EvaluationContext) -> Datum:
    sides = evaluate_datum(node.left, frame, context), evaluate_datum(node.right, frame, context)
    return compared_rows(node, sides, frame.row_count, context)


def _not_native(node: Any, frame: Frame, context: EvaluationContext) -> Datum:
    raise InternalError(f"{type(node).__name__} reached native evaluation")


_EVALUATORS: dict[type, _Evaluator] = {
    bound.Constant: _constant, bound.QueryResult: _query_result, bound.Parameter: _parameter,
    bound.ColumnRef: _column, bound.Call: _call, bound.VariadicCall: _variadic_call,
    bound.CastExpression: _cast, bound.DomainCheck: _domain_check, bound.BoolExpression: _boolean, bound.Not: _not, bound.IsNull: _is_null,
    bound.IsTruth: _is_truth, bound.IsDistinct: _is_distinct, bound.Case: _case, bound.Variadic: _variadic,
    bound.InList: _in_list, bound.QuantifiedArray: _quantified_array, bound.ArrayLiteral: _array_literal,
    bound.Subscript: _subscript, bound.RowLiteral: _row, bound.FieldSelect: _field,
    bound.RowComparison: _row_comparison, bound.Subquery: _not_native,
    bound.Aggregate: _not_native, bound.WindowCall: _not_native, bound.Grouping: _not_native,
    bound.OutputRef: _not_native, bound.Default: _not_native,
}  # fmt: skip
