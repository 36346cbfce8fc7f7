"""Conversions between pgvector's types and arrays: what its cast functions do, for whole columns.

Order of the checks and wording are those of pgvector/pgvector:src/vector.c, halfvec.c and sparsevec.c: dimensions
before elements, elements from left to right. NULL rows stay NULL and are not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import (
    DataException,
    NullValueNotAllowed,
    NumericValueOutOfRange,
    ProgramLimitExceeded,
)
from foundation.sparse import (
    SPARSE_DIMENSIONS_MAX,
    SparseRows,
    sparse_column,
    sparse_rows,
)
from foundation.sqltypes import (
    FLOAT4,
    FLOAT8,
    INT4,
    NUMERIC,
    SPARSEVEC,
    TYPES,
    VECTOR_TYPES,
    SqlType,
    element_type,
    is_vector,
)
from foundation.vector_elements import VECTOR_ELEMENTS, Numbers
from planner.functions.datum import contiguous
from planner.functions.vector_columns import list_column, list_parts
from planner.services import Codecs

VECTOR_DIMENSIONS_MAX = 16_000
_VECTOR_TYPES = tuple(kind.oid for kind in VECTOR_TYPES)
_ELEMENTS = (INT4.oid, FLOAT4.oid, FLOAT8.oid, NUMERIC.oid)


def is_vector_conversion(source: SqlType, target: SqlType) -> bool:
    """Whether `convert_vectors` knows the conversion."""
    source_element, target_element = element_type(source), element_type(target)
    if target.oid in _VECTOR_TYPES:
        return source.oid in _VECTOR_TYPES or (source_element is not None and source_element.oid in _ELEMENTS)
    return is_vector(source) and target_element is not None and target_element.oid == FLOAT4.oid


def convert_vectors(
    column: pa.Array, source: SqlType, target: SqlType, codecs: Codecs, *, dimensions: int = -1
) -> pa.Array:
    """(n,) column of `source` -> (n,) column of `target` without its type modifier.

    Args:
        dimensions: what every vector must have; -1 = any number.

    Raises:
        DataException: 22000, dimensions, NaN, infinity.
        ProgramLimitExceeded: 54000, more dimensions than the type has.
        NullValueNotAllowed: 22004, a NULL among the elements of an array.
        NumericValueOutOfRange: 22003, a number that the element type cannot hold.
    """
    valid = None if not column.null_count else np.asarray(column.is_valid())
    present = column if valid is None else column.drop_null()
    if target.oid in _VECTOR_TYPES:
        converted = _to_vectors(present, source, target, codecs, dimensions)
    else:
        offsets, values = list_parts(present)
        converted = list_column(offsets, values.astype(np.float32))
    if valid is None:
        return converted
    return converted.take(pa.array(np.cumsum(valid) - 1, mask=~valid))


def _to_vectors(
    column: pa.Array, source: SqlType, target: SqlType, codecs: Codecs, dimensions: int
) -> pa.Array:
    if source.oid == SPARSEVEC.oid:
        rows = sparse_rows(column)
        check_dimensions(rows.dimensions, target, dimensions)
        return column if target.oid == SPARSEVEC.oid else _dense(rows, target, codecs)
    element = element_type(source)
    offsets, values = _array_parts(column) if element else list_parts(column)
    check_dimensions(np.diff(offsets), target, dimensions)
    if element is not None:
        numbers = _single_precision(values, element)
    else:
        numbers = values
    if target.oid == SPARSEVEC.oid:
        return _sparse(offsets, numbers.astype(np.float32))
    return list_column(offsets, _elements(numbers, target, codecs))


def _array_parts(column: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Array]:
    offsets = np.asarray(column.offsets).astype(np.int64)
    values = column.values.slice(offsets[0], offsets[-1] - offsets[0])
    if values.null_count:
        raise NullValueNotAllowed("array must not contain nulls")
    return offsets - offsets[0], values


def check_dimensions(sizes: npt.NDArray[Any], target: SqlType, wanted: int) -> None:
    """Raise for the first of (n,) numbers of dimensions that the type or the caller does not allow."""
    maximum = SPARSE_DIMENSIONS_MAX if target.oid == SPARSEVEC.oid else VECTOR_DIMENSIONS_MAX
    wrong = (sizes < 1) | (sizes > maximum)
    if wanted != -1:
        wrong = wrong | (sizes != wanted)
    if not wrong.any():
        return
    size, name = int(sizes[int(np.argmax(wrong))]), TYPES[target.oid].name
    if size < 1:
        raise DataException(f"{name} must have at least 1 dimension")
    if size > maximum:
        raise ProgramLimitExceeded(f"{name} cannot have more than {maximum} dimensions")
    raise DataException(f"expected {wanted} dimensions, not {size}")


def _single_precision(values: pa.Array, element: SqlType) -> npt.NDArray[np.float32]:
    """Elements of an array as float32; what does not fit becomes infinite, but raises for numeric."""
    if element.oid != NUMERIC.oid:
        with np.errstate(over="ignore"):
            return np.asarray(values).astype(np.float32)
    # Text to float32 in one step, as numeric_float4 does: through float64 it could round twice.
    texts = contiguous(values.cast(pa.utf8()))
    numbers: npt.NDArray[np.float32] = np.asarray(texts.cast(pa.float32()))
    suspects = np.isinf(numbers) | (numbers == 0)
    for position in np.flatnonzero(suspects):
        text = texts[int(position)].as_py()
        is_zero = not any(digit in "123456789" for digit in text.partition("E")[0])
        if not is_zero and "Inf" not in text:
            raise NumericValueOutOfRange(f'"{text}" is out of range for type real')
    return numbers


def check_finite(values: Numbers, name: str) -> None:
    """Raise 22000 for the first NaN or infinity."""
    finite = np.isfinite(values)
    if not finite.all():
        kind = "NaN" if np.isnan(values[int(np.argmin(finite))]) else "infinite value"
        raise DataException(f"{kind} not allowed in {name}")


def _elements(numbers: Numbers, target: SqlType, codecs: Codecs) -> Numbers:
    """Numbers of any vector as elements of a dense one.

    Raises:
        NumericValueOutOfRange: 22003, for the first number that the type cannot hold.
        DataException: 22000, for the first NaN or infinity.
    """
    name, element = TYPES[target.oid].name, VECTOR_ELEMENTS[target.oid]
    if numbers.dtype == element.dtype:
        check_finite(numbers, name)
        return numbers
    floats = numbers.astype(np.float32, copy=False)
    elements, is_lost = element.narrowed(floats)
    if is_lost.any():
        number = pa.array(floats[[int(np.argmax(is_lost))]])
        text = codecs.to_text(number, FLOAT4)[0].as_py()
        raise NumericValueOutOfRange(f'"{text}" is out of range for type {name}')
    check_finite(floats, name)
    return elements


def _sparse(offsets: npt.NDArray[np.int64], numbers: npt.NDArray[np.float32]) -> pa.Array:
    kept = numbers != 0
    borders = np.concatenate(([0], np.cumsum(kept)))[offsets]
    # pgvector limits the number of elements of texts and binary values only.
    counts = np.diff(borders)
    check_finite(numbers, "sparsevec")
    sizes = np.diff(offsets)
    places = np.arange(len(numbers)) - np.repeat(offsets[:-1], sizes)
    return sparse_column(
        SparseRows(sizes.astype(np.int32), borders[:-1], counts, places[kept].astype(np.int32), numbers[kept])
    )


def _dense(rows: SparseRows, target: SqlType, codecs: Codecs) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(rows.dimensions, dtype=np.int64)))
    elements = _elements(rows.values, target, codecs)
    numbers = np.zeros(int(offsets[-1]), VECTOR_ELEMENTS[target.oid].dtype)
    numbers[np.repeat(offsets[:-1], rows.counts) + rows.indexes] = elements
    return list_column(offsets, numbers)
