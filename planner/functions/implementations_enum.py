"""Functions of enums: enum_first, enum_last, enum_range. https://www.postgresql.org/docs/15/functions-enum.html

Values are positions (`foundation.enum_types`), so comparisons are those of integers (`implementations_compare`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from foundation.enum_types import ENUMS
from foundation.errors import QuiverError
from foundation.sqltypes import SqlType, arrow_type, element_type
from planner.functions.datum import CallSite, Datum, Kernel


class EmptyEnum(QuiverError):
    sqlstate = "55000"


def _positions(result: SqlType) -> tuple[int, ...]:
    enum = ENUMS[(element_type(result) or result).oid]
    if not enum.positions:
        raise EmptyEnum(f"enum {enum.type_name} contains no values")
    return enum.positions


def _end(place: int) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        return pa.array([_positions(site.result_type)[place]] * site.row_count, pa.int64())

    return kernel


def _range(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    enum = ENUMS[(element_type(site.result_type) or site.result_type).oid]
    everything = list(enum.positions)
    if len(arguments) == 1:
        return pa.array([everything] * site.row_count, arrow_type(site.result_type))
    bounds = zip(*(_spread(argument, site.row_count) for argument in arguments), strict=True)
    rows = [
        [at for at in everything if (low is None or at >= low) and (high is None or at <= high)]
        for low, high in bounds
    ]
    return pa.array(rows, arrow_type(site.result_type))


def _spread(datum: Datum, row_count: int) -> list[Any]:
    values: list[Any] = datum.array.to_pylist()
    return values * row_count if datum.is_constant else values


def _chosen(choose: Callable[[int, int], int]) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        pairs = zip(*(_spread(argument, site.row_count) for argument in arguments), strict=True)
        found = [None if a is None or b is None else choose(a, b) for a, b in pairs]
        return pa.array(found, pa.int64())

    return kernel


def enum_kernels() -> dict[str, Kernel]:
    """Kernels by the names of pg_proc."""
    return {
        "enum_first": _end(0), "enum_last": _end(-1), "enum_range": _range, "enum_smaller": _chosen(min),
        "enum_larger": _chosen(max),
    }  # fmt: skip
