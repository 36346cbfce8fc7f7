"""Aggregates with WITHIN GROUP: percentiles, mode, and the ranks that a row would have.

Percentiles of one fraction over numbers are DuckDB's; others (arrays of fractions, intervals, values of mixed scale) and mode,
of which the first of the most frequent values counts, are found in the sorted list of each group. A hypothetical rank is a count
of the rows that sort before. https://www.postgresql.org/docs/15/functions-aggregate.html (tables 9.62 and 9.63)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa

from foundation.errors import FeatureNotSupported, NumericValueOutOfRange
from foundation.sqltypes import FLOAT8, INTERVAL, NUMERIC, SqlType, array_type, arrow_type, element_type
from planner import bound
from planner.functions.implementations_interval import interval_of, scaled_interval
from planner.relational.carriers import carrier
from planner.relational.expressions import ExpressionPrinter, is_foldable
from planner.relational.printed import Printed
from planner.relational.rules.comparison import comparable, order_sql

HYPOTHETICAL_RANKS = frozenset(("rank", "dense_rank", "percent_rank", "cume_dist"))
ORDERED_SETS = frozenset(("percentile_cont", "percentile_disc", "mode")) | HYPOTHETICAL_RANKS


def print_ordered_set(printer: ExpressionPrinter, node: bound.Aggregate) -> Printed:
    """Print an aggregate with WITHIN GROUP. Raises 0A000 by name for those that have no exact form here."""
    name = node.function.name
    if name in HYPOTHETICAL_RANKS:
        return _hypothetical_rank(printer, node)
    if name not in ORDERED_SETS or len(node.within_group) != 1:
        raise FeatureNotSupported(f"ordered-set aggregate {name} is not supported")
    (key,) = node.within_group
    value = printer.print(key.expression)
    is_ours = name == "mode" or not _is_plain_fraction(printer, node.arguments[0])
    if is_ours or value.is_text_numeric or value.type.oid == INTERVAL.oid:
        return _from_list(printer, node, value)
    tail = _filter(printer, node)
    direction = " DESC" if key.is_descending else ""
    arguments = ", ".join(printer.sql(argument) for argument in node.arguments)
    sql = f"{name}({arguments}) WITHIN GROUP (ORDER BY {value.sql}{direction}){tail}"
    form = value.decimal if node.type.oid == NUMERIC.oid else None
    return Printed(f"CAST({sql} AS {carrier(node.type, form)})", node.type, form)


def _is_plain_fraction(printer: ExpressionPrinter, argument: bound.Expression) -> bool:
    """Whether DuckDB takes it: one constant between 0 and 1."""
    if element_type(argument.sql_type) is not None or not is_foldable(argument):
        return False
    value = printer.constant(argument)
    return value is not None and 0 <= value <= 1


def _filter(printer: ExpressionPrinter, node: bound.Aggregate) -> str:
    return f" FILTER (WHERE {printer.sql(node.filter)})" if node.filter is not None else ""


# -- from the sorted list -----------------------------------------------------------------------------------


def _from_list(printer: ExpressionPrinter, node: bound.Aggregate, value: Printed) -> Printed:
    """Our evaluator over the sorted values of a group, without NULLs, and the fractions."""
    (key,) = node.within_group
    direction = "DESC" if key.is_descending else "ASC"
    condition = f"{value.sql} IS NOT NULL"
    if node.filter is not None:
        condition += f" AND ({printer.sql(node.filter)})"
    plain = f"CAST({value.sql} AS {carrier(value.type)})"
    sql = f"list({plain} ORDER BY {order_sql(printer, value)} {direction}) FILTER (WHERE {condition})"
    values = Printed(sql, array_type(SqlType(value.type.oid)))
    fractions = [printer.print(argument) for argument in node.arguments]
    evaluator = _list_evaluator(node.function.name, value.type, node.type)
    slot = ("ordered set", node.function.name, value.type, node.type)
    return printer.statement.slot_call(slot, evaluator, [values, *fractions], node.type)


def _list_evaluator(
    name: str, sql_type: SqlType, result: SqlType
) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator (list of values, fraction or list of fractions) -> the values at these fractions; NULL without values."""
    pick = _continuous(sql_type) if name == "percentile_cont" else _discrete

    def found(values: list[Any] | None, fractions: Any) -> Any:
        if fractions is None or not values:
            if isinstance(fractions, float):
                _check_fraction(fractions)
            return None
        if isinstance(fractions, list):
            return [
                None if fraction is None else pick(values, _check_fraction(fraction))
                for fraction in fractions
            ]
        return pick(values, _check_fraction(fractions))

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        groups = columns[0].to_pylist()
        if name == "mode":
            return pa.array([_mode(group) if group else None for group in groups], arrow_type(result))
        rows = zip(groups, columns[1].to_pylist(), strict=True)
        return pa.array([found(*row) for row in rows], arrow_type(result))

    return evaluate


