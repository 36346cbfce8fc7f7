"""Goal: a flat index by codes finds what its vectors say, says how it searched, and keeps its codes through files and extensions.

Method: the kernel's keys against NumPy's of the same integers, bit for bit; searches against exact ones over metrics, dimensions, filters
and numbers that codes cannot weigh. Few rows are made to be searched by codes; what it takes is told by one test with the real costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from vecengine import coded_scan
from vecengine.checking import index_faults
from vecengine.coded_scan import CodedRows, ScanRequest
from vecengine.codes import LARGEST, Codebook
from vecengine.compiled import kernels, warm_up
from vecengine.coverage import Coverage
from vecengine.errors import DamagedIndex, DistanceBudgetSpent
from vecengine.hnsw.codes import IntegerCodes
from vecengine.ivf.curve import empty_curve
from vecengine.metrics import Metric

METRICS = ("l2", "ip", "cosine")
ROWS = 1500


@pytest.fixture(autouse=True)
def few_rows_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warm_up()
    monkeypatch.setattr(coded_scan, "SEARCH_NS", 0.0)


def normal(seed: int, rows: int = ROWS, dimensions: int = 96) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def built(metric: str, vectors: Any, **parameters: Any) -> Any:
    return vecengine.build_index("flat", vectors, metric=metric, quantizer="sq8", **parameters)


def weighed(book: Codebook, codes: Any, queries: Any, coverage: Coverage, allowed: Any) -> Any:
    """(nq, n) keys by the kernel of all rows, from the order in which it found them."""
    compiled = kernels()
    assert compiled is not None
    rows = CodedRows(IntegerCodes(book, codes, 1), coverage, empty_curve())
    count = len(codes) if allowed is None else int(allowed.sum())
    bits = None if allowed is None else bits_from_mask(allowed)
    request = ScanRequest(queries, 1, count, bits)
    vectors = np.zeros((coverage.vector_rows, codes.shape[1]), np.float32)
    return rows.search(compiled, Metric.L2, vectors, request, None).candidates


@pytest.mark.parametrize("dimensions", [1, 31, 33, 64, 96, 384, 1000])
@pytest.mark.parametrize("metric", [Metric.L2, Metric.IP, Metric.COSINE])
def test_the_kernel_orders_rows_as_numpy_does(metric: Metric, dimensions: int) -> None:
    vectors, queries = normal(1, 333, dimensions) + 0.3, normal(2, 7, dimensions)
    book = Codebook(metric, np.full(dimensions, 0.1, np.float32), float(np.abs(vectors).max()) / LARGEST)
    codes = book.encode(vectors)
    terms, integers = book.encode_short_queries(queries)
    assert integers.shape[1] % 64 == 0 and not integers[:, dimensions:].any()
    assert np.abs(integers).max() <= LARGEST
    products = integers[:, :dimensions].astype(np.int64) @ codes.integers().astype(np.int64).T
    keys = (codes.headers()[:, 0].astype(np.float64) + terms[:, :1]) - terms[:, 1:] * products
    for offsets, allowed in (
        (None, None),
        (np.arange(333) * 3 + 1, None),
        (None, np.arange(333) % 5 < 2),
        (None, np.arange(333) == 17),
    ):
        coverage = Coverage(333 if offsets is None else 1000, offsets)
        found = weighed(book, codes, queries, coverage, allowed)
        places = np.arange(333) if allowed is None else np.flatnonzero(allowed)
        for row, key in zip(found, keys, strict=True):
            order = places[np.argsort(key[places], kind="stable")]
            np.testing.assert_array_equal(row, coverage.row_offsets()[order])


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_searches_find_the_nearest(metric: str, kind: Any) -> None:
    vectors = normal(3).astype(kind)
    queries, index = normal(4, 70), built(metric, vectors)
    for share in (1.0, 0.3, 0.0):
        mask = np.random.default_rng(5).random(ROWS) < share
        bits = None if share == 1 else bits_from_mask(mask)
        truth = vecengine.exact_search(vectors, queries, 10, metric=metric, allowed_bits=bits)
        stats = vecengine.SearchStats()
        distances, offsets = index.search(queries, 10, bits, stats=stats)
        assert (offsets == truth[1]).mean() > 0.995
        np.testing.assert_array_equal(distances[offsets == truth[1]], truth[0][offsets == truth[1]])
        expected = {1.0: "codes", 0.3: "filtered_codes", 0.0: "exact"}[share]
        assert (stats.strategy, stats.ef_search, stats.completed_exactly) == (expected, 0, 0)
        if share:
            assert stats.reranked == 70 * 20 and stats.distances == 70 * (int(mask.sum()) + 20)
            assert index.estimate(10, int(mask.sum()), 0.9)[0].strategy == expected


def test_more_is_reranked_where_it_is_asked_for() -> None:
    vectors, stats = normal(3), vecengine.SearchStats()
    built("l2", vectors, refine_k=7).search(normal(4, 3), 5, stats=stats)
    assert stats.reranked == 3 * 35


def test_all_rows_are_found_one_by_one_and_in_ranges() -> None:
    vectors, query = normal(6), normal(7, 1)
    index = built("l2", vectors)
    distances, offsets = index.iterate(query).next(ROWS + 1)
    np.testing.assert_array_equal(np.sort(offsets), np.arange(ROWS))
    stats = vecengine.SearchStats()
    radius = float(distances[40])
    answer = index.range_search(query, radius, stats=stats)
    truth = vecengine.distances("l2", vectors, query[0])
    np.testing.assert_array_equal(np.sort(answer.offsets), np.flatnonzero(truth < radius))
    assert stats.strategy == "exact"
    stats = vecengine.SearchStats()
    found = index.search(query, 10, None, ROWS, stats=stats)[1]
    np.testing.assert_array_equal(found, vecengine.exact_search(vectors, query, 10, metric="l2")[1])
    assert stats.strategy == "exact", "whoever asks for all rows has them scanned"


@pytest.mark.parametrize(
    ("metric", "vectors"),
    [
        ("l1", normal(8)),
        ("l2", normal(8, 400)),
        ("l2", normal(8, ROWS, 32)),
        ("l2", np.ones((ROWS, 64), np.float32)),
        ("l2", np.zeros((0, 64), np.float32)),
    ],
    ids=["no codes of l1", "few rows", "few dimensions", "all alike", "none"],
)
def test_vectors_are_scanned_where_codes_do_not_serve(metric: str, vectors: Any) -> None:
    index, stats = built(metric, vectors), vecengine.SearchStats()
    queries = normal(9, 3, vectors.shape[1])
    found = index.search(queries, 10, stats=stats)
    truth = vecengine.exact_search(vectors, queries, 10, metric=metric)
    np.testing.assert_array_equal(found[1], truth[1])
    assert stats.strategy == "exact" and index.coded is None and index.recall_of(0, 10, 100) == 1.0
    assert [estimate.strategy for estimate in index.estimate(10, 100, 0.9)] == ["exact"]
    again = vecengine.load_index(index.to_buffers(), vectors)
    assert again.coded is None and again.parameters == index.parameters


@pytest.mark.parametrize("metric", METRICS)
def test_queries_that_codes_cannot_weigh_are_answered_by_a_scan(metric: str) -> None:
    vectors, queries, stats = normal(10), normal(11, 3), vecengine.SearchStats()
    queries[1] *= np.float32(0 if metric == "cosine" else 1e25)
    found = built(metric, vectors).search(queries, 10, stats=stats)[1]
    truth = vecengine.exact_search(vectors, queries, 10, metric=metric)[1]
    assert (found[[0, 2]] == truth[[0, 2]]).mean() > 0.99 and stats.strategy == "codes"
    np.testing.assert_array_equal(found[1], truth[1])
    assert stats.completed_exactly == 1


def test_a_budget_is_kept() -> None:
    index = built("l2", normal(12))
    with pytest.raises(DistanceBudgetSpent):
        index.search(normal(13, 1), 10, distance_budget=ROWS // 2)
    assert (index.search(normal(13, 1), 10, distance_budget=2 * ROWS)[1] >= 0).all()


def test_the_recall_is_measured_and_promised() -> None:
    vectors, queries = normal(14, 2000, 64), normal(15, 200, 64)
    index = built("l2", vectors, refine_k=1)
    truth = vecengine.exact_search(vectors, queries, 10, metric="l2")[1]
    found = index.search(queries, 10)[1]
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)])
    expected = index.recall_of(0, 10, 2000)
    assert expected < recall < 1.0 and recall - expected < 0.02
    assert index.recall_of(0, 10, 100) <= expected and index.recall_of(0, 10, 0) == 0.0
    assert [e.strategy for e in index.estimate(10, 2000, 1.0)] == ["exact"], "codes do not promise that"


def test_an_extension_keeps_the_codes_of_rows_that_stay() -> None:
    old, added = normal(16), normal(17, 200)
    source = built("cosine", old)
    is_kept = np.random.default_rng(18).random(ROWS) < 0.9
    vectors = np.concatenate([added[:100], old[is_kept], added[100:]])
    moved_to = np.where(is_kept, 99 + np.cumsum(is_kept), -1).astype(np.int64)
    offsets = np.flatnonzero(np.arange(len(vectors)) % 11 != 3).astype(np.int64)
    index = vecengine.extend_index(source, moved_to, vectors, offsets=offsets)
    assert index.parameters == source.parameters
    book = source.coded.codes.book
    assert index.coded.codes.book is book
    np.testing.assert_array_equal(index.coded.codes.vectors.bytes(), book.encode(vectors, offsets).bytes())
    far = vecengine.extend_index(source, moved_to, (vectors * np.float32(1)) + np.float32(9), offsets=offsets)
    assert far.coded is None or far.coded.codes.book is not book
    assert list(index_faults(index.to_buffers(), vectors, offsets, family="flat", metric="cosine",
                             parameters={"quantizer": 1, "refine_k": 0})) == []  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codes", None),
        ("codes", np.zeros((3, 104), np.uint8)),
        ("code_mean", np.full(96, np.nan, np.float32)),
        ("code_mean", np.zeros(95, np.float32)),
    ],
)
def test_damaged_codes_are_refused(name: str, value: Any) -> None:
    vectors = normal(19)
    buffers = dict(built("l2", vectors).to_buffers())
    del buffers[name]
    if value is not None:
        buffers[name] = value
    with pytest.raises(DamagedIndex):
        vecengine.load_index(buffers, vectors)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (b'"quantizer": "sq8"', b'"quantizer": "sq9"'),
        (b'"refine_k": 0', b'"refine_k": -1'),
        (b'"code_scale": 0', b'"code_scale": -1'),
        (b'"curve": {', b'"curve_of": {'),
        (b'"recall_at": [1.0', b'"recall_at": [9.0'),
        (b'"code_scale"', b'"code_numbers": "float16", "code_scale"'),
    ],
)
def test_damaged_metadata_is_refused(said: bytes, instead: bytes) -> None:
    vectors = normal(19)
    buffers = dict(built("l2", vectors).to_buffers())
    text = buffers["metadata"].tobytes()
    assert said in text
    buffers["metadata"] = np.frombuffer(text.replace(said, instead), np.uint8)
    with pytest.raises(DamagedIndex):
        vecengine.load_index(buffers, vectors)


def test_foreign_codes_are_a_fault() -> None:
    vectors = normal(20)
    buffers = dict(built("l2", vectors).to_buffers())
    buffers["codes"] = buffers["codes"].copy()
    buffers["codes"][7, 20] ^= 64
    faults = index_faults(buffers, vectors, None, family="flat", metric="l2", parameters={"quantizer": 1})
    assert list(faults) == ["the codes of 1 rows are not those of their vectors"]


def test_few_rows_are_scanned_because_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    index, stats = built("l2", normal(21)), vecengine.SearchStats()
    index.search(normal(22, 1), 10, stats=stats)
    assert stats.strategy == "exact" and index.estimate(10, ROWS, 0.9)[0].strategy == "exact"
    assert index.coded.cost(10, 60_000) < 60_000


def test_planners_are_told_of_the_codes() -> None:
    flat = vecengine.families()["flat"]
    plain = flat.of(vecengine.check_build_params("flat", {}))
    coded = flat.of(vecengine.check_build_params("flat", {"quantizer": "sq8"}))
    assert plain is flat and plain.rows_min is None
    assert coded.rows_min is not None and plain.rank < coded.rank < vecengine.families()["hnsw"].rank
    bits = vecengine.families()["bin_flat"]
    assert bits.of({}) is bits
