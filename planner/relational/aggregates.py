"""Aggregates. One table says how each is built from DuckDB's; window calls of aggregates share it (`windows.py`).

sum and avg follow PostgreSQL's result types: sum(int4) bigint, sum(int8) and everything over numeric numeric,
avg(int) a numeric whose scale our quotient decides from the exact sum and the count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from foundation.errors import FeatureNotSupported
from foundation.row_types import is_row_type
from foundation.sqltypes import (
    FLOAT8,
    INT8,
    INTERVAL,
    JSON,
    NUMERIC,
    TEXT,
    SqlType,
    array_type,
    arrow_type,
    element_type,
    is_shaped,
    is_vector,
)
from planner import bound
from planner.functions.signature import Function
from planner.relational.array_collection import print_collected
from planner.relational.carriers import carrier
from planner.relational.collected import extreme_numeric, string_joiner
from planner.relational.expressions import ExpressionPrinter
from planner.relational.float_moments import REGRESSIONS, regression_of_floats, variance_of_floats
from planner.relational.interval_sums import interval_reducer
from planner.relational.json_texts import evaluate_canonical, json_key_evaluator, to_json_evaluator
from planner.relational.mixed_sums import sum_of_branches
from planner.relational.numeric_kernels import (
    evaluate_average,
    evaluate_sum,
    list_variance_evaluator,
    variance_evaluator,
)
from planner.relational.ordered_sets import print_ordered_set
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed
from planner.relational.range_aggregates import RANGE_AGGREGATES, range_reducer
from planner.relational.rules.comparison import as_plain_text, group_sql, order_sql
from planner.relational.statement import as_plain
from planner.relational.vector_aggregates import vector_reducer

_FLOATS = frozenset((700, 701))
_SAME_NAME = {
    "bool_and": "bool_and", "bool_or": "bool_or", "every": "bool_and", "bit_and": "bit_and",
    "bit_or": "bit_or", "bit_xor": "bit_xor", "corr": "corr", "covar_pop": "covar_pop",
    "covar_samp": "covar_samp", "regr_avgx": "regr_avgx", "regr_avgy": "regr_avgy",
    "regr_count": "regr_count", "regr_intercept": "regr_intercept", "regr_r2": "regr_r2",
    "regr_slope": "regr_slope", "regr_sxx": "regr_sxx", "regr_sxy": "regr_sxy", "regr_syy": "regr_syy",
    "any_value": "any_value",
}  # fmt: skip
_VARIANCES = {
    "stddev": (True, True), "stddev_samp": (True, True), "stddev_pop": (False, True),
    "variance": (True, False), "var_samp": (True, False), "var_pop": (False, False),
}  # fmt: skip
_COLLECTING = frozenset(("array_agg", "string_agg"))


@dataclass(frozen=True, slots=True)
class CallShape:
    """What stands around the arguments of every DuckDB aggregate a call is built from."""

    distinct: str = ""
    order_by: str = ""
    tail: str = ""
    """FILTER and OVER."""
    is_window: bool = False

    def call(self, name: str, *arguments: str) -> str:
        return f"{name}({self.distinct}{', '.join(arguments)}{self.order_by}){self.tail}"


def print_aggregate(printer: ExpressionPrinter, node: bound.Aggregate) -> Printed:
    """Print an aggregate. Raises 0A000 by name for those that have no exact form here."""
    tail = f" FILTER (WHERE {printer.sql(node.filter)})" if node.filter is not None else ""
    if node.within_group:
        return print_ordered_set(printer, node)
    order_by = f" ORDER BY {sort_keys(printer, node.order_by)}" if node.order_by else ""
    shape = CallShape("DISTINCT " if node.is_distinct else "", order_by, tail)
    return print_call(printer, node.function, node.arguments, node.type, shape)


def sort_keys(printer: ExpressionPrinter, keys: Sequence[bound.SortKey]) -> str:
    """The items of an ORDER BY, NULLs placed explicitly."""
    parts = []
    for key in keys:
        direction = "DESC" if key.is_descending else "ASC"
        nulls = "FIRST" if key.nulls_first else "LAST"
        parts.append(f"{order_sql(printer, printer.print(key.expression))} {direction} NULLS {nulls}")
    return ", ".join(parts)


def print_call(
    printer: ExpressionPrinter,
    function: Function,
    nodes: Sequence[bound.Expression],
    sql_type: SqlType,
    shape: CallShape,
) -> Printed:
    """Print an aggregate's call, plain or with OVER. Raises 0A000 by name for those that have no exact form here."""
    name = function.name
    arguments = [printer.print(node) for node in nodes]
    if name == "count":
        counted = [group_sql(printer, argument) for argument in arguments] if shape.distinct else None
        sqls = counted or [argument.sql for argument in arguments] or ["*"]
        return Printed(f"CAST({shape.call('count', *sqls)} AS BIGINT)", INT8)
    if name in _VARIANCES:
        return _variance(printer, name, arguments[0], sql_type, shape)
    if name in REGRESSIONS and not shape.distinct and not shape.is_window:
        return _float_regression(printer, name, arguments, shape)
    if name in _SAME_NAME:
        sqls = [argument.sql for argument in arguments]
        form = arguments[0].decimal if name == "any_value" else None
        return Printed(
            f"CAST({shape.call(_SAME_NAME[name], *sqls)} AS {carrier(sql_type, form)})", sql_type, form
        )
    if name in ("sum", "avg") and arguments[0].is_text_numeric:
        total = sum_of_branches(printer, nodes[0], shape)
        if total is not None:
            return total if name == "sum" else _average(printer, total, arguments[0], shape)
    is_collected = name in _COLLECTING or (name in ("sum", "avg") and is_vector(arguments[0].type))
    if shape.distinct and not shape.order_by and is_collected:
        # PostgreSQL sorts to find the distinct values, and they come in that order.
        shape = replace(shape, order_by=f" ORDER BY {order_sql(printer, arguments[0])} ASC NULLS LAST")
    builder = _BUILDERS.get(name)
    if builder is None:
        raise FeatureNotSupported(f"aggregate function {name} is not supported")
    return builder(printer, arguments, sql_type, shape)