def _mode(values: list[Any]) -> Any:
    """The value that comes most often, the first of several."""
    return max(
        ((len(list(same)), -at, value) for at, (value, same) in enumerate(groupby(values))),
        key=lambda m: m[:2],
    )[2]


def _check_fraction(fraction: float) -> float:
    if not 0 <= fraction <= 1:
        shown = "NaN" if math.isnan(fraction) else f"{fraction:g}"
        raise NumericValueOutOfRange(f"percentile value {shown} is not between 0 and 1")
    return fraction


def _discrete(values: list[Any], fraction: float) -> Any:
    return values[max(math.ceil(fraction * len(values)) - 1, 0)]


def _continuous(sql_type: SqlType) -> Callable[[list[Any], float], Any]:
    between = _interval_between if sql_type.oid == INTERVAL.oid else _number_between

    def pick(values: list[Any], fraction: float) -> Any:
        place = fraction * (len(values) - 1)
        first, second = math.floor(place), math.ceil(place)
        if first == second:
            return values[first]
        return between(values[first], values[second], place - first)

    return pick


def _number_between(low: float, high: float, share: float) -> float:
    return low + share * (high - low)


def _interval_between(low: Any, high: Any, share: float) -> Any:
    """low + share * (high - low)."""
    us = (high.nanoseconds - low.nanoseconds) // 1000
    part = scaled_interval(interval_of(high.months - low.months, high.days - low.days, us), share)
    return interval_of(
        low.months + part.months, low.days + part.days, (low.nanoseconds + part.nanoseconds) // 1000
    )


# -- hypothetical ranks -------------------------------------------------------------------------------------


def _hypothetical_rank(printer: ExpressionPrinter, node: bound.Aggregate) -> Printed:
    """rank, dense_rank, percent_rank, cume_dist of the direct arguments among the rows of the group."""
    name = node.function.name
    before, same, keys = "FALSE", "TRUE", []
    for key, argument in zip(node.within_group, node.arguments):
        left, right = comparable(printer, printer.print(key.expression), printer.print(argument))
        sign = ">" if key.is_descending else "<"
        null_before = (
            f"({left} IS NULL AND {right} IS NOT NULL)" if key.nulls_first
            else f"({left} IS NOT NULL AND {right} IS NULL)"
        )  # fmt: skip
        comes_before = f"(coalesce({left} {sign} {right}, FALSE) OR {null_before})"
        before = f"({before} OR ({same} AND {comes_before}))"
        same = f"({same} AND {left} IS NOT DISTINCT FROM {right})"
        keys.append(left)
    condition = f"({printer.sql(node.filter)}) AND " if node.filter is not None else ""

    def count(what: str, where: str) -> str:
        return f"count({what}) FILTER (WHERE {condition}{where})"

    rows, earlier = count("*", "TRUE"), count("*", before)
    if name == "rank":
        return Printed(f"CAST({earlier} + 1 AS BIGINT)", node.type)
    if name == "dense_rank":
        distinct = count(f"DISTINCT row({', '.join(keys)})", before)
        return Printed(f"CAST({distinct} + 1 AS BIGINT)", node.type)
    if name == "percent_rank":
        return Printed(f"(CASE WHEN {rows} = 0 THEN CAST(0 AS DOUBLE) ELSE {earlier} / {rows} END)", FLOAT8)
    not_later = count("*", f"({before} OR {same})")
    return Printed(f"(({not_later} + 1) / ({rows} + 1))", FLOAT8)
