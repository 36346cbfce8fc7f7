"""sum and avg over collected vectors, one NumPy reduction per group, adding row after row as pgvector does.

avg adds in float64 and rounds the quotients, sum adds in the type of the result's elements and rounds after every row
(pgvector/pgvector:src/vector.c, `vector_accum` and `vector_add`; halfvec.c). The results of int8vec are vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DataException, NumericValueOutOfRange
from foundation.sqltypes import TYPES, SqlType, arrow_type
from foundation.vector_elements import (
    VECTOR_ELEMENTS,
    Numbers,
    element_of,
    stored_numbers,
    vector_numbers,
)

_BLOCK_ELEMENTS = 1 << 20


def vector_reducer(sql_type: SqlType, *, is_average: bool) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator (lists of vectors) -> vectors of `sql_type`; NULL for a group without vectors.

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
        reduced: list[Numbers | None] = [None] * row_count
        if not len(parents):
            return pa.nulls(row_count, arrow_type(sql_type))
        starts = np.flatnonzero(np.diff(parents, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(parents)], strict=True):
            reduced[parents[start]] = _reduce(vectors.slice(start, end - start), sql_type, is_average)
        return _column(reduced, sql_type)

    return evaluate


def _column(vectors: list[Numbers | None], sql_type: SqlType) -> pa.Array:
    """Vectors, one of them not NULL, as a column."""
    mask = np.array([vector is None for vector in vectors])
    offsets = np.cumsum([0, *(0 if vector is None else len(vector) for vector in vectors)], dtype=np.int32)
    numbers = stored_numbers(np.concatenate([vector for vector in vectors if vector is not None]))
    lists = pa.ListArray.from_arrays(pa.array(offsets), numbers, mask=pa.array(mask) if mask.any() else None)
    return lists.cast(arrow_type(sql_type))


def _reduce(vectors: pa.ListArray, sql_type: SqlType, is_average: bool) -> Numbers:
    lengths = np.asarray(vectors.value_lengths())
    if (lengths != lengths[0]).any():
        other = lengths[lengths != lengths[0]][0]
        if is_average:
            raise DataException(f"expected {lengths[0]} dimensions, not {other}")
        name = TYPES[element_of(vectors.type).sql_type.oid].name
        raise DataException(f"different {name} dimensions {lengths[0]} and {other}")
    matrix = vector_numbers(vectors.flatten()).reshape(len(vectors), lengths[0])
    if is_average:
        with np.errstate(over="ignore"):
            quotients = (_added(matrix, np.float64) / len(vectors)).astype(np.float32)
        return VECTOR_ELEMENTS[sql_type.oid].narrowed(quotients)[0]
    total = _added(matrix, VECTOR_ELEMENTS[sql_type.oid].dtype)
    if np.isinf(total).any():
        raise NumericValueOutOfRange("value out of range: overflow")
    return total


def _added(matrix: Numbers, dtype: Any) -> npt.NDArray[Any]:
    """(n, d) -> (d,) sums in `dtype`, from the first row to the last; numpy's own sum may add pairwise."""
    rows = max(1, _BLOCK_ELEMENTS // max(1, matrix.shape[1]))
    total = np.zeros((0, matrix.shape[1]), dtype)
    with np.errstate(over="ignore"):
        for begin in range(0, len(matrix), rows):
            block = np.concatenate((total, matrix[begin : begin + rows].astype(dtype)))
            total = np.add.accumulate(block, axis=0, dtype=dtype)[-1:]
    sums: npt.NDArray[Any] = total[0]
    return sums
