"""pgvector's operators and functions on vector and halfvec columns, on top of vecengine's distance kernels.

Errors and their wording are pgvector's (`different vector dimensions 3 and 2`). A vector column reaches NumPy
without a copy when it has a dimension; NULL rows are computed on whatever lies there and masked afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import vecengine
from foundation.errors import DataException, NumericValueOutOfRange
from foundation.sqltypes import HALFVEC, VECTOR, SqlType
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of

METRIC_OF_FUNCTION = {
    "l2_distance": "l2", "vector_negative_inner_product": "ip", "halfvec_negative_inner_product": "ip",
    "cosine_distance": "cosine", "l1_distance": "l1",
}  # fmt: skip
"""Distance functions and the metric whose value they are."""

Matrix = npt.NDArray[Any]


def flat_values(values: pa.Array) -> npt.NDArray[Any]:
    """The numbers of an Arrow float array, zero-copy, validity ignored."""
    dtype = np.dtype(values.type.to_pandas_dtype())
    buffer = values.buffers()[1]
    if buffer is None:
        return np.zeros(len(values), dtype=dtype)
    return np.frombuffer(buffer, dtype=dtype)[values.offset : values.offset + len(values)]


def matrix_of(array: pa.Array) -> Matrix | None:
    """(n, d) view of a vector column whose rows have one dimension; None when they have several.

    NULL rows hold zeros or anything.
    """
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        # `values` ignores the offset of a slice, `flatten` would drop NULL rows.
        flat = flat_values(array.values)
        return flat[array.offset * size : (array.offset + len(array)) * size].reshape(len(array), size)
    offsets = np.asarray(array.offsets)
    lengths = np.diff(offsets)
    valid = np.asarray(array.is_valid())
    sizes = np.unique(lengths[valid])
    if len(sizes) > 1:
        return None
    size = int(sizes[0]) if len(sizes) else 0
    flat = flat_values(array.values)
    if len(array) and (lengths == size).all():
        return flat[offsets[0] : offsets[-1]].reshape(len(array), size)
    matrix = np.zeros((len(array), size), dtype=flat.dtype)
    rows = np.flatnonzero(valid)
    if size and len(rows):
        matrix[rows] = flat[offsets[rows][:, None] + np.arange(size)]
    return matrix


def vector_array(matrix: Matrix, sql_type: SqlType, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """(n, d) numbers -> vector or halfvec column of `sql_type`."""
    is_half = sql_type.oid == HALFVEC.oid
    count, size = matrix.shape
    flat = pa.array(np.ascontiguousarray(matrix, dtype=np.float16 if is_half else np.float32).reshape(-1))
    mask = None if valid is None or valid.all() else pa.array(~valid)
    if sql_type.typmod > 0:
        return pa.FixedSizeListArray.from_arrays(flat, sql_type.typmod, mask=mask)
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * size)
    return pa.ListArray.from_arrays(offsets, flat, mask=mask)


def _is_half(array: pa.Array) -> bool:
    return bool(pa.types.is_float16(array.type.value_type))


def different_dimensions(left: int, right: int, *, is_half: bool = False) -> DataException:
    kind = "halfvec" if is_half else "vector"
    return DataException(f"different {kind} dimensions {left} and {right}")


def _check_dimensions(left: pa.Array, right: pa.Array) -> None:
    """Raise for the first row whose two vectors differ in dimension; columns without one dimension each."""
    left_sizes, right_sizes = (np.asarray(pc.list_value_length(a).fill_null(-1)) for a in (left, right))
    differs = (left_sizes >= 0) & (right_sizes >= 0) & (left_sizes != right_sizes)
    if differs.any():
        row = int(np.argmax(differs))
        a = left_sizes[row if len(left_sizes) > 1 else 0]
        b = right_sizes[row if len(right_sizes) > 1 else 0]
        raise different_dimensions(int(a), int(b), is_half=_is_half(left))


def _valid_rows(arrays: Sequence[pa.Array], row_count: int) -> npt.NDArray[np.bool_]:
    valid = np.ones(row_count, dtype=np.bool_)
    for array in arrays:
        if array.null_count:
            valid = valid & np.asarray(array.is_valid())
    return valid


def distances_to(metric: str, array: pa.Array, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(n,) distances of a vector column to one query; NULL rows hold anything.

    Raises:
        DataException: 22000, a row has another dimension than the query.
    """
    matrix = matrix_of(array)
    if matrix is None or (matrix.shape[1] != len(query) and array.null_count < len(array)):
        query_array = pa.array([query.tolist()], pa.list_(array.type.value_type))
        _check_dimensions(array, query_array)
        return np.zeros(len(array))
    if array.null_count == len(array):
        return np.zeros(len(array))
    return vecengine.distances(metric, np.ascontiguousarray(matrix), query)


