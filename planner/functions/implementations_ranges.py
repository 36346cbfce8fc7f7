"""Functions and operators of ranges and multiranges, over stored values (`foundation.ranges`).

Per row in Python, as a value has no fixed width: 2 us a row. https://www.postgresql.org/docs/15/functions-range.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from foundation.errors import DataException, NullValueNotAllowed, SyntaxErrorInStatement
from foundation.ranges import (
    BY_MULTIRANGE,
    BY_OID,
    BY_RANGE,
    FIRST,
    LAST,
    RANGE_TYPES,
    Bound,
    Cuts,
    RangeType,
    bound_of,
    cut_beside,
    cuts_of,
    is_behind,
    merged,
    range_cuts,
    ranges_in,
    stored,
)
from foundation.sqltypes import SqlType, arrow_type
from planner.functions import range_sets
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_arithmetic import numeric_text
from planner.functions.rowwise import argument_rows, over_distinct

_FLAGS = ("[]", "[)", "(]", "()")


def bounds_of_column(column: pa.Array) -> list[Bound]:
    """The values of a column of a subtype as bounds, None for NULL."""
    if pa.types.is_date32(column.type):
        column = column.view(pa.int32())
    elif pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    values: list[Any] = column.to_pylist()
    return [numeric_text(value) if isinstance(value, Decimal) else value for value in values]


def column_of_bounds(bounds: Sequence[Bound], subtype: SqlType) -> pa.Array:
    """The inverse of `bounds_of_column`."""
    wanted = arrow_type(subtype)
    if pa.types.is_date32(wanted):
        return pa.array(bounds, pa.int32()).view(wanted)
    if pa.types.is_timestamp(wanted):
        return pa.array(bounds, pa.int64()).view(wanted)
    return pa.array(bounds, wanted)


def _cut_column(datum: Datum, oid: int, row_count: int) -> list[Cuts | None]:
    """The cuts of each value; of a value of the subtype those around it."""
    form = BY_OID.get(oid)
    cuts: list[Cuts | None]
    if form is not None:
        cuts = [None if value is None else cuts_of(form, value) for value in datum.array.to_pylist()]
    else:
        subtype = next(known for known in RANGE_TYPES if known.subtype.oid == oid)
        bounds = bounds_of_column(datum.array)
        cuts = [None if bound is None else _around(subtype, bound) for bound in bounds]
    return cuts * row_count if datum.is_constant and row_count != 1 else cuts


def _around(form: RangeType, value: int | str) -> Cuts:
    return cut_beside(form, value, is_behind=False), cut_beside(form, value, is_behind=True)


def _over_cuts(function: Callable[..., Any], finish: Callable[[Any, SqlType], Any]) -> Kernel:
    """A strict kernel that calls `function` with the cuts of each argument."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments, site.row_count)
        columns = [
            _cut_column(argument, oid, row_count) for argument, oid in zip(arguments, site.argument_types)
        ]
        results = [None if None in row else function(*row) for row in zip(*columns)]
        return finish(results, site.result_type)

    return over_distinct(kernel)


def _test(function: Callable[..., bool]) -> Kernel:
    return _over_cuts(function, lambda results, _: pa.array(results, pa.bool_()))


def _set(function: Callable[..., Cuts]) -> Kernel:
    def finish(results: list[Cuts | None], sql_type: SqlType) -> pa.Array:
        form = BY_OID[sql_type.oid]
        return pa.array([None if cuts is None else stored(form, cuts) for cuts in results], pa.binary())

    return _over_cuts(function, finish)


def _bound(place: int) -> Kernel:
    """lower() and upper(): NULL of an empty value and for an infinite bound."""

    def finish(results: list[bytes | None], subtype: SqlType) -> pa.Array:
        form = next(known for known in RANGE_TYPES if known.subtype.oid == subtype.oid)
        bounds = [None if cut is None else bound_of(form, cut) for cut in results]
        return column_of_bounds(bounds, subtype)

    return _over_cuts(lambda cuts: cuts[place] if cuts else None, finish)


# ---------------------------------------------------------------------------------------------------------
# Constructors


def _brackets(text: str | None) -> tuple[bool, bool]:
    """Whether the bounds are values of the range, as one of `_FLAGS` says.

    Raises:
        DataException: 22000, NULL. SyntaxErrorInStatement: 42601, anything else.
    """
    if text is None:
        raise DataException("range constructor flags argument must not be null")
    if text not in _FLAGS:
        raise SyntaxErrorInStatement(
            "invalid range bound flags", hint='Valid values are "[]", "[)", "(]", and "()".'
        )
    return text[0] == "[", text[1] == "]"


