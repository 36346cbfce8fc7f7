"""sum and avg over collected vectors, one NumPy reduction per group."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DataException
from foundation.sqltypes import SqlType, arrow_type


def vector_reducer(sql_type: SqlType, *, is_average: bool) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator (list<list<float>>) -> vectors of `sql_type`; NULL for a group without vectors.

    avg accumulates in float64 and sum in float32, row after row, as pgvector does.

    Raises (from the evaluator):
        DataException: 22000, for vectors of different dimensions in one group.
    """

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        groups = columns[0]
        vectors, parents = groups.flatten(), np.asarray(pc.list_parent_indices(groups))
        known = np.asarray(vectors.is_valid())
        if not known.all():
            vectors, parents = vectors.filter(pa.array(known)), parents[known]
        reduced: list[npt.NDArray[np.float32] | None] = [None] * row_count
        if not len(parents):
            return pa.nulls(row_count, arrow_type(sql_type))
        starts = np.flatnonzero(np.diff(parents, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(parents)], strict=True):
            reduced[parents[start]] = _reduce(vectors.slice(start, end - start), is_average=is_average)
        return pa.array(reduced, pa.list_(pa.float32())).cast(arrow_type(sql_type))

    return evaluate


def _reduce(vectors: pa.ListArray, *, is_average: bool) -> npt.NDArray[np.float32]:
    lengths = np.asarray(vectors.value_lengths())
    if (lengths != lengths[0]).any():
        other = lengths[lengths != lengths[0]][0]
        raise DataException(f"expected {lengths[0]} dimensions, not {other}")
    matrix = np.asarray(vectors.flatten(), dtype=np.float32).reshape(len(vectors), lengths[0])
    total: npt.NDArray[np.float32]
    if is_average:
        total = (matrix.sum(axis=0, dtype=np.float64) / len(vectors)).astype(np.float32)
    else:
        total = matrix.sum(axis=0)
    return total
