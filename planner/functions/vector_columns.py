"""Columns of vectors as NumPy arrays and back: plumbing of the kernels, no SQL function.

A vector column reaches NumPy without a copy when it has a dimension; NULL rows hold whatever lies there.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sparse import float_order_bytes
from foundation.sqltypes import SqlType
from foundation.vector_elements import VECTOR_ELEMENTS, Numbers, stored_numbers, vector_numbers

Matrix: TypeAlias = npt.NDArray[Any]
Offsets: TypeAlias = npt.NDArray[np.int64]


def list_parts(column: pa.Array) -> tuple[Offsets, Numbers]:
    """(n + 1,) offsets from 0 and all numbers of a vector column without NULLs."""
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        # `values` ignores the offset of a slice.
        values = column.values.slice(column.offset * size, len(column) * size)
        return np.arange(len(column) + 1, dtype=np.int64) * size, vector_numbers(values)
    offsets = np.asarray(column.offsets).astype(np.int64)
    return offsets - offsets[0], vector_numbers(column.values.slice(offsets[0], offsets[-1] - offsets[0]))


def list_column(offsets: Offsets, numbers: Numbers) -> pa.Array:
    """A vector column without a dimension from (n + 1,) offsets and numbers of a type of vectors."""
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), stored_numbers(numbers))


def matrix_of(array: pa.Array) -> Matrix | None:
    """(n, d) view of a vector column whose rows have one dimension; None when they have several.

    NULL rows hold zeros or anything.
    """
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        # `values` ignores the offset of a slice, `flatten` would drop NULL rows.
        flat = vector_numbers(array.values)
        return flat[array.offset * size : (array.offset + len(array)) * size].reshape(len(array), size)
    offsets = np.asarray(array.offsets)
    lengths = np.diff(offsets)
    valid = np.asarray(array.is_valid())
    sizes = np.unique(lengths[valid])
    if len(sizes) > 1:
        return None
    size = int(sizes[0]) if len(sizes) else 0
    flat = vector_numbers(array.values)
    if len(array) and (lengths == size).all():
        return flat[offsets[0] : offsets[-1]].reshape(len(array), size)
    matrix = np.zeros((len(array), size), dtype=flat.dtype)
    rows = np.flatnonzero(valid)
    if size and len(rows):
        matrix[rows] = flat[offsets[rows][:, None] + np.arange(size)]
    return matrix


def vector_array(matrix: Matrix, sql_type: SqlType, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """(n, d) numbers, which the type can hold -> column of `sql_type`."""
    count, size = matrix.shape
    dtype = VECTOR_ELEMENTS[sql_type.oid].dtype
    flat = stored_numbers(np.ascontiguousarray(matrix, dtype=dtype).reshape(-1))
    mask = None if valid is None or valid.all() else pa.array(~valid)
    if sql_type.typmod > 0:
        return pa.FixedSizeListArray.from_arrays(flat, sql_type.typmod, mask=mask)
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * size)
    return pa.ListArray.from_arrays(offsets, flat, mask=mask)


def vector_order_keys(array: pa.Array) -> pa.Array:
    """(n,) large_binary whose byte order is pgvector's: element by element, then by dimensions; NULL stays NULL."""
    offsets, numbers = list_parts(array.drop_null())
    data = float_order_bytes(numbers.astype(np.float32, copy=False))
    borders = pa.py_buffer(4 * offsets)
    keys = pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, borders, pa.py_buffer(np.ascontiguousarray(data))]
    )
    if not array.null_count:
        return keys
    valid = np.asarray(array.is_valid())
    return keys.take(pa.array(np.cumsum(valid) - 1, mask=~valid))
