"""Sorting rows by SQL sort keys: PostgreSQL's order of values, NULLs where the key says, ties by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.sqltypes import SqlType
from planner.functions.implementations_compare import order_keys


@dataclass(frozen=True, slots=True)
class SortColumn:
    """One evaluated sort key."""

    values: pa.Array
    type: SqlType
    is_descending: bool = False
    nulls_first: bool = False


def sort_offsets(columns: Sequence[SortColumn], row_count: int) -> RowOffsets:
    """(row_count,) positions in sorted order; rows that compare equal keep their order."""
    keys = []
    for column in columns:
        ranks = order_keys(column.values, column.type)
        is_null = ranks == 0
        if column.is_descending:
            ranks = -ranks
        if is_null.any():
            # Ranks are 1..n or -n..-1, so one beyond either end is first or last.
            ranks = np.where(is_null, -row_count - 1 if column.nulls_first else row_count + 1, ranks)
        keys.append(ranks)
    if not keys:
        return np.arange(row_count)
    return np.lexsort(keys[::-1])