def _distance(metric: str) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        left, right = arguments
        row_count = row_count_of(arguments)
        if left.is_null_constant() or right.is_null_constant():
            return pa.nulls(row_count, pa.float64())
        if left.is_constant and not right.is_constant:
            # Every metric is symmetric, but an error names the left dimension first.
            _check_dimensions(left.array, right.array)
            left, right = right, left
        if right.is_constant:
            query = np.asarray(right.array[0].values.to_numpy(zero_copy_only=False), dtype=np.float32)
            values = distances_to(metric, left.array, query)
        else:
            values = _rowwise(metric, left.array, right.array)
        valid = _valid_rows((left.array, right.array), row_count)
        return pa.array(values, pa.float64(), mask=None if valid.all() else ~valid)

    return kernel


def _rowwise(metric: str, left: pa.Array, right: pa.Array) -> npt.NDArray[np.float64]:
    _check_dimensions(left, right)
    left_matrix, right_matrix = matrix_of(left), matrix_of(right)
    if left_matrix is not None and right_matrix is not None:
        if left_matrix.shape == right_matrix.shape:
            return vecengine.rowwise_distances(
                metric, np.ascontiguousarray(left_matrix), np.ascontiguousarray(right_matrix)
            )
        return np.zeros(len(left))  # one side is NULL in every row
    result = np.zeros(len(left))
    # Columns without a dimension may mix several; each row is then a pair of its own.
    for row, (a, b) in enumerate(zip(left, right)):
        if a.is_valid and b.is_valid:
            vector = np.asarray(b.values.to_numpy(zero_copy_only=False), dtype=np.float32)
            result[row] = distances_to(metric, pa.array([a.as_py()], left.type), vector)[0]
    return result


