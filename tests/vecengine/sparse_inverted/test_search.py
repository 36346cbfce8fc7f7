"""Goal: inverted lists find what a scan finds, to the last bit: rows, distances, order, under every metric and filter.

Method: seeded sparse rows of hostile kinds (empty, equal, negative, huge, in topics) searched by the lists in blocks of
64, however cheap a scan would be, beside the exact scan and dense float64 arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CANCEL_TIMEOUT, CancelToken
from foundation.errors import QueryCanceled
from foundation.sparse import SparseWords
from tests.vecengine.test_stored_vectors import sparse_vectors, true_distances
from vecengine.errors import DimensionMismatch, DistanceBudgetSpent, UnsupportedByFamily
from vecengine.sparse_inverted import index as index_module
from vecengine.sparse_inverted.parameters import WHOLE_QUERY
from vecengine.sparse_inverted.search import heaviest_elements

METRICS = ("l2", "ip", "cosine")
ROWS, DIMENSIONS = 700, 90


@pytest.fixture
def never_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "search_cost", lambda *_: -1.0)


def matrix(rows: int = ROWS, *, seed: int = 1, kind: str = "mixed") -> Any:
    """(rows, DIMENSIONS) float32 of a kind, some dimensions in most rows and some in few."""
    rng = np.random.default_rng(seed)
    values = rng.gamma(2.0, size=(rows, DIMENSIONS)).astype(np.float32)
    if kind == "mixed":
        values *= rng.choice([-1, 1], size=values.shape)
    elif kind == "huge":
        values *= 10.0 ** rng.integers(-20, 19, size=(rows, 1))
    elif kind == "equal":
        values = np.tile(values[:5], (rows // 5 + 1, 1))[:rows]
    present = rng.random((rows, DIMENSIONS)) < np.geomspace(0.7, 0.01, DIMENSIONS)
    if kind == "topics":
        present &= (np.arange(DIMENSIONS) * rows // DIMENSIONS - np.arange(rows)[:, None]) % rows < 90
    if kind == "equal":
        present = np.tile(present[:5], (rows // 5 + 1, 1))[:rows]
    present[rng.random(rows) < 0.05] = False
    return np.where(present, values, 0).astype(np.float32)


def built(metric: str, kind: str = "mixed", **parameters: int) -> Any:
    vectors = sparse_vectors(matrix(kind=kind))
    return vecengine.build_index("sparse_inverted", vectors, metric=metric, block_rows=64, **parameters)


@pytest.mark.parametrize("kind", ["mixed", "positive", "huge", "equal", "topics"])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("selectivity", [None, 0.0, 0.01, 0.3, 1.0])
def test_lists_answer_as_a_scan_does(
    never_scans: None, metric: str, kind: str, selectivity: float | None
) -> None:
    vectors, queries = sparse_vectors(matrix(kind=kind)), sparse_vectors(matrix(20, seed=2, kind=kind))
    index = built(metric, kind)
    rng = np.random.default_rng(3)
    bits = None if selectivity is None else bits_from_mask(rng.random(ROWS) < selectivity)
    for k in (1, 7, 100, ROWS + 50):
        stats = vecengine.SearchStats()
        found, offsets = index.search(queries, k, bits, stats=stats)
        truth, rows = vecengine.exact_search(vectors, queries, k, metric=metric, allowed_bits=bits)
        np.testing.assert_array_equal(offsets, rows)
        np.testing.assert_array_equal(found.view(np.uint32), truth.view(np.uint32))
        assert stats.strategy in ("lists", "filtered_lists") and stats.ef_search == WHOLE_QUERY


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_those_of_dense_arithmetic(never_scans: None, metric: str) -> None:
    rows, query = matrix(), matrix(1, seed=9)
    found, offsets = built(metric).search(sparse_vectors(query), 50)
    truth = true_distances(metric, rows, query[0])
    np.testing.assert_allclose(found[0], np.sort(truth[~np.isnan(truth)])[:50], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[0], truth[offsets[0]], rtol=1e-5, atol=1e-5)


def test_rows_without_a_common_dimension_come_in_their_order(never_scans: None) -> None:
    rows = np.zeros((200, 4), dtype=np.float32)
    rows[:, 0] = 1
    rows[150, 1], rows[170, 1] = 2, -2
    index = vecengine.build_index("sparse_inverted", sparse_vectors(rows), metric="ip", block_rows=64)
    query = sparse_vectors(np.asarray([[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    found, offsets = index.search(query, 4)
    np.testing.assert_array_equal(offsets, [[150, 0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3]])
    np.testing.assert_array_equal(found, [[-2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert index.search(query, 200)[1][0, -1] == 170


def test_blocks_that_cannot_enter_the_answer_are_passed_over(never_scans: None) -> None:
    index, stats = built("ip", "topics"), vecengine.SearchStats()
    queries = sparse_vectors(np.abs(matrix(20, seed=2, kind="topics")))
    index.search(queries, 1, stats=stats)
    dims = [queries.words.row(number)[0] for number in range(20)]
    listed = sum(int(np.isin(index.postings.segment_dims, some).sum()) for some in dims)
    assert 0 < stats.expansions < 0.8 * listed


@pytest.mark.parametrize("rows", [0, 1, 2, 63, 64, 65, 129])
@pytest.mark.parametrize("metric", METRICS)
def test_few_rows_and_one_dimension(never_scans: None, metric: str, rows: int) -> None:
    for numbers in (matrix(rows), matrix(rows)[:, :1]):
        vectors = sparse_vectors(numbers, numbers.shape[1])
        index = vecengine.build_index("sparse_inverted", vectors, metric=metric, block_rows=64)
        queries = sparse_vectors(matrix(4, seed=5)[:, : numbers.shape[1]])
        for k in (0, 1, 200):
            truth = vecengine.exact_search(vectors, queries, k, metric=metric)
            np.testing.assert_array_equal(index.search(queries, k), truth)
        assert index.search(queries[:0], 3)[0].shape == (0, 3)


def test_a_thousand_million_dimensions(never_scans: None) -> None:
    words = [
        np.asarray([10**9, 2, 0, 5, 10**9 - 1], dtype=">u4").view(np.uint32),
        np.asarray([1.5, 2.5], dtype=">f4").view(np.uint32),
    ]
    heads = np.zeros(1, dtype=np.int64)
    vectors = vecengine.SparseVectors(
        SparseWords(np.concatenate([words[0], words[1]]), np.repeat(heads, 3)), 10**9
    )
    index = vecengine.build_index("sparse_inverted", vectors, metric="ip")
    np.testing.assert_array_equal(index.search(vectors[:1], 5)[1], [[0, 1, 2, -1, -1]])


@pytest.mark.parametrize("metric", METRICS)
def test_partial_coverage(never_scans: None, metric: str) -> None:
    vectors, queries = sparse_vectors(matrix()), sparse_vectors(matrix(9, seed=2))
    covered = np.random.default_rng(4).random(ROWS) < 0.5
    index = vecengine.build_index(
        "sparse_inverted", vectors, metric=metric, offsets=np.flatnonzero(covered), block_rows=64
    )
    if metric == "cosine":
        covered &= matrix().any(axis=1)
    assert index.row_count == covered.sum()
    allowed = np.random.default_rng(6).random(ROWS) < 0.4
    for mask, given in ((covered, None), (covered & allowed, bits_from_mask(allowed))):
        truth = vecengine.exact_search(vectors, queries, 20, metric=metric, allowed_bits=bits_from_mask(mask))
        np.testing.assert_array_equal(index.search(queries, 20, given), truth)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("drop_percent", "share", "floor"),
    [(0, 300, 0.4), (0, 900, 0.9), (30, WHOLE_QUERY, 0.9), (60, 500, 0.5)],
)
def test_rows_found_by_a_part_of_the_weights(
    never_scans: None, metric: str, drop_percent: int, share: int, floor: float
) -> None:
    vectors = sparse_vectors(matrix(kind="positive"))
    numbers = matrix(30, seed=2, kind="positive")
    queries = sparse_vectors(numbers[numbers.any(axis=1)])
    index, stats = built(metric, "positive", drop_percent=drop_percent), vecengine.SearchStats()
    found, offsets = index.search(queries, 10, ef_search=share, stats=stats)
    truth, _ = vecengine.exact_search(vectors, queries, 10, metric=metric)
    for number, rows in enumerate(offsets):
        own = vecengine.distances(metric, vectors, queries[number : number + 1])[rows]
        np.testing.assert_array_equal(found[number], own.astype(np.float32))
    assert (np.diff(found, axis=1) >= 0).all() and stats.reranked == 40 * len(queries)
    assert (found <= truth[:, -1:]).mean() > floor and index.recall_of(share, 10, ROWS) > floor
    everything, _ = index.search(queries, ROWS, ef_search=share)
    assert (np.isfinite(everything).sum(axis=1) == index.row_count).all()


def test_the_heaviest_elements() -> None:
    rows = np.asarray([[4, -3, 2, 1], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
    for share, expected in (
        (1000, rows),
        (700, [[4, -3, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]),
        (701, [[4, -3, 2, 0], [1, 1, 0, 0], [0, 0, 0, 0]]),
        (1, [[4, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]),
    ):
        kept = heaviest_elements(sparse_vectors(rows).queries(), share)
        wanted = sparse_vectors(np.asarray(expected, dtype=np.float32)).queries()
        np.testing.assert_array_equal(kept[:, : wanted.shape[1]], wanted)
        assert not kept[:, wanted.shape[1] :].any()


def test_before_the_kernels_are_ready(without_kernels: None) -> None:
    vectors, queries = sparse_vectors(matrix(80)), sparse_vectors(matrix(3, seed=2))
    found = vecengine.exact_search(vectors, queries, 7, metric="ip")
    index = index_module.load_sparse_inverted(built_small().to_buffers(), vectors)
    stats = vecengine.SearchStats()
    np.testing.assert_array_equal(index.search(queries, 7, stats=stats), found)
    assert stats.strategy == "exact"


def built_small() -> Any:
    from vecengine.coverage import Coverage
    from vecengine.hnsw.curve import empty_curve
    from vecengine.metrics import Metric
    from vecengine.sparse_inverted.parameters import SparseInvertedParameters
    from vecengine.sparse_inverted.postings import block_postings

    vectors = sparse_vectors(matrix(80))
    return index_module.SparseInvertedIndex(
        vectors,
        Metric.IP,
        Coverage(80, None),
        block_postings(vectors, 0),
        SparseInvertedParameters(),
        norms=np.zeros(0, dtype=np.float32),
        curve=empty_curve(),
    )


def test_refusals_cancel_and_budget(never_scans: None) -> None:
    with pytest.raises(UnsupportedByFamily, match='does not serve metric "l1"') as error:
        vecengine.build_index("sparse_inverted", sparse_vectors(matrix(3)), metric="l1")
    assert error.value.hint == "It serves l2, ip, cosine of such vectors."
    index, query = built("l2"), sparse_vectors(matrix(1, seed=2))
    with pytest.raises(DimensionMismatch):
        index.search(sparse_vectors(np.ones((1, 3), dtype=np.float32)), 1)
    token = CancelToken()
    token.cancel(CANCEL_TIMEOUT)
    with pytest.raises(QueryCanceled, match="statement timeout"):
        index.search(query, 1, cancel=token.word)
    with pytest.raises(DistanceBudgetSpent):
        index.search(query, ROWS, distance_budget=10)
    assert index.search(query, 1, distance_budget=5 * ROWS)[1].shape == (1, 1)


def test_lists_where_they_are_cheaper_and_scans_where_those_are() -> None:
    vectors = sparse_vectors(matrix(6000, kind="topics"))
    index = vecengine.build_index("sparse_inverted", vectors, metric="ip")
    assert index.estimate(10, 6000, 0.97)[0].strategy == "lists"
    assert index.estimate(10, 3000, 1.0)[0].strategy == "filtered_lists"
    assert index.estimate(10, 5, 0.97)[0].strategy == "exact"
    assert index.beam_for(10, 1.0) <= WHOLE_QUERY and index.recall_of(WHOLE_QUERY, 10, 6000) == 1.0
    shares = [index.recall_of(share, 10, 6000) for share in (100, 400, 700, 1000)]
    assert shares == sorted(shares)
    stats = vecengine.SearchStats()
    index.search(vectors[:3], 5, bits_from_mask(np.arange(6000) < 9), stats=stats)
    assert stats.strategy == "exact" and stats.allowed_count == 9
    index.search(vectors[:3], 5, stats=stats)
    assert stats.strategy == "lists"
