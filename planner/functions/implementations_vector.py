"""pgvector's operators and functions on columns of dense vectors, on top of vecengine's distance kernels.

Errors and their wording are pgvector's (`different vector dimensions 3 and 2`), and so are the steps at which numbers
are rounded: a result of elements narrower than float32 is computed in float32 and rounded once.
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
from foundation.sqltypes import DENSE_VECTOR_TYPES, SPARSEVEC, TYPES, VECTOR_TYPES, SqlType
from foundation.vector_elements import Numbers, VectorElement, element_of, vector_numbers
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_sparse import (
    sparse_distances,
    sparse_normalized,
    sparse_norms,
)
from planner.functions.rowwise import null_free_kernel
from planner.functions.vector_columns import list_column, list_parts, matrix_of
from planner.functions.vector_conversions import check_dimensions

METRIC_OF_FUNCTION = {
    "l2_distance": "l2", **{f"{TYPES[kind.oid].name}_negative_inner_product": "ip" for kind in VECTOR_TYPES}, "cosine_distance": "cosine", "l1_distance": "l1",
    "hamming_distance": "hamming", "jaccard_distance": "jaccard", "tanimoto_distance": "tanimoto",
    "superstructure_distance": "superstructure", "substructure_distance": "substructure",
}  # fmt: skip
"""Distance functions and the metric whose value they are."""


def different_dimensions(left: int, right: int, sql_type: SqlType) -> DataException:
    return DataException(f"different {TYPES[sql_type.oid].name} dimensions {left} and {right}")


def _check_dimensions(left: pa.Array, right: pa.Array) -> None:
    """Raise for the first row whose two vectors differ in dimension; columns without one dimension each."""
    left_sizes, right_sizes = (np.asarray(pc.list_value_length(a).fill_null(-1)) for a in (left, right))
    differs = (left_sizes >= 0) & (right_sizes >= 0) & (left_sizes != right_sizes)
    if differs.any():
        row = int(np.argmax(differs))
        a = left_sizes[row if len(left_sizes) > 1 else 0]
        b = right_sizes[row if len(right_sizes) > 1 else 0]
        raise different_dimensions(int(a), int(b), element_of(left.type).sql_type)


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
        _check_dimensions(array, pa.array([query.tolist()], pa.list_(pa.float32())))
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
        if site.argument_types[0] == SPARSEVEC.oid:
            return sparse_distances(metric, left, right, row_count)
        if left.is_constant and not right.is_constant:
            # Every metric is symmetric, but an error names the left dimension first.
            _check_dimensions(left.array, right.array)
            left, right = right, left
        if right.is_constant:
            query = vector_numbers(right.array[0].values).astype(np.float32)
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
            query = vector_numbers(b.values).astype(np.float32)
            result[row] = distances_to(metric, left.slice(row, 1), query)[0]
    return result


def _inner_product(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pc.negate(_distance("ip")(arguments, site))


def _squared_l2(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    distance = _distance("l2")(arguments, site)
    # The sum is a float32; squaring its root in float64 and rounding gives it back exactly.
    return pc.multiply(distance, distance).cast(pa.float32(), safe=False).cast(pa.float64())


def _spherical(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """The angle between unit vectors as a part of a half turn."""
    products = _inner_product(arguments, site)
    cosines = np.clip(np.asarray(products.fill_null(0.0)), -1.0, 1.0)
    angles = np.arccos(cosines) / np.pi
    return pa.array(angles, mask=np.asarray(products.is_null())) if products.null_count else pa.array(angles)


def _dimensions(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pc.list_value_length(arguments[0].array).cast(pa.int32())


def _square_sums(column: pa.Array) -> npt.NDArray[np.float64]:
    """(n,) sums of the squares of the elements, float64."""
    offsets, numbers = list_parts(column)
    wide = numbers.astype(np.float64)
    return np.add.reduceat(wide * wide, offsets[:-1]) if len(column) else np.zeros(0)


def _norm(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    (column,) = columns
    if site.argument_types[0] == SPARSEVEC.oid:
        return sparse_norms(column)
    return pa.array(np.sqrt(_square_sums(column)), pa.float64())


def _normalize(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    (column,) = columns
    if site.argument_types[0] == SPARSEVEC.oid:
        return sparse_normalized(column)
    offsets, numbers = list_parts(column)
    norms = np.repeat(np.sqrt(_square_sums(column)), np.diff(offsets))
    # pgvector returns the zero vector for the zero vector. A quotient goes through float32 to half.
    quotients = np.divide(numbers, norms, out=np.zeros(len(numbers)), where=norms > 0).astype(np.float32)
    return list_column(offsets, _checked(quotients, element_of(column.type)))


def _checked(numbers: npt.NDArray[np.float32], element: VectorElement) -> Numbers:
    """float32 results as elements of the type.

    Raises:
        NumericValueOutOfRange: 22003, one is infinite there or too large.
    """
    elements, is_lost = element.narrowed(numbers)
    if is_lost.any() or np.isinf(numbers).any():
        raise NumericValueOutOfRange("value out of range: overflow")
    return elements


def _element_wise(operation: Callable[[Any, Any], Any], *, can_underflow: bool = False) -> Kernel:
    def combine(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
        _check_dimensions(*columns)
        (offsets, left), (_, right) = (list_parts(column) for column in columns)
        with np.errstate(all="ignore"):
            numbers = operation(left.astype(np.float32), right.astype(np.float32))
        elements = _checked(numbers, element_of(columns[0].type))
        if can_underflow and ((elements == 0) & (left != 0) & (right != 0)).any():
            raise NumericValueOutOfRange("value out of range: underflow")
        return list_column(offsets, elements)

    return null_free_kernel(combine)


def _concatenate(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    (left_offsets, left), (right_offsets, right) = (list_parts(column) for column in columns)
    left_sizes, right_sizes = np.diff(left_offsets), np.diff(right_offsets)
    check_dimensions(left_sizes + right_sizes, site.result_type, -1)
    offsets = left_offsets + right_offsets
    numbers = np.empty(len(left) + len(right), left.dtype)
    # Element e of the left side moves up by what the right side has in the rows before.
    numbers[np.arange(len(left)) + np.repeat(right_offsets[:-1], left_sizes)] = left
    numbers[np.arange(len(right)) + np.repeat(left_offsets[1:], right_sizes)] = right
    return list_column(offsets, numbers)


def _subvector(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    vectors, starts, counts = columns
    offsets, numbers = list_parts(vectors)
    first, wanted = (np.asarray(column).astype(np.int64) for column in (starts, counts))
    ends = np.minimum(first - 1 + wanted, np.diff(offsets))
    begins = np.maximum(first, 1) - 1
    check_dimensions(np.where(wanted < 1, 0, np.maximum(ends - begins, 0)), site.result_type, -1)
    sizes = ends - begins
    borders = np.concatenate(([0], np.cumsum(sizes)))
    taken = np.arange(borders[-1]) + np.repeat(offsets[:-1] + begins - borders[:-1], sizes)
    return list_column(borders, numbers[taken])


def vector_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    kernels: dict[str, Kernel] = {
        name: _distance(metric)
        for name, metric in METRIC_OF_FUNCTION.items()
        if metric in vecengine.metric_names()
    }
    kernels |= {
        "inner_product": _inner_product, "vector_dims": _dimensions, "vector_norm": null_free_kernel(_norm),
        "l2_norm": null_free_kernel(_norm), "l2_normalize": null_free_kernel(_normalize),
        "subvector": null_free_kernel(_subvector), "sparsevec_l2_squared_distance": _squared_l2,
    }  # fmt: skip
    for kind in DENSE_VECTOR_TYPES:
        prefix = TYPES[kind.oid].name
        kernels[f"{prefix}_add"] = _element_wise(np.add)
        kernels[f"{prefix}_sub"] = _element_wise(np.subtract)
        kernels[f"{prefix}_mul"] = _element_wise(np.multiply, can_underflow=True)
        kernels[f"{prefix}_concat"] = null_free_kernel(_concatenate)
        kernels[f"{prefix}_l2_squared_distance"] = _squared_l2
        kernels[f"{prefix}_spherical_distance"] = _spherical
    return kernels
