"""sum and avg over collected vectors, one NumPy reduction per group, adding row after row as pgvector does.

avg adds in float64 and rounds the quotients, sum adds in the type of the elements and rounds after every row
(pgvector/pgvector:src/vector.c, `vector_accum` and `vector_add`; halfvec.c).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DataException, NumericValueOutOfRange
from foundation.sqltypes import HALFVEC, TYPES, SqlType, arrow_type

_BLOCK_ELEMENTS = 1 << 20


def vector_reducer(sql_type: SqlType, *, is_average: bool) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator (list<list<float>>) -> vectors of `sql_type`; NULL for a group without vectors.

    Raises (from the evaluator):
        DataException: 22000, for vectors of different dimensions in one group.
        NumericValueOutOfRange: 22003, for a sum that the elements cannot hold.
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
            reduced[parents[start]] = _reduce(vectors.slice(start, end - start), sql_type, is_average)
        return pa.array(reduced, pa.list_(pa.float32())).cast(arrow_type(sql_type))

    return evaluate


def _reduce(vectors: pa.ListArray, sql_type: SqlType, is_average: bool) -> npt.NDArray[np.float32]:
    lengths = np.asarray(vectors.value_lengths())
    if (lengths != lengths[0]).any():
        other = lengths[lengths != lengths[0]][0]
        if is_average:
            raise DataException(f"expected {lengths[0]} dimensions, not {other}")
        raise DataException(f"different {TYPES[sql_type.oid].name} dimensions {lengths[0]} and {other}")
    matrix = np.asarray(vectors.flatten(), dtype=np.float32).reshape(len(vectors), lengths[0])
    if is_average:
        with np.errstate(over="ignore"):
            quotients = (_added(matrix, np.float64) / len(vectors)).astype(np.float32)
        return _rounded(quotients, sql_type)
    total = _added(matrix, np.float16 if sql_type.oid == HALFVEC.oid else np.float32)
    if np.isinf(total).any():
        raise NumericValueOutOfRange("value out of range: overflow")
    return total.astype(np.float32)


def _rounded(numbers: npt.NDArray[np.float32], sql_type: SqlType) -> npt.NDArray[np.float32]:
    return numbers.astype(np.float16).astype(np.float32) if sql_type.oid == HALFVEC.oid else numbers


def _added(matrix: npt.NDArray[np.float32], dtype: Any) -> npt.NDArray[Any]:
    """(n, d) -> (d,) sums in `dtype`, from the first row to the last; numpy's own sum may add pairwise."""
    rows = max(1, _BLOCK_ELEMENTS // max(1, matrix.shape[1]))
    total = np.zeros((0, matrix.shape[1]), dtype)
    with np.errstate(over="ignore"):
        for begin in range(0, len(matrix), rows):
            block = np.concatenate((total, matrix[begin : begin + rows].astype(dtype)))
            total = np.add.accumulate(block, axis=0, dtype=dtype)[-1:]
    sums: npt.NDArray[Any] = total[0]
    return sums
