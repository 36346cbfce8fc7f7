"""Keys and norms by formula, of vectors of every kind: the oracle of the kernels, and the answer until they are ready."""

from __future__ import annotations

import numpy as np

from foundation.sparse import Float32s, Int32s, SparseWords
from vecengine.metrics import Float64s, Metric, Vectors, keys_by_formula
from vecengine.stored_vectors import BitVectors, Bytes, SparseVectors

Row = tuple[Int32s, Float32s]
"""Indexes and values of a sparse vector."""


def formula_keys(metric: Metric, vectors: Vectors, query: Float32s) -> Float64s:
    """(n,) keys of vectors against one query (w,) as kernels take it."""
    if isinstance(vectors, BitVectors):
        return bit_keys(metric, vectors, query.view(np.uint8)[: vectors.row_bytes])
    if isinstance(vectors, SparseVectors):
        asked = _query_row(query)
        rows = (vectors.words.row(number) for number in range(len(vectors)))
        return np.fromiter((sparse_key(metric, row, asked) for row in rows), np.float64, len(vectors))
    assert isinstance(vectors, np.ndarray)
    return keys_by_formula(metric, vectors.astype(np.float32, copy=False), query)


def formula_pair_keys(metric: Metric, vectors: Vectors, queries: Float32s) -> Float64s:
    """(n,) keys of vectors, each against its row of (n, w) queries."""
    if isinstance(vectors, BitVectors):
        return bit_keys(metric, vectors, queries.view(np.uint8)[:, : vectors.row_bytes])
    if isinstance(vectors, SparseVectors):
        pairs = (
            sparse_key(metric, vectors.words.row(number), _query_row(query))
            for number, query in enumerate(queries)
        )
        return np.fromiter(pairs, np.float64, len(vectors))
    assert isinstance(vectors, np.ndarray)
    return keys_by_formula(metric, vectors.astype(np.float32, copy=False), queries)


def formula_norms(vectors: Vectors) -> Float32s:
    """(n,) squared norms, float32; zeros for bit strings."""
    if isinstance(vectors, BitVectors):
        return np.zeros(len(vectors), dtype=np.float32)
    if isinstance(vectors, SparseVectors):
        rows = (vectors.words.row(number)[1] for number in range(len(vectors)))
        with np.errstate(over="ignore"):
            return np.fromiter((_sum(values * values) for values in rows), np.float32, len(vectors))
    assert isinstance(vectors, np.ndarray)
    wide = vectors.astype(np.float32, copy=False)
    return np.asarray(np.einsum("ij,ij->i", wide, wide), dtype=np.float32)


def bit_keys(metric: Metric, vectors: BitVectors, query: Bytes) -> Float64s:
    """(n,) keys of bit strings against bytes (ceil(d / 8),) or (n, ceil(d / 8)) uint8.

    With b a row and q its query: hamming |b xor q|; jaccard, and tanimoto's key, 1 - |b and q| / |b or q|, and 1 where they share no
    bit; superstructure 0 where (b and q) = b, else 1; substructure 0 where (b and q) = q, else 1.
    """
    rows = vectors.bytes()
    if metric is Metric.HAMMING:
        return _counted(rows ^ query)
    if metric is Metric.SUPERSTRUCTURE:
        return np.asarray(((rows & query) != rows).any(axis=1), dtype=np.float64)
    if metric is Metric.SUBSTRUCTURE:
        return np.asarray(((rows & query) != query).any(axis=1), dtype=np.float64)
    common, either = _counted(rows & query), _counted(rows | query)
    return np.asarray(np.where(common == 0, 1.0, 1.0 - common / np.maximum(either, 1.0)))


def _counted(bits: Bytes) -> Float64s:
    return np.asarray(np.bitwise_count(bits).sum(axis=1), dtype=np.float64)


def _query_row(query: Float32s) -> Row:
    words = np.ascontiguousarray(query).view(np.uint32)
    return SparseWords(words, np.zeros(1, dtype=np.int64)).row(0)


def sparse_key(metric: Metric, left: Row, right: Row) -> float:
    """One key; sums run in the order of the indexes, in float32."""
    with np.errstate(all="ignore"):
        if metric in (Metric.L2, Metric.L1):
            indexes = np.union1d(left[0], right[0])
            gaps = _spread(left, indexes) - _spread(right, indexes)
            return _sum(gaps * gaps if metric is Metric.L2 else np.abs(gaps))
        _, a, b = np.intersect1d(left[0], right[0], assume_unique=True, return_indices=True)
        product = _sum(left[1][a] * right[1][b])
        if metric is Metric.IP:
            return -product
        norms = np.float64(_sum(left[1] * left[1])) * np.float64(_sum(right[1] * right[1]))
        similarity = np.float64(product) / np.sqrt(norms)
        return float(1.0 - np.clip(similarity, -1.0, 1.0))


def _spread(side: Row, indexes: Int32s) -> Float32s:
    spread = np.zeros(len(indexes), np.float32)
    spread[np.searchsorted(indexes, side[0])] = side[1]
    return spread


def _sum(numbers: Float32s) -> float:
    """Sum from left to right in float32; numpy's own sum adds pairwise."""
    return float(np.add.accumulate(numbers, dtype=np.float32)[-1]) if len(numbers) else 0.0
