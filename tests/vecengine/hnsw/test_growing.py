"""Goal: a graph that grows serves every reader's own rows, completely, with good recall, while it is being extended.

Method: brute force over the reader's rows as oracle; a reader thread beside the writer; odd rows of every kind.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from foundation.bitset import bits_from_mask, mask_from_bits
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.exact import exact_search
from vecengine.hnsw.growing import GrowingHnsw, GrowingIndex
from vecengine.index import SearchStats
from vecengine.metrics import NUMBER_METRICS

ROWS = 6000
DIMENSIONS = 12
METRICS = [metric.name.lower() for metric in NUMBER_METRICS]


def rows(count: int, dtype: Any = np.float32) -> Any:
    rng = np.random.default_rng(4)
    centres = rng.normal(size=(10, DIMENSIONS))
    return (centres[rng.integers(0, 10, count)] + 0.6 * rng.normal(size=(count, DIMENSIONS))).astype(dtype)


VECTORS = rows(ROWS)
QUERIES = np.ascontiguousarray(VECTORS[::200] + np.float32(0.01))


def grown(metric: str, vectors: Any, step: int = 1500, valid_bits: Any = None) -> GrowingHnsw:
    graph = GrowingHnsw(metric, m=8, ef_construction=40)
    for count in range(step, len(vectors) + 1, step):
        bits = None if valid_bits is None else valid_bits[: (count + 7) >> 3]
        graph.extend(vectors[:count], bits)
    return graph


def index_of(graph: GrowingHnsw, vectors: Any, valid_bits: Any = None) -> GrowingIndex:
    index = graph.index(vectors, valid_bits)
    assert index is not None
    return index


def recall(index: GrowingIndex, vectors: Any, allowed_bits: Any = None, ef: int = 80) -> float:
    found, offsets = index.search(QUERIES, 10, allowed_bits, ef)
    truth, _ = exact_search(vectors, QUERIES, 10, metric=index.metric, allowed_bits=allowed_bits)
    assert (offsets >= 0).all() and (offsets < len(vectors)).all()
    assert all(np.unique(row).size == row.size for row in offsets)
    return float((found <= truth[:, -1:] + 1e-5 * np.abs(truth[:, -1:])).mean())


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_recall_with_rows_behind_and_under_a_filter(metric: str, dtype: Any) -> None:
    vectors = rows(ROWS, dtype)
    graph = grown(metric, vectors[:4500])
    assert graph.row_count == 4496, "up to a multiple of 8"
    index = index_of(graph, vectors)
    assert index.scanned_rows == ROWS - 4496
    stats = SearchStats()
    index.search(QUERIES[:1], 10, None, 20, stats=stats)
    assert stats.strategy == "graph" and stats.distances < ROWS
    assert recall(index, vectors) > 0.95
    allowed = bits_from_mask(np.random.default_rng(1).random(ROWS) < 0.2)
    assert recall(index, vectors, allowed) > 0.95


def test_an_older_reader_sees_its_rows_alone() -> None:
    graph = grown("l2", VECTORS)
    for count in (1, 999, 3001):
        index = index_of(graph, VECTORS[:count])
        _, offsets = index.search(QUERIES[:1], 10, None, 100)
        assert offsets.max() < count and (offsets >= 0).sum() == min(10, count)
    assert recall(index_of(graph, VECTORS[:3001]), VECTORS[:3001]) > 0.95


def test_rows_without_an_order_are_never_returned() -> None:
    vectors = VECTORS.copy()
    vectors[::7] = 0
    valid = np.arange(ROWS) % 11 != 0
    graph = grown("cosine", vectors[:4500], valid_bits=bits_from_mask(valid))
    index = index_of(graph, vectors, bits_from_mask(valid))
    has_order = valid & (np.arange(ROWS) % 7 != 0)
    covered = index.covered_bits()
    assert covered is not None
    np.testing.assert_array_equal(mask_from_bits(covered, ROWS), has_order)
    assert index.row_count == has_order.sum()
    _, offsets = index.search(QUERIES, 50, None, 100)
    assert has_order[offsets].all()
    _, offsets = index.search(QUERIES[:1], ROWS, None, 10)
    assert set(offsets[0][offsets[0] >= 0].tolist()) == set(np.flatnonzero(has_order).tolist())


def test_rows_without_a_direction_measure_nothing() -> None:
    vectors = VECTORS.copy()
    vectors[1000:] = 0
    index = index_of(grown("cosine", vectors, step=ROWS), vectors)
    assert index.row_count == 1000 and index.curve.is_empty


@pytest.mark.parametrize("threads", [1, 3])
def test_growth_is_deterministic_whatever_the_threads(threads: int) -> None:
    graph = GrowingHnsw("l2", m=8, ef_construction=40)
    graph.extend(VECTORS, threads=threads)
    first, second = grown("l2", VECTORS, step=ROWS).covered, graph.settled()
    assert first is not None and second is not None
    assert first.curve.to_json() == second.curve.to_json()
    np.testing.assert_array_equal(first.graph.links, second.graph.links)
    np.testing.assert_array_equal(first.graph.upper_links, second.graph.upper_links)


def test_a_cancelled_extension_keeps_what_went_in() -> None:
    graph = grown("l2", VECTORS[:1500])
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCanceled):
        graph.extend(VECTORS, None, token.word)
    assert graph.row_count == 1496
    graph.extend(VECTORS)
    assert graph.row_count == ROWS and recall(index_of(graph, VECTORS), VECTORS) > 0.95


@pytest.mark.slow
def test_readers_beside_a_writer() -> None:
    """Each answer is complete and right for the reader's prefix, whatever the writer does meanwhile."""
    vectors = rows(20_000)
    graph = GrowingHnsw("l2", m=8, ef_construction=40)
    graph.extend(vectors[:1000])
    recalls: list[float] = []
    failures: list[BaseException] = []

    def read(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            while graph.row_count < len(vectors):
                count = min(len(vectors), graph.row_count + int(rng.integers(-500, 500)))
                recalls.append(recall(index_of(graph, vectors[:count]), vectors[:count]))
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(2)]
    for reader in readers:
        reader.start()
    for count in range(1200, len(vectors) + 1, 200):
        graph.extend(vectors[:count])
    for reader in readers:
        reader.join()
    assert not failures and len(recalls) > 20
    assert np.mean(recalls) > 0.97 and min(recalls) > 0.8
