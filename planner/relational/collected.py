"""Aggregates over the collected list of each group: string_agg with a separator for each row, min and max of equal values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

Evaluator = Callable[[Sequence[pa.Array], int], pa.Array]


def string_joiner(kind: pa.DataType) -> Evaluator:
    """Evaluator (list of texts or bytea, list of separators) -> one value: each separator stands before its own text.

    Rows without a text are left out, a NULL separator is none.
    """
    empty: Any = b"" if pa.types.is_binary(kind) else ""

    def join(values: list[Any] | None, separators: list[Any] | None) -> Any:
        pairs = [
            (v, s or empty) for v, s in zip(values or (), separators or (), strict=True) if v is not None
        ]
        if not pairs:
            return None
        return pairs[0][0] + empty.join(separator + value for value, separator in pairs[1:])

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([join(*row) for row in rows], kind)

    return evaluate


def _numeric_key(text: str) -> tuple[bool, Decimal]:
    value = Decimal(text)
    return (True, Decimal(0)) if value.is_nan() else (False, value)


def extreme_numeric(*, is_least: bool) -> Evaluator:
    """Evaluator (list of numerics as text) -> the least or greatest; the last of equal ones, as 1.0 and 1.00, counts."""

    def extreme(texts: list[str | None] | None) -> str | None:
        found, best = None, None
        for text in texts or ():
            if text is None:
                continue
            key = _numeric_key(text)
            if best is None or (key <= best if is_least else key >= best):
                found, best = text, key
        return found

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        return pa.array([extreme(group) for group in columns[0].to_pylist()], pa.utf8())

    return evaluate
