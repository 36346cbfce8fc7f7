"""Goal: ranges of distances have exactly the rows whose distance is in range. Method: all distances, filtered and sorted by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.errors import DimensionMismatch

ROWS = 700


def make_vectors(rows: int = ROWS, dimensions: int = 12, seed: int = 1) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    vectors[::7] = vectors[0]
    vectors[5:6] = 0
    return vectors


@pytest.fixture(params=["compiled", "formula"])
def path(request: pytest.FixtureRequest) -> str:
    if request.param == "formula":
        request.getfixturevalue("without_kernels")
    return str(request.param)


def in_range(distances: Any, inner: float, radius: float, mask: Any) -> Any:
    rows = np.flatnonzero((distances >= inner) & (distances < radius) & mask)
    return rows[np.argsort(distances[rows], kind="stable")]


@pytest.mark.parametrize("metric", vecengine.metric_names())
@pytest.mark.parametrize("share", [1.0, 0.3, 0.0])
def test_against_all_distances(path: str, metric: str, share: float) -> None:
    vectors, queries = make_vectors(), make_vectors(4, seed=2)
    queries[3] = vectors[0]
    mask = np.random.default_rng(3).random(ROWS) < share
    bits = None if share == 1 else bits_from_mask(mask)
    everything = np.stack([vecengine.distances(metric, vectors, query) for query in queries])
    edges = np.nanquantile(everything, [0.0, 0.02, 0.5, 1.0])
    for inner, radius in [(None, edges[1]), (edges[1], edges[2]), (edges[2], np.inf), (edges[2], edges[1])]:
        answer = vecengine.exact_range_search(
            vectors, queries, radius, metric=metric, inner=inner, allowed_bits=bits
        )
        assert answer.limits[0] == 0 and answer.limits[-1] == answer.offsets.size
        for number, distances in enumerate(everything):
            found, offsets = answer.of(number)
            rows = in_range(distances, -np.inf if inner is None else inner, radius, mask)
            np.testing.assert_array_equal(offsets, rows)
            np.testing.assert_array_equal(found, distances[rows].astype(np.float32))


def test_bounds_are_compared_in_float64(path: str) -> None:
    vectors = np.array([[0.1], [0.2], [0.3]], dtype=np.float32)
    third = float(vecengine.distances("l1", vectors, np.zeros(1, dtype=np.float32))[2])
    for radius, count in ((third, 2), (np.nextafter(third, 1), 3)):
        answer = vecengine.exact_range_search(
            vectors, np.zeros((1, 1), dtype=np.float32), radius, metric="l1"
        )
        assert answer.limits.tolist() == [0, count]


def test_more_matches_than_fit_a_buffer_and_many_queries() -> None:
    vectors, queries = make_vectors(300, 2), make_vectors(600, 2, seed=4)
    answer = vecengine.exact_range_search(vectors, queries, np.inf, metric="l2")
    np.testing.assert_array_equal(answer.limits, np.arange(601) * 300)
    found, offsets = answer.of(599)
    distances = vecengine.distances("l2", vectors, queries[599])
    np.testing.assert_array_equal(offsets, np.argsort(distances, kind="stable"))
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (65, 1)])
def test_small_shapes_nothing_and_nan(path: str, shape: tuple[int, int]) -> None:
    vectors = np.zeros(shape, dtype=np.float32)
    queries = np.ones((2, shape[1]), dtype=np.float32)
    for metric, count in (("l2", shape[0]), ("cosine", 0)):
        answer = vecengine.exact_range_search(vectors, queries, np.inf, metric=metric)
        assert answer.limits.tolist() == [0, count, 2 * count]
    for radius in (-1.0, np.nan):
        assert not vecengine.exact_range_search(vectors, queries, radius, metric="l2").offsets.size
    assert vecengine.exact_range_search(vectors, queries[:0], 1.0, metric="l2").limits.tolist() == [0]


def test_wrong_arguments_and_cancel(path: str) -> None:
    vectors, token = make_vectors(), CancelToken()
    with pytest.raises(DimensionMismatch):
        vecengine.exact_range_search(vectors, np.zeros((1, 3), dtype=np.float32), 1.0, metric="l2")
    with pytest.raises(ValueError, match="allowed_bits"):
        vecengine.exact_range_search(
            vectors, vectors[:1], 1.0, metric="l2", allowed_bits=bits_from_mask(np.ones(3, dtype=bool))
        )
    token.cancel()
    with pytest.raises(QueryCanceled):
        vecengine.exact_range_search(vectors, vectors[:1], 1.0, metric="l2", cancel=token.word)
