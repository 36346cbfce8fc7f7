"""Goal: distances of sparse vectors are those of the dense vectors, compiled or by formula, in every shape of call.

Method: seeded random vectors against NumPy on dense float64 arrays; whole numbers, where every sum is exact, to the bit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

import vecengine
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from foundation.sparse import SparseWords, pack_sparse, sparse_words
from vecengine.errors import DimensionMismatch

METRICS = ("l2", "ip", "cosine", "l1")
DIMENSIONS = 60


def rows_of(matrix: npt.NDArray[np.float32]) -> SparseWords:
    values = [pack_sparse(matrix.shape[1], np.flatnonzero(row), row[row != 0]) for row in matrix]
    return sparse_words(pa.array(values, pa.binary()))


def random_matrix(count: int, seed: int, *, is_whole: bool) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    matrix = generator.integers(-9, 10, (count, DIMENSIONS)).astype(np.float32)
    if not is_whole:
        matrix *= generator.normal(size=matrix.shape).astype(np.float32)
    matrix[generator.random(matrix.shape) < 0.7] = 0
    matrix[0] = 0
    return matrix


def expected(
    metric: str, left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    a, b = left.astype(np.float64), right.astype(np.float64)
    if metric == "l2":
        return np.asarray(np.sqrt(((a - b) ** 2).sum(axis=1)))
    if metric == "l1":
        return np.asarray(np.abs(a - b).sum(axis=1))
    products = (a * b).sum(axis=1)
    if metric == "ip":
        return np.asarray(-products)
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - products / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1)))


def check(metric: str, *, is_whole: bool) -> None:
    left, right = (random_matrix(150, seed, is_whole=is_whole) for seed in (1, 2))
    tolerance = 0 if is_whole and metric != "cosine" else 1e-5
    for a, b in ((left, right), (left, right[7:8]), (left[7:8], right), (left[3:4], right[3:4])):
        found = vecengine.sparse_distances(metric, rows_of(a), rows_of(b))
        wanted = expected(metric, *np.broadcast_arrays(a, b))
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("is_whole", [True, False])
def test_compiled(metric: str, is_whole: bool) -> None:
    check(metric, is_whole=is_whole)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("is_whole", [True, False])
def test_formula(metric: str, is_whole: bool, without_kernels: None) -> None:
    check(metric, is_whole=is_whole)


def test_sums_beyond_float32_are_infinite() -> None:
    big, none = (rows_of(np.array([row], np.float32)) for row in ([3e38, 3e38], [0, 0]))
    found = {metric: vecengine.sparse_distances(metric, big, none)[0] for metric in METRICS}
    assert found["l2"] == found["l1"] == np.inf and found["ip"] == 0 and np.isnan(found["cosine"])


def test_different_dimensions_are_refused() -> None:
    left, right = rows_of(np.ones((3, 4), np.float32)), rows_of(np.ones((1, 5), np.float32))
    with pytest.raises(DimensionMismatch, match="different sparsevec dimensions 4 and 5"):
        vecengine.sparse_distances("l2", left, right)


def test_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    rows = rows_of(random_matrix(100, 3, is_whole=True))
    with pytest.raises(QueryCanceled):
        vecengine.sparse_distances("l2", rows, rows, cancel=token.word)
