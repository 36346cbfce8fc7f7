"""pgvector's functions on sparsevec columns, and the keys that order them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import vecengine
from foundation.errors import NumericValueOutOfRange
from foundation.sparse import SparseRows, order_keys, sparse_column, sparse_rows, sparse_words
from planner.functions.datum import Datum


def sparse_distances(metric: str, left: Datum, right: Datum, row_count: int) -> pa.Array:
    """(n,) float64, NULL where either side is.

    Raises:
        DataException: 22000, different dimensions.
    """
    known = np.ones(row_count, np.bool_)
    for side in (left, right):
        known &= np.asarray(side.array.is_valid())
    sides = (
        sparse_words(side.array, None if side.is_constant or known.all() else known) for side in (left, right)
    )
    distances = np.zeros(row_count)
    if known.any():
        distances[known] = vecengine.sparse_distances(metric, *sides)
    return pa.array(distances, mask=None if known.all() else ~known)


def _norms(rows: SparseRows) -> npt.NDArray[np.float64]:
    squares = rows.values.astype(np.float64) ** 2
    return np.sqrt(np.bincount(rows.owners(), squares, minlength=len(rows)))


def sparse_norms(column: pa.Array) -> pa.Array:
    """(n,) float64 Euclidean norms of a column without NULLs."""
    return pa.array(_norms(sparse_rows(column)), pa.float64())


def sparse_normalized(column: pa.Array) -> pa.Array:
    """The column with every vector divided by its norm; elements that become zero go.

    Raises:
        NumericValueOutOfRange: 22003, an element leaves float32.
    """
    rows = sparse_rows(column)
    owners = rows.owners()
    with np.errstate(over="ignore"):
        quotients = (rows.values / _norms(rows)[owners]).astype(np.float32)
    if np.isinf(quotients).any():
        raise NumericValueOutOfRange("value out of range: overflow")
    kept = quotients != 0
    counts = np.bincount(owners[kept], minlength=len(rows))
    starts = np.cumsum(counts) - counts
    return sparse_column(SparseRows(rows.dimensions, starts, counts, rows.indexes[kept], quotients[kept]))


def sparse_order_keys(column: pa.Array) -> pa.Array:
    """(n,) large_binary whose byte order is pgvector's; NULL stays NULL."""
    keys = order_keys(sparse_rows(column.drop_null()))
    if not column.null_count:
        return keys
    valid = np.asarray(column.is_valid())
    return keys.take(pa.array(np.cumsum(valid) - 1, mask=~valid))


def evaluate_sparse_order(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(sparsevec) -> binary order keys."""
    return sparse_order_keys(columns[0]).cast(pa.binary())
