"""Goal: exact distances and top-k are pgvector's, on compiled kernels and by NumPy formula alike.

Method: both paths against float64 arithmetic written here, over metrics, element types, dimensions and masks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask, no_bits
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine import distances, exact_search, metric_names, rowwise_distances
from vecengine.errors import DimensionMismatch, DistanceBudgetSpent, UnsupportedByFamily
from vecengine.metrics import Metric, keys_by_formula

ELEMENTS = vecengine.element_type_names()


def true_distances(metric: str, left: Any, right: Any) -> Any:
    """The operators in float64, from pgvector's manual."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "l2": lambda: np.sqrt(((a - b) ** 2).sum(axis=-1)),
            "ip": lambda: -(a * b).sum(axis=-1),
            "cosine": lambda: 1 - (a * b).sum(axis=-1) / np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1)),
            "l1": lambda: np.abs(a - b).sum(axis=-1),
        }[metric]()


def make_vectors(rows: int, dimensions: int, element: str, seed: int = 1) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions))
    return (vectors * 30).astype(element) if element == "int8" else vectors.astype(element)


@pytest.fixture(params=["compiled", "formula"])
def path(request: pytest.FixtureRequest) -> str:
    if request.param == "formula":
        request.getfixturevalue("without_kernels")
    return str(request.param)


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("metric", metric_names())
@pytest.mark.parametrize("dimensions", [1, 3, 15, 16, 17, 63, 64, 65, 384, 16000])
def test_distances(path: str, metric: str, element: str, dimensions: int) -> None:
    vectors = make_vectors(5, dimensions, element)
    query = make_vectors(1, dimensions, "float32", seed=2)[0]
    expected = true_distances(metric, vectors, query)
    tolerance: Any = {"rtol": 2e-5, "atol": 1e-6 * dimensions}
    np.testing.assert_allclose(distances(metric, vectors, query), expected, **tolerance)
    pairs = make_vectors(5, dimensions, element, seed=3)
    found = rowwise_distances(metric, vectors, pairs)
    np.testing.assert_allclose(found, true_distances(metric, vectors, pairs), **tolerance)


@pytest.mark.parametrize("metric", metric_names())
def test_one_distance_has_one_value(metric: str) -> None:
    """The scan, the row-wise kernel and the top-k kernel agree to the last bit."""
    vectors = make_vectors(50, 100, "float32")
    query = make_vectors(1, 100, "float32", seed=2)
    scanned = distances(metric, vectors, query[0])
    np.testing.assert_array_equal(scanned, rowwise_distances(metric, vectors, np.repeat(query, 50, axis=0)))
    found, offsets = exact_search(vectors, query, 50, metric=metric)
    np.testing.assert_array_equal(found[0], scanned[offsets[0]].astype(np.float32))


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("metric", metric_names())
def test_a_distance_is_that_of_the_row_in_float32(metric: str, element: str) -> None:
    """To the last bit, on every path: elements are widened without rounding, and added in one order."""
    for dimensions in (1, 15, 17, 64, 100, 384):
        vectors = make_vectors(70, dimensions, element)
        wide, query = vectors.astype(np.float32), make_vectors(2, dimensions, "float32", seed=2)
        scanned = distances(metric, wide, query[0])
        np.testing.assert_array_equal(distances(metric, vectors, query[0]), scanned)
        pairs = rowwise_distances(metric, vectors, np.repeat(query[:1], 70, axis=0))
        np.testing.assert_array_equal(pairs, scanned)
        for left, right in zip(
            exact_search(vectors, query, 70, metric=metric),
            exact_search(wide, query, 70, metric=metric),
            strict=True,
        ):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("element", ["float16", "bfloat16", "int8"])
def test_every_element_is_read(path: str, element: str) -> None:
    """Infinities, subnormal numbers and NaN among them, alone and in a lane beside zeros."""
    size = np.dtype(element).itemsize
    values = np.arange(1 << 8 * size, dtype=np.uint16).astype(f"u{size}").view(element)
    # Signalling NaNs.
    with np.errstate(invalid="ignore"):
        wide = values.astype(np.float64)
    found = distances("ip", values.reshape(-1, 1), np.array([-1.0], dtype=np.float32))
    np.testing.assert_array_equal(found, wide)
    finite = values[np.isfinite(wide)]
    rows = np.zeros((finite.size, 33), dtype=element)
    rows[np.arange(finite.size), np.arange(finite.size) % 33] = finite
    found = distances("ip", rows, np.full(33, -1, dtype=np.float32))
    np.testing.assert_array_equal(found, finite.astype(np.float64))