def _sum(
    printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
) -> Printed:
    (argument,) = arguments
    if is_vector(argument.type):
        return _vector_reduction(printer, argument, sql_type, shape, "sum")
    if sql_type.oid == INTERVAL.oid:
        return _interval_reduction(printer, argument, shape, is_average=False)
    if sql_type.oid != NUMERIC.oid:
        return Printed(f"CAST({_checked('sum', argument, shape)} AS {carrier(sql_type)})", sql_type)
    if argument.type.oid == NUMERIC.oid and argument.decimal is None:
        collected = Printed(shape.call("list", argument.sql), SqlType(1231))
        return printer.statement.slot_call("numeric sum", evaluate_sum, [collected], NUMERIC)
    form = DecimalForm(DECIMAL_DIGITS_MAX, argument.decimal.scale if argument.decimal else 0)
    return Printed(f"CAST({shape.call('sum', argument.sql)} AS {form.sql})", sql_type, form)


def _avg(
    printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
) -> Printed:
    (argument,) = arguments
    if is_vector(argument.type):
        return _vector_reduction(printer, argument, sql_type, shape, "avg")
    if sql_type.oid == INTERVAL.oid:
        return _interval_reduction(printer, argument, shape, is_average=True)
    if sql_type.oid != NUMERIC.oid:
        return Printed(f"CAST({_checked('avg', argument, shape)} AS {carrier(sql_type)})", sql_type)
    if argument.type.oid == NUMERIC.oid:
        total = _sum(printer, arguments, NUMERIC, shape)
    else:
        total = Printed(
            f"CAST({shape.call('sum', argument.sql)} AS DECIMAL(38,0))", NUMERIC, DecimalForm(38, 0)
        )
    return _average(printer, total, argument, shape)


def _average(printer: ExpressionPrinter, total: Printed, argument: Printed, shape: CallShape) -> Printed:
    """The average of numbers by their sum."""
    text = Printed(as_plain_text(total), NUMERIC)
    count = Printed(shape.call("count", argument.sql), INT8)
    return printer.statement.slot_call("numeric average", evaluate_average, [text, count], NUMERIC)


