"""Columns that vector indexes order, as vecengine takes them: numbers, bit strings and sparse vectors.

Nothing is copied: bit strings and sparse vectors are read in the bytes of their binary column. In place of a NULL there is
some vector of the column, because norms are computed of all rows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import vecengine
from foundation.errors import DataException
from foundation.sparse import SparseWords, pack_sparse, sparse_words
from foundation.sqltypes import BIT, DENSE_VECTOR_TYPES, SPARSEVEC, SqlType
from foundation.vector_elements import VECTOR_ELEMENTS, vector_numbers
from planner.functions.implementations_vector import METRIC_OF_FUNCTION, different_dimensions
from vecengine.choosing import choose_family

Values = npt.NDArray[Any]
Offsets = npt.NDArray[np.int64]
Vectors = npt.NDArray[Any] | vecengine.BitVectors | vecengine.SparseVectors

_KINDS: dict[int, type[Vectors]] = {
    **{sql_type.oid: np.ndarray for sql_type in DENSE_VECTOR_TYPES},
    BIT.oid: vecengine.BitVectors,
    SPARSEVEC.oid: vecengine.SparseVectors,
}
"""Types with operator classes of vector indexes, and how vecengine takes their values."""

_LENGTH_BYTES = 4
"""Before the bytes of a stored bit string stands its length."""


def is_indexable(sql_type: SqlType) -> bool:
    """Whether a vector index may have a key of the type; its values need a dimension besides."""
    return sql_type.oid in _KINDS


def key_metrics(family: str, sql_type: SqlType) -> tuple[str, ...]:
    """The metrics under which an index family orders values of a type and that SQL has functions for: those of its operator classes."""
    kind = _KINDS.get(sql_type.oid)
    served = () if kind is None else vecengine.metrics_of(family, kind)
    return tuple(metric for metric in served if metric in METRIC_OF_FUNCTION.values())


def key_family(sql_type: SqlType, served_by: Collection[str]) -> str:
    """The family that `auto` stands for, of those that serve a key's metric, in a table that is going to have many rows."""
    return choose_family(_KINDS[sql_type.oid], None, served_by)


def may_be_expression(sql_type: SqlType) -> bool:
    """Whether the key of an index, or the operand of an order, of the type may be an expression.

    Its values are kept as rows of one width, which sparse vectors do not have.
    """
    return is_indexable(sql_type) and sql_type.oid != SPARSEVEC.oid


def is_in_bytes(sql_type: SqlType) -> bool:
    """Whether values are stored in a binary column: bit strings and sparse vectors."""
    return sql_type.oid in (BIT.oid, SPARSEVEC.oid)


def byte_vectors(column: pa.Array, sql_type: SqlType) -> vecengine.BitVectors | vecengine.SparseVectors:
    """A column of bit strings or of sparse vectors.

    Args:
        column: (n,) binary in the stored form of the type.
        sql_type: with its length or dimensions, which all values have.
    """
    dimensions = sql_type.typmod
    if sql_type.oid == SPARSEVEC.oid:
        return vecengine.SparseVectors(_sparse(column, dimensions), dimensions)
    row_bytes = (dimensions + 7) >> 3
    if column.null_count == len(column):
        return vecengine.BitVectors(np.zeros((len(column), row_bytes), dtype=np.uint8), dimensions)
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(column), column.offset * np.int32().itemsize)
    starts = offsets.astype(np.int64) + _LENGTH_BYTES
    data = np.frombuffer(data_buffer, np.uint8)
    return vecengine.BitVectors(data, dimensions, _without_nulls(column, starts))


def _sparse(column: pa.Array, dimensions: int) -> SparseWords:
    if column.null_count == len(column):
        none = np.frombuffer(pack_sparse(dimensions, [], []), np.uint32)
        return SparseWords(none, np.zeros(len(column), dtype=np.int64))
    found = sparse_words(column)
    return SparseWords(found.words, _without_nulls(column, found.heads))


