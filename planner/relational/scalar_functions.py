"""Scalar functions that neither DuckDB nor the native evaluator has, computed row by row.

All are strict: NULL in any argument gives NULL. Keys are PostgreSQL's function names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa

from foundation.sqltypes import SqlType, arrow_type
from planner.functions.similar_patterns import similar_regex

_SIZE_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_SIZE_STEP_LIMIT = 10 * 1024


def _pg_size_pretty(size: Any) -> str:
    """Halves the way pg_size_pretty() does: below 10 kB the plain number, then the nearest larger unit."""
    number = Decimal(size)
    for unit in _SIZE_UNITS:
        if abs(number) < _SIZE_STEP_LIMIT or unit == _SIZE_UNITS[-1]:
            return f"{number.quantize(Decimal(1), rounding=ROUND_HALF_UP)} {unit}"
        number /= 1024
    raise AssertionError("unreachable")


SCALAR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pg_size_pretty": _pg_size_pretty,
    "similar_to_escape": similar_regex,
}


def row_evaluator(name: str, result: SqlType) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator of a function of SCALAR_FUNCTIONS over argument columns."""
    function = SCALAR_FUNCTIONS[name]
    wanted = arrow_type(result)

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows], wanted)

    return evaluate