def _checked(name: str, argument: Printed, shape: CallShape) -> str:
    """sum or avg; over floats an infinity that no input has is an overflow (22003)."""
    result = shape.call(name, argument.sql)
    if argument.type.oid not in _FLOATS:
        return result
    has_infinity = shape.call("bool_or", f"isinf({argument.sql})")
    return (
        f"(CASE WHEN isinf({result}) AND NOT {has_infinity} "
        f"THEN error('value out of range: overflow') ELSE {result} END)"
    )


def _extreme(name: str) -> Callable[..., Printed]:
    def build(
        printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
    ) -> Printed:
        (argument,) = arguments
        if argument.is_text_numeric:
            collected = Printed(shape.call("list", argument.sql), array_type(NUMERIC))
            evaluator = extreme_numeric(is_least=name == "min")
            return printer.statement.slot_call(("numeric", name), evaluator, [collected], NUMERIC)
        return Printed(shape.call(name, argument.sql), sql_type, argument.decimal)

    return build


def _variance(
    printer: ExpressionPrinter, name: str, argument: Printed, sql_type: SqlType, shape: CallShape
) -> Printed:
    is_sample, is_root = _VARIANCES[name]
    if sql_type.oid != NUMERIC.oid:
        if not shape.is_window:
            doubles = f"CAST({argument.sql} AS DOUBLE)"
            collected = Printed(shape.call("list", doubles), array_type(FLOAT8))
            evaluator = variance_of_floats(is_sample=is_sample, is_root=is_root)
            key = ("float variance", is_sample, is_root)
            return printer.statement.slot_call(key, evaluator, [collected], FLOAT8)
        duck = ("stddev_" if is_root else "var_") + ("samp" if is_sample else "pop")
        return Printed(shape.call(duck, argument.sql), sql_type)
    if argument.is_text_numeric:
        collected = Printed(shape.call("list", argument.sql), SqlType(1231))
        evaluator = list_variance_evaluator(is_sample=is_sample, is_root=is_root)
        key = ("list variance", is_sample, is_root)
        return printer.statement.slot_call(key, evaluator, [collected], NUMERIC)
    wide = argument.sql if argument.decimal else f"CAST({argument.sql} AS DECIMAL(19,0))"
    pieces = [
        Printed(shape.call("count", wide), INT8),
        Printed(f"CAST({shape.call('sum', wide)} AS VARCHAR)", NUMERIC),
        Printed(f"CAST({shape.call('sum', f'({wide} * {wide})')} AS VARCHAR)", NUMERIC),
    ]
    evaluator = variance_evaluator(is_sample=is_sample, is_root=is_root)
    return printer.statement.slot_call(("variance", is_sample, is_root), evaluator, pieces, NUMERIC)


def _array_agg(
    printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
) -> Printed:
    if is_shaped(sql_type):
        return print_collected(printer, shape.call("list", arguments[0].sql), sql_type, is_query=False)
    return Printed(shape.call("list", as_plain(arguments[0])), sql_type)


def _string_agg(
    printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
) -> Printed:
    value, delimiter = arguments
    is_text, is_constant = sql_type.oid == TEXT.oid, delimiter.sql.startswith("'")
    if is_text and (is_constant or shape.distinct):
        return Printed(shape.call("string_agg", value.sql, f"coalesce({delimiter.sql}, '')"), sql_type)
    if shape.distinct:
        raise FeatureNotSupported("string_agg(DISTINCT ...) over bytea is not supported")
    lists = [Printed(shape.call("list", argument.sql), array_type(sql_type)) for argument in arguments]
    joiner = string_joiner(arrow_type(sql_type))
    return printer.statement.slot_call(("string_agg", sql_type), joiner, lists, sql_type)


