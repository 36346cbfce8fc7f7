"""The metric table: what each SQL distance operator computes, in NumPy, as pgvector computes it.

pgvector accumulates in float32 and finishes in float64 (pgvector/pgvector:src/vector.c, `VectorL2SquaredDistance`,
`VectorInnerProduct`, `VectorCosineSimilarity`, `VectorL1Distance`; halfvec the same after widening to float32:
src/halfutils.c), and so do we with bfloat16 and int8. Bits are counted exactly (src/bitutils.c). Only the order of the additions differs, in pgvector from machine to machine too.

Tanimoto, superstructure and substructure are Milvus' metrics of bit strings (zilliztech/knowhere:thirdparty/faiss/faiss/utils/binary_distances.h).

The formulas here are the oracle of the compiled kernels and answer while those are not ready. A *key* orders
rows like the distance does and is cheaper: the squared sum for l2, the jaccard distance for tanimoto, the distance itself for the others.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vecengine.element_types import Numbers
from vecengine.errors import UnsupportedByFamily
from vecengine.stored_vectors import BitVectors, StoredVectors

Float32s: TypeAlias = npt.NDArray[np.float32]
Float64s: TypeAlias = npt.NDArray[np.float64]
Vectors: TypeAlias = Numbers | StoredVectors
"""Of one type and dimension: a matrix of numbers, bit strings or sparse vectors."""


class Metric(IntEnum):
    """The number is what kernels branch on; the lower-case name is what callers and index files say."""

    L2 = 0
    IP = 1
    COSINE = 2
    L1 = 3
    HAMMING = 4
    JACCARD = 5
    TANIMOTO = 6
    SUPERSTRUCTURE = 7
    SUBSTRUCTURE = 8


METRIC_NAMES: tuple[str, ...] = tuple(metric.name.lower() for metric in Metric)
NUMBER_METRICS = (Metric.L2, Metric.IP, Metric.COSINE, Metric.L1)
GRADED_BIT_METRICS = (Metric.HAMMING, Metric.JACCARD, Metric.TANIMOTO)
"""Those of bit strings that say how far a row is, which graphs need; the others say only whether it matches."""
BIT_METRICS = (*GRADED_BIT_METRICS, Metric.SUPERSTRUCTURE, Metric.SUBSTRUCTURE)


def metric_names() -> tuple[str, ...]:
    """The metrics of vectors of numbers, sparse ones included."""
    return tuple(metric.name.lower() for metric in NUMBER_METRICS)


def bit_metric_names() -> tuple[str, ...]:
    """The metrics of bit strings."""
    return tuple(metric.name.lower() for metric in BIT_METRICS)


def parse_metric(name: str) -> Metric:
    """The metric of a name.

    Raises:
        UnsupportedByFamily: 0A000, for a metric this engine does not know.
    """
    try:
        return Metric[name.upper()]
    except KeyError:
        raise UnsupportedByFamily(
            f'metric "{name}" is not supported', hint=f"Use one of {', '.join(METRIC_NAMES)}."
        ) from None


def check_metric(name: str, vectors: Vectors) -> Metric:
    """The metric of a name, if it is one of such vectors.

    Raises:
        UnsupportedByFamily: 0A000.
    """
    metric = parse_metric(name)
    if (metric in BIT_METRICS) != isinstance(vectors, BitVectors):
        kind, known = "numbers", metric_names()
        if isinstance(vectors, BitVectors):
            kind, known = "bit strings", bit_metric_names()
        raise UnsupportedByFamily(
            f'metric "{name}" is not supported for vectors of {kind}', hint=f"Use one of {', '.join(known)}."
        )
    return metric


def keys_by_formula(metric: Metric, left: Float32s, right: Float32s) -> Float64s:
    """Keys of (n, d) rows against (d,) or (n, d), by the textbook formula: (n,) float64."""
    with np.errstate(all="ignore"):
        if metric is Metric.L2:
            difference = left - right
            return np.asarray(np.einsum("ij,ij->i", difference, difference), dtype=np.float64)
        if metric is Metric.L1:
            return np.asarray(np.abs(left - right).sum(axis=1, dtype=np.float32), dtype=np.float64)
        right = np.broadcast_to(right, left.shape)
        products = np.einsum("ij,ij->i", left, right)
        if metric is Metric.IP:
            return np.asarray(-products, dtype=np.float64)
        norms = np.einsum("ij,ij->i", left, left).astype(np.float64) * np.einsum("ij,ij->i", right, right)
        similarity = products.astype(np.float64) / np.sqrt(norms)
        return np.asarray(1.0 - np.clip(similarity, -1.0, 1.0), dtype=np.float64)


def distances_from_keys(metric: Metric, keys: Float64s) -> Float64s:
    """The operator's values of an array of keys, any shape; `inf` and NaN stay what they are."""
    if metric is Metric.L2:
        return np.sqrt(keys)
    return tanimoto_distances(keys) if metric is Metric.TANIMOTO else keys


def tanimoto_distances(jaccard: Float64s) -> Float64s:
    """-log2(1 - jaccard), float64, any shape: 0 of equal strings, +inf of those that share no set bit, two empty ones included.

    What is missing, an infinite key, stays infinite. Always by NumPy, and of contiguous numbers: its loops for others round differently.
    """
    with np.errstate(divide="ignore"):
        # Of 1 the logarithm is 0, whose negative would be -0.
        return 0.0 - np.log2(1.0 - np.minimum(np.ascontiguousarray(jaccard), 1.0))
