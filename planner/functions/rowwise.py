"""Kernels made of a Python function of one row's values, or of whole columns without NULLs.

For functions that have no Arrow kernel with PostgreSQL's meaning. Constant arguments are spread, NULL in
gives NULL out for strict functions, and a call whose arguments are all constant runs once. A value that a column
repeats is worked on once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.sqltypes import arrow_type
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of

_DISTINCT_ROWS_MIN = 256
"""Finding the distinct values takes 0.05 us a value, and some 30 us at the least."""


def row_values(arguments: Sequence[Datum], row_count: int) -> list[list[Any]]:
    """One list of Python values per argument, each `row_count` long."""
    columns = []
    for argument in arguments:
        values = argument.array.to_pylist()
        columns.append(values * row_count if argument.is_constant and row_count != 1 else values)
    return columns


def over_distinct(kernel: Kernel) -> Kernel:
    """A strict kernel that asks another one for the distinct values of its only column, where that saves half.

    The first value that raises an error is the same: distinct values are in the order in which they come.
    """

    def over(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        columns = [argument.array for argument in arguments if not argument.is_constant]
        if len(columns) != 1 or len(columns[0]) < _DISTINCT_ROWS_MIN or not _has_distinct(columns[0].type):
            return kernel(arguments, site)
        encoded = columns[0].dictionary_encode()
        if 2 * len(encoded.dictionary) > len(encoded):
            return kernel(arguments, site)
        distinct = [a if a.is_constant else Datum(encoded.dictionary) for a in arguments]
        return kernel(distinct, replace(site, row_count=len(encoded.dictionary))).take(encoded.indices)

    return over


def _has_distinct(arrow_type: pa.DataType) -> bool:
    """Types whose distinct values can be found and are distinct to every function: 0 and -0 are not."""
    types = pa.types
    if types.is_floating(arrow_type) or types.is_interval(arrow_type):
        return False
    tests = (
        types.is_primitive,
        types.is_decimal,
        types.is_string,
        types.is_binary,
        types.is_fixed_size_binary,
    )
    return any(test(arrow_type) for test in tests)


def row_kernel(function: Callable[..., Any]) -> Kernel:
    """A strict kernel that calls `function`, which depends on nothing else, with the values of one row."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        columns = row_values(arguments, row_count_of(arguments, site.row_count))
        results = [None if None in row else function(*row) for row in zip(*columns)]
        return pa.array(results, arrow_type(site.result_type))

    return over_distinct(kernel)


def null_free_kernel(operation: Callable[[Sequence[pa.Array], CallSite], pa.Array]) -> Kernel:
    """A strict kernel that gives `operation` all columns, without the rows in which one of them is NULL."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments, site.row_count)
        columns = [argument.spread(row_count) for argument in arguments]
        if not any(column.null_count for column in columns):
            return operation(columns, site)
        valid = np.ones(row_count, np.bool_)
        for column in columns:
            valid &= np.asarray(column.is_valid())
        result = operation([column.filter(pa.array(valid)) for column in columns], site)
        return result.take(pa.array(np.cumsum(valid) - 1, mask=~valid))

    return kernel


def argument_rows(arguments: Sequence[Datum], row_count: int) -> Iterable[tuple[Any, ...]]:
    """The Python values of the arguments row by row; so many empty tuples for a call without arguments."""
    return zip(*row_values(arguments, row_count)) if arguments else itertools.repeat((), row_count)


def null_aware_row_kernel(function: Callable[..., Any]) -> Kernel:
    """A kernel that calls `function` for every row, None standing for NULL."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments, site.row_count)
        rows = argument_rows(arguments, row_count)
        return pa.array([function(*row) for row in rows], arrow_type(site.result_type))

    return kernel


def by_value(function: Callable[[Any], Any], target: pa.DataType) -> Callable[[pa.Array, CallSite], pa.Array]:
    """A conversion of a column value by value; NULL stays NULL."""

    def convert(column: pa.Array, site: CallSite) -> pa.Array:
        return pa.array([None if v is None else function(v) for v in column.to_pylist()], target)

    return convert