def test_the_largest_numbers(path: str) -> None:
    """A square of bfloat16 may leave float32's range, one of int8 and of 16,000 dimensions may not."""
    huge = np.array([[3e38, 3e38], [0, 0], [1, 1]], dtype="bfloat16")
    found, offsets = exact_search(huge, np.array([[-3e38, 0]], dtype=np.float32), 3, metric="l2")
    assert np.isposinf(found).all() and offsets.tolist() == [[0, 1, 2]]
    lowest = np.full((1, 16_000), -128, dtype=np.int8)
    assert distances("l2", lowest, np.full(16_000, 127, np.float32))[0] == pytest.approx(
        255 * 16_000**0.5, rel=2e-5
    )
    zeros = np.zeros((2, 5), dtype=np.int8)
    assert np.isnan(distances("cosine", zeros, np.ones(5, dtype=np.float32))).all()


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("metric", metric_names())
@pytest.mark.parametrize("selectivity", [None, 0.0, 0.01, 0.3, 0.9, 1.0])
def test_top_k(path: str, metric: str, element: str, selectivity: float | None) -> None:
    rng = np.random.default_rng(7)
    vectors, queries = make_vectors(300, 24, element), make_vectors(4, 24, "float32", seed=2)
    mask = np.ones(300, dtype=bool) if selectivity is None else rng.random(300) < selectivity
    bits = None if selectivity is None else bits_from_mask(mask)
    found, offsets = exact_search(vectors, queries, 20, metric=metric, allowed_bits=bits)
    assert found.dtype == np.float32 and offsets.dtype == np.int64 and found.shape == offsets.shape == (4, 20)
    count = min(20, int(mask.sum()))
    assert (offsets[:, count:] == -1).all() and np.isposinf(found[:, count:]).all()
    assert (np.diff(found[:, :count], axis=1) >= 0).all()
    for query, row, values in zip(queries, offsets, found, strict=True):
        expected = true_distances(metric, vectors, query)
        assert mask[row[:count]].all() and len(set(row[:count])) == count
        np.testing.assert_allclose(values[:count], np.sort(expected[mask])[:count], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(values[:count], expected[row[:count]], rtol=1e-4, atol=1e-5)


def test_equal_distances_come_by_row_offset(path: str) -> None:
    vectors = np.tile(np.array([[1, 0], [0, 1]], dtype=np.float32), (100, 1))
    found, offsets = exact_search(vectors, vectors[:1], 150, metric="l2")
    assert offsets[0].tolist() == [*range(0, 200, 2), *range(1, 100, 2)]
    assert found[0, 99] == 0 and found[0, 100] == pytest.approx(2**0.5)


def test_nan_is_never_returned(path: str) -> None:
    vectors = np.array([[0, 0], [1, 0], [0, 0], [0, 2]], dtype=np.float32)
    _, offsets = exact_search(vectors, np.array([[1, 1], [0, 0]], dtype=np.float32), 4, metric="cosine")
    assert offsets.tolist() == [[1, 3, -1, -1], [-1, -1, -1, -1]]
    assert np.isnan(distances("cosine", vectors, np.array([1, 1], dtype=np.float32))[[0, 2]]).all()


def test_overflow_is_infinity_as_in_pgvector(path: str) -> None:
    vectors = np.array([[3e38, 3e38], [0, 0]], dtype=np.float32)
    query = np.array([[-3e38, 0]], dtype=np.float32)
    found, offsets = exact_search(vectors, query, 2, metric="l2")
    assert np.isposinf(found).all() and offsets.tolist() == [[0, 1]]


def test_cosine_is_clamped(path: str) -> None:
    vectors = make_vectors(200, 7, "float32")
    own = rowwise_distances("cosine", vectors, vectors * np.float32(3))
    assert (own >= 0).all() and own.max() < 1e-6


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 3)])
def test_more_than_there_is(path: str, shape: tuple[int, int]) -> None:
    vectors = np.ones(shape, dtype=np.float32)
    _, offsets = exact_search(vectors, np.ones((2, shape[1]), dtype=np.float32), 5, metric="l2")
    expected = [*range(shape[0])] + [-1] * (5 - shape[0])
    assert offsets.tolist() == [expected, expected]
    assert exact_search(vectors, np.ones((0, shape[1]), dtype=np.float32), 5, metric="l2")[0].shape == (0, 5)
    assert exact_search(vectors, np.ones((1, shape[1]), dtype=np.float32), 0, metric="l2")[0].shape == (1, 0)