def _json_agg(*, is_jsonb: bool) -> Callable[..., Printed]:
    def build(
        printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
    ) -> Printed:
        text, argument = _json_text(printer, arguments[0], is_jsonb=is_jsonb), arguments[0].type
        has_parts = element_type(argument) is not None or is_shaped(argument) or is_row_type(argument.oid)
        if has_parts and not is_jsonb:
            # json_agg() begins a line with each array and row but the first.
            text = f"CASE WHEN {text} = 'null' THEN 'null' ELSE chr(10) || ' ' || {text} END"
        joined = f"ltrim(array_to_string({shape.call('list', text)}, ', '), chr(10) || ' ')"
        return Printed(f"('[' || {joined} || ']')", sql_type)

    return build


def _json_object_agg(*, is_jsonb: bool) -> Callable[..., Printed]:
    def build(
        printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
    ) -> Printed:
        evaluator = json_key_evaluator(arguments[0].type, printer.statement.context)
        names = printer.statement.slot_call(("json key", arguments[0].type), evaluator, arguments[:1], JSON)
        key, value = names.sql, _json_text(printer, arguments[1], is_jsonb=False)
        joined = shape.call("list", f"({key} || ' : ' || {value})")
        text = Printed(f"('{{ ' || array_to_string({joined}, ', ') || ' }}')", JSON)
        if not is_jsonb:
            return text
        return printer.statement.slot_call("canonical jsonb", evaluate_canonical, [text], sql_type)

    return build


def _json_text(printer: ExpressionPrinter, argument: Printed, *, is_jsonb: bool) -> str:
    """json text of an argument, 'null' for NULL."""
    statement = printer.statement
    evaluator = to_json_evaluator(argument.type, statement.context, is_jsonb=is_jsonb)
    key = ("json text", argument.type, is_jsonb)
    return f"coalesce({statement.slot_call(key, evaluator, [argument], JSON).sql}, 'null')"


def _vector_reduction(
    printer: ExpressionPrinter, argument: Printed, sql_type: SqlType, shape: CallShape, name: str
) -> Printed:
    """sum and avg of vectors over the collected list of each group."""
    collected = Printed(shape.call("list", argument.sql), array_type(argument.type.without_typmod()))
    evaluator = vector_reducer(sql_type, is_average=name == "avg")
    return printer.statement.slot_call(("vector", name, sql_type), evaluator, [collected], sql_type)


def _interval_reduction(
    printer: ExpressionPrinter, argument: Printed, shape: CallShape, *, is_average: bool
) -> Printed:
    collected = Printed(shape.call("list", argument.sql), array_type(INTERVAL))
    evaluator = interval_reducer(is_average=is_average)
    return printer.statement.slot_call(("interval", is_average), evaluator, [collected], INTERVAL)


def _float_regression(
    printer: ExpressionPrinter, name: str, arguments: Sequence[Printed], shape: CallShape
) -> Printed:
    """Over the collected lists of both columns."""
    lists = [Printed(shape.call("list", argument.sql), array_type(FLOAT8)) for argument in arguments]
    return printer.statement.slot_call(("regression", name), regression_of_floats(name), lists, FLOAT8)


def _range_reduction(name: str) -> Callable[..., Printed]:
    def build(
        printer: ExpressionPrinter, arguments: Sequence[Printed], sql_type: SqlType, shape: CallShape
    ) -> Printed:
        (argument,) = arguments
        collected = Printed(shape.call("list", argument.sql), array_type(argument.type))
        evaluator = range_reducer(name, argument.type)
        return printer.statement.slot_call((name, argument.type), evaluator, [collected], sql_type)

    return build


_BUILDERS: dict[str, Callable[..., Printed]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _extreme("min"),
    "max": _extreme("max"),
    "array_agg": _array_agg,
    "string_agg": _string_agg,
    "json_agg": _json_agg(is_jsonb=False),
    "jsonb_agg": _json_agg(is_jsonb=True),
    "json_object_agg": _json_object_agg(is_jsonb=False),
    "jsonb_object_agg": _json_object_agg(is_jsonb=True),
    **{name: _range_reduction(name) for name in RANGE_AGGREGATES},
}

AGGREGATES = frozenset(_BUILDERS) | frozenset(_SAME_NAME) | frozenset(_VARIANCES) | {"count"}