def _make_range(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """int4range(lower, upper) and its kin, with or without flags; NULL is no bound."""
    form = BY_RANGE[site.result_type.oid]
    row_count = row_count_of(arguments, site.row_count)
    spread = [argument.spread(row_count) for argument in arguments]
    lowers, uppers = (bounds_of_column(column) for column in spread[:2])
    flags = spread[2].to_pylist() if len(spread) > 2 else ["[)"] * row_count
    values = []
    for lower, upper, text in zip(lowers, uppers, flags):
        has_lower, has_upper = _brackets(text)
        cuts = range_cuts(form, lower, upper, has_lower=has_lower, has_upper=has_upper)
        values.append(stored(form, cuts))
    return pa.array(values, pa.binary())


def _make_multirange(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """int4multirange(range, ...) and its kin, multirange(range): NULL of one NULL.

    Raises:
        NullValueNotAllowed: 22004, a NULL among several ranges.
    """
    form = BY_MULTIRANGE[site.result_type.oid]
    rows = argument_rows(arguments, row_count_of(arguments, site.row_count))
    return pa.array([_multirange_of(form, row) for row in rows], pa.binary())


def _multirange_of(form: RangeType, ranges: Sequence[bytes | None]) -> bytes | None:
    if ranges == (None,):
        return None
    known = [cuts_of(form, value) for value in ranges if value is not None]
    if len(known) < len(ranges):
        raise NullValueNotAllowed("multirange values cannot contain null members")
    return stored(form, merged(known))


def range_lists(form: RangeType) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator over (multirange): the list of its ranges."""

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        return pa.array([_ranges_of(form, value) for value in columns[0].to_pylist()], pa.list_(pa.binary()))

    return evaluate


def _ranges_of(form: RangeType, value: bytes | None) -> list[bytes] | None:
    if value is None:
        return None
    return [stored(form, pair) for pair in ranges_in(cuts_of(form, value))]


def range_conversions() -> dict[tuple[int, int], Callable[[pa.Array, CallSite], pa.Array]]:
    """range -> multirange: a value has the same bytes in both."""
    return {(form.range.oid, form.multirange.oid): lambda column, site: column for form in RANGE_TYPES}


_TESTS: dict[str, Callable[..., bool]] = {
    "overlaps": range_sets.overlaps, "contains": range_sets.contains, "contained_by": range_sets.contained_by,
    "before": range_sets.is_before, "after": range_sets.is_after, "overleft": range_sets.ends_by,
    "overright": range_sets.starts_from, "adjacent": range_sets.is_adjacent,
}  # fmt: skip
"""By the words of the names in pg_proc, which name the types beside them."""


def range_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name, with argument types where a name means something else, too."""
    kernels: dict[str, Kernel] = {
        "elem_contained_by_range": _test(range_sets.contained_by),
        "elem_contained_by_multirange": _test(range_sets.contained_by),
        "range_contains_elem": _test(range_sets.contains), "multirange_contains_elem": _test(range_sets.contains),
        "isempty": _test(lambda cuts: not cuts),
        "lower_inc": _test(lambda cuts: bool(cuts) and cuts[0] != FIRST and not is_behind(cuts[0])),
        "upper_inc": _test(lambda cuts: bool(cuts) and is_behind(cuts[-1])),
        "lower_inf": _test(lambda cuts: bool(cuts) and cuts[0] == FIRST),
        "upper_inf": _test(lambda cuts: bool(cuts) and cuts[-1] == LAST),
        "range_union": _set(range_sets.one_union), "range_minus": _set(range_sets.one_difference),
        "range_intersect": _set(range_sets.intersection), "range_merge(3831,3831)": _set(range_sets.spanned),
        "range_merge(4537)": _set(range_sets.span), "multirange_union": _set(range_sets.union),
        "multirange_minus": _set(range_sets.difference), "multirange_intersect": _set(range_sets.intersection),
        "multirange": _make_multirange,
    }  # fmt: skip
    for word, function in _TESTS.items():
        kernels[f"range_{word}"] = _test(function)
        for left, right in (("range", "multirange"), ("multirange", "range"), ("multirange", "multirange")):
            kernels[f"{left}_{word}_{right}"] = _test(function)
    for pseudo_type in (3831, 4537):
        kernels[f"lower({pseudo_type})"], kernels[f"upper({pseudo_type})"] = _bound(0), _bound(-1)
    for name in ("int4", "int8", "num", "ts", "tstz", "date"):
        kernels[f"{name}range"] = _make_range
        kernels[f"{name}multirange"] = _make_multirange
    for name in ("int4", "int8", "date"):
        kernels[f"{name}range_canonical"] = lambda arguments, site: arguments[0].array
    return kernels