@pytest.mark.parametrize("element", ELEMENTS)
def test_read_only_unaligned_and_strided_vectors(path: str, element: str) -> None:
    vectors = make_vectors(20, 6, element)
    query = vectors[3:4].astype(np.float32)
    expected = exact_search(vectors, query, 5, metric="l2")[1]
    raw = np.zeros(vectors.nbytes + 1, dtype=np.uint8)
    unaligned = raw[1:].view(element).reshape(20, 6)
    unaligned[:] = vectors
    unaligned.flags.writeable = False
    wide = np.zeros((20, 12), dtype=element)
    wide[:, ::2] = vectors
    for other in (unaligned, wide[:, ::2], np.asfortranarray(vectors)):
        np.testing.assert_array_equal(exact_search(other, query, 5, metric="l2")[1], expected)


def test_no_allowed_row(path: str) -> None:
    vectors = make_vectors(9, 2, "float32")
    _, offsets = exact_search(vectors, vectors[:1], 2, metric="l2", allowed_bits=no_bits(9))
    assert offsets.tolist() == [[-1, -1]]


def test_wrong_arguments() -> None:
    vectors = make_vectors(9, 3, "float32")
    with pytest.raises(DimensionMismatch, match="different vector dimensions 3 and 2") as mismatch:
        exact_search(vectors, np.zeros((1, 2), dtype=np.float32), 1, metric="l2")
    assert mismatch.value.sqlstate == "22000"
    with pytest.raises(DimensionMismatch):
        rowwise_distances("l2", vectors, vectors[:, :2])
    with pytest.raises(ValueError, match="9 rows on the left, 8 on the right"):
        rowwise_distances("l2", vectors, vectors[:8])
    with pytest.raises(UnsupportedByFamily, match='metric "hamming" is not supported for vectors of numbers'):
        distances("hamming", vectors, vectors[0])
    with pytest.raises(ValueError, match="allowed_bits"):
        exact_search(vectors, vectors[:1], 1, metric="l2", allowed_bits=no_bits(8))
    with pytest.raises(TypeError):
        exact_search(vectors.astype(np.float64), vectors[:1], 1, metric="l2")
    with pytest.raises(TypeError, match="float32 or float16 or bfloat16 or int8"):
        exact_search(vectors.astype(np.uint8), vectors[:1], 1, metric="l2")


def test_cancel_and_budget(path: str) -> None:
    vectors = make_vectors(1000, 3, "float32")
    token = CancelToken()
    token.cancel()
    for call in (
        lambda: exact_search(vectors, vectors[:1], 1, metric="l2", cancel=token.word),
        lambda: distances("l2", vectors, vectors[0], cancel=token.word),
    ):
        with pytest.raises(QueryCanceled, match="canceling statement due to user request"):
            call()
    if path == "compiled":
        with pytest.raises(DistanceBudgetSpent):
            exact_search(vectors, vectors[:1], 1, metric="l2", distance_budget=100)
        exact_search(vectors, vectors[:1], 1, metric="l2", distance_budget=1000)


def test_formula_oracle_against_hand_values() -> None:
    left, right = np.array([[1, 2], [0, 0]], dtype=np.float32), np.array([3, 4], dtype=np.float32)
    assert keys_by_formula(Metric.L2, left, right).tolist() == [8, 25]
    assert keys_by_formula(Metric.L1, left, right).tolist() == [4, 7]
    assert keys_by_formula(Metric.IP, left, right).tolist() == [-11, 0]
    cosine = keys_by_formula(Metric.COSINE, left, right)
    assert cosine[0] == pytest.approx(1 - 11 / 125**0.5) and np.isnan(cosine[1])