def _without_nulls(column: pa.Array, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The places of the values; those of NULLs, which may lie behind the data, are that of another value."""
    if not column.null_count:
        return starts
    valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return np.where(valid, starts, starts[np.argmax(valid)])


def empty_values(kind: SqlType, count: int) -> Values:
    """(count, w) zeros to keep values of an expression in: numbers, or the bytes of bit strings."""
    if kind.oid == BIT.oid:
        return np.zeros((count, (kind.typmod + 7) >> 3), dtype=np.uint8)
    return np.zeros((count, kind.typmod), dtype=VECTOR_ELEMENTS[kind.oid].dtype)


def from_values(values: Values, kind: SqlType) -> Vectors:
    """Kept values as vecengine takes them."""
    return vecengine.BitVectors(values, kind.typmod) if kind.oid == BIT.oid else values


def to_values(vectors: Vectors) -> Values:
    """Vectors as they are kept; the inverse of `from_values`."""
    assert not isinstance(vectors, vecengine.SparseVectors), "rows of sparse vectors have no one width"
    return vectors.bytes() if isinstance(vectors, vecengine.BitVectors) else vectors


def query_vector(array: pa.Array, sql_type: SqlType) -> Vectors:
    """The one value, not NULL, of a (1,) array of a key's type, as vecengine takes a query."""
    if sql_type.oid == BIT.oid:
        data = np.frombuffer(array[0].as_buffer(), np.uint8)
        length = int.from_bytes(data[:_LENGTH_BYTES].tobytes(), "big")
        return vecengine.BitVectors(data[None, _LENGTH_BYTES:], length)
    if sql_type.oid == SPARSEVEC.oid:
        words = sparse_words(array)
        return vecengine.SparseVectors(words, int(words.dimensions()[0]))
    return vector_numbers(array[0].values).astype(np.float32)


def query_vectors(column: pa.Array, kind: SqlType) -> tuple[Vectors, Offsets]:
    """The values of a column that may be compared with a key, as vecengine takes queries.

    Args:
        column: (n,) of a type of vectors; NULLs and other dimensions are left out.
        kind: that type, with the dimensions of the key.

    Returns:
        (m, d) float32, bit strings or sparse vectors; and (m,) int64 their rows, ascending.
    """
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    values = column.take(pa.array(rows)) if column.null_count else column
    if is_in_bytes(kind):
        rows = rows[_byte_dimensions(values, kind) == kind.typmod]
        return byte_vectors(column.take(pa.array(rows)), kind), rows
    rows = rows[pc.list_value_length(values).to_numpy(zero_copy_only=False) == kind.typmod]
    numbers = vector_numbers(column.take(pa.array(rows)).flatten())
    return numbers.astype(np.float32).reshape(len(rows), kind.typmod), rows


def _byte_dimensions(column: pa.Array, kind: SqlType) -> npt.NDArray[np.int64]:
    """(n,) lengths of bit strings or dimensions of sparse vectors, none NULL."""
    if kind.oid == SPARSEVEC.oid:
        return sparse_words(column).dimensions().astype(np.int64) if len(column) else _no_offsets()
    heads = pc.binary_slice(column, 0, _LENGTH_BYTES).cast(pa.binary(_LENGTH_BYTES))
    _, data = heads.buffers()
    lengths = np.frombuffer(data, ">i4", len(heads), heads.offset * _LENGTH_BYTES)
    return lengths.astype(np.int64)


def _no_offsets() -> Offsets:
    return np.zeros(0, dtype=np.int64)


def as_queries(query: Vectors) -> Vectors:
    """One query as a matrix of one row."""
    return query.reshape(1, -1) if isinstance(query, np.ndarray) else query


def dimension_mismatch(kind: SqlType, left: int, right: int) -> DataException:
    """22000, in pgvector's words for vectors of a type."""
    if kind.oid == BIT.oid:
        return DataException(f"different bit lengths {left} and {right}")
    return different_dimensions(left, right, kind)


def has_direction(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """(n,) which of some vectors are not zero."""
    if isinstance(vectors, np.ndarray):
        return np.asarray(vectors.any(axis=1))
    if isinstance(vectors, vecengine.SparseVectors):
        return vectors.element_counts() > 0
    return np.ones(len(vectors), dtype=np.bool_)


def validity(column: pa.Array) -> npt.NDArray[np.uint8] | None:
    """Bitset of the rows that are not NULL, None when none is."""
    if not column.null_count:
        return None
    mask: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return np.packbits(mask, bitorder="little")
