"""Datum: a column of values as kernels take it, either one value per row or one value for all rows.

Keeping constants as one value lets Arrow's kernels compare a column with a scalar without spreading it, and
folds constant sub-expressions for free. `CallSite` is what a kernel may know of the call around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from foundation.sqltypes import SqlType
from planner.services import EvaluationContext


@dataclass(frozen=True, slots=True)
class Datum:
    """`array` has one element when `is_constant`, else one per row."""

    array: pa.Array
    is_constant: bool = False

    def operand(self) -> pa.Array | pa.Scalar:
        """What pyarrow.compute takes: a scalar for a constant."""
        return self.array[0] if self.is_constant else self.array

    def spread(self, row_count: int) -> pa.Array:
        """(row_count,) array; a constant is repeated."""
        if not self.is_constant:
            return self.array
        if row_count == 1:
            return self.array
        return self.array.take(pa.array(np.zeros(row_count, dtype=np.int64)))

    def is_null_constant(self) -> bool:
        return self.is_constant and self.array.null_count == 1


@dataclass(frozen=True, slots=True)
class CallSite:
    """`row_count` is 1 when all arguments are constant; `argument_types` are the overload's declared OIDs."""

    context: EvaluationContext
    row_count: int
    result_type: SqlType
    argument_types: tuple[int, ...]


Kernel: TypeAlias = Callable[[Sequence[Datum], CallSite], pa.Array]
"""Arguments -> (row_count,) array of the result type, or (1,) when every argument is constant."""


def row_count_of(arguments: Sequence[Datum], default: int = 1) -> int:
    """Rows of the result: those of the first argument that is not constant."""
    for argument in arguments:
        if not argument.is_constant:
            return len(argument.array)
    return default


def contiguous(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array out of what a kernel returned."""
    if isinstance(array, pa.ChunkedArray):
        return array.combine_chunks()
    return array