def _inner_product(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pc.negate(_distance("ip")(arguments, site))


def _squared_l2(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    distance = _distance("l2")(arguments, site)
    return pc.multiply(distance, distance)


def _dimensions(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pc.list_value_length(arguments[0].array).cast(pa.int32())


def _norm(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    def norms(matrix: Matrix) -> npt.NDArray[np.float64]:
        wide = matrix.astype(np.float64)
        squares: npt.NDArray[np.float64] = np.einsum("ij,ij->i", wide, wide)
        return np.sqrt(squares)

    array = arguments[0].array
    valid = _valid_rows((array,), len(array))
    matrix = matrix_of(array)
    if matrix is not None:
        values = norms(matrix)
    else:
        values = np.array([float(np.linalg.norm(v)) if v is not None else 0.0 for v in array.to_pylist()])
    return pa.array(values, pa.float64(), mask=None if valid.all() else ~valid)


def _by_rows(
    arguments: Sequence[Datum], site: CallSite, operation: Callable[..., Matrix], *, same_size: bool
) -> pa.Array:
    """Apply `operation` to (m, d) float32 matrices, one call when every row has the same dimensions."""
    row_count = row_count_of(arguments)
    columns = [argument.spread(row_count) for argument in arguments]
    if same_size and len(columns) == 2:
        _check_dimensions(columns[0], columns[1])
    valid = _valid_rows(columns, row_count)
    matrices = [matrix_of(column) for column in columns]
    if all(matrix is not None for matrix in matrices) and valid.all():
        result = operation(*(np.asarray(m, dtype=np.float32) for m in matrices))
        _check_elements(result, site.result_type)
        return vector_array(result, site.result_type)
    rows: list[Any] = []
    for row in range(row_count):
        if not valid[row]:
            rows.append(None)
            continue
        one = operation(*(np.asarray([column[row].as_py()], dtype=np.float32) for column in columns))
        _check_elements(one, site.result_type)
        rows.append(one[0].tolist())
    element = pa.float16() if site.result_type.oid == HALFVEC.oid else pa.float32()
    if element == pa.float16():
        rows = [None if r is None else np.asarray(r, dtype=np.float16) for r in rows]
    return pa.array(rows, pa.list_(element))


def _check_elements(matrix: Matrix, sql_type: SqlType) -> None:
    limit = 65504.0 if sql_type.oid == HALFVEC.oid else np.inf
    if np.isinf(matrix).any() or (np.abs(matrix) > limit).any():
        raise NumericValueOutOfRange("value out of range: overflow")


def _element_wise(operation: Callable[[Matrix, Matrix], Matrix], *, can_underflow: bool = False) -> Kernel:
    def combine(left: Matrix, right: Matrix) -> Matrix:
        with np.errstate(all="ignore"):
            result = operation(left, right)
        if can_underflow and ((result == 0) & (left != 0) & (right != 0)).any():
            raise NumericValueOutOfRange("value out of range: underflow")
        return result

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        return _by_rows(arguments, site, combine, same_size=True)

    return kernel


def _concatenate(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return _by_rows(arguments, site, lambda a, b: np.concatenate([a, b], axis=1), same_size=False)


def _normalize(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    def normalized(matrix: Matrix) -> Matrix:
        wide = matrix.astype(np.float64)
        norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        # pgvector returns the zero vector for the zero vector.
        return np.asarray(np.divide(wide, norms, out=np.zeros_like(wide), where=norms > 0), dtype=np.float32)

    return _by_rows(arguments, site, normalized, same_size=False)


def _subvector(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    vectors, starts, counts = (argument.spread(row_count) for argument in arguments)
    rows: list[Any] = []
    dtype = np.float16 if site.result_type.oid == HALFVEC.oid else np.float32
    for vector, start, count in zip(vectors.to_pylist(), starts.to_pylist(), counts.to_pylist()):
        if vector is None or start is None or count is None:
            rows.append(None)
            continue
        stop = min(start - 1 + count, len(vector))
        first = max(start, 1) - 1
        if count < 1 or first >= stop:
            raise DataException(
                f"{'halfvec' if dtype is np.float16 else 'vector'} must have at least 1 dimension"
            )
        rows.append(np.asarray(vector[first:stop], dtype=dtype))
    return pa.array(rows, pa.list_(pa.float16() if dtype is np.float16 else pa.float32()))


def vector_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    kernels: dict[str, Kernel] = {name: _distance(metric) for name, metric in METRIC_OF_FUNCTION.items()}
    kernels |= {
        "inner_product": _inner_product, "vector_l2_squared_distance": _squared_l2,
        "halfvec_l2_squared_distance": _squared_l2, "vector_dims": _dimensions, "vector_norm": _norm,
        "l2_norm": _norm, "l2_normalize": _normalize, "subvector": _subvector,
    }  # fmt: skip
    for kind in (VECTOR, HALFVEC):
        prefix = "vector" if kind.oid == VECTOR.oid else "halfvec"
        kernels[f"{prefix}_add"] = _element_wise(np.add)
        kernels[f"{prefix}_sub"] = _element_wise(np.subtract)
        kernels[f"{prefix}_mul"] = _element_wise(np.multiply, can_underflow=True)
        kernels[f"{prefix}_concat"] = _concatenate
    return kernels
