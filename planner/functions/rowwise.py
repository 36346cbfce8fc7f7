"""Kernels made of a Python function of one row's values, or of whole columns without NULLs.

For functions that have no Arrow kernel with PostgreSQL's meaning. Constant arguments are spread, NULL in
gives NULL out for strict functions, and a call whose arguments are all constant runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.sqltypes import arrow_type
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of


def row_values(arguments: Sequence[Datum], row_count: int) -> list[list[Any]]:
    """One list of Python values per argument, each `row_count` long."""
    columns = []
    for argument in arguments:
        values = argument.array.to_pylist()
        columns.append(values * row_count if argument.is_constant and row_count != 1 else values)
    return columns


def row_kernel(function: Callable[..., Any]) -> Kernel:
    """A strict kernel that calls `function` with the values of one row."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        columns = row_values(arguments, row_count_of(arguments, site.row_count))
        results = [None if None in row else function(*row) for row in _rows(columns)]
        return pa.array(results, arrow_type(site.result_type))

    return kernel


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


def null_aware_row_kernel(function: Callable[..., Any]) -> Kernel:
    """A kernel that calls `function` for every row, None standing for NULL."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        columns = row_values(arguments, row_count_of(arguments, site.row_count))
        return pa.array([function(*row) for row in _rows(columns)], arrow_type(site.result_type))

    return kernel


class _Row(tuple[Any, ...]):
    """A row whose `None in row` looks for None itself; list == comparisons would visit nested values."""

    def __contains__(self, item: object) -> bool:
        return any(value is item for value in self)


def _rows(columns: list[list[Any]]) -> list[_Row]:
    return [_Row(row) for row in zip(*columns)]
