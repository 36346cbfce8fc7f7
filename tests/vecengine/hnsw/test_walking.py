"""Goal: a walk that is gone on with finds what searches find. Method: batches against searches with the same beam, and all distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from vecengine.compiled import kernels
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.walking import WalkedRows
from vecengine.index import SearchStats
from vecengine.metrics import Metric
from vecengine.nearest_rows import Wanted

ROWS = 2500
EF = 40
NO_LIMIT = 1 << 40


def clustered(rows: int, dimensions: int, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, dimensions)) * 2
    return (centres[rng.integers(0, 20, rows)] + rng.normal(size=(rows, dimensions))).astype(np.float32)


@pytest.fixture(scope="module", params=[12, 64], ids=["vectors", "codes"])
def index(request: pytest.FixtureRequest) -> HnswIndex:
    built = vecengine.build_index("hnsw", clustered(ROWS, request.param), metric="l2")
    assert isinstance(built, HnswIndex) and (built.codes is None) == (request.param == 12)
    return built


def walk(index: HnswIndex, query: Any, mask: Any = None, budget: int = NO_LIMIT) -> tuple[WalkedRows, Any]:
    bits = None if mask is None else bits_from_mask(mask)
    compiled, stats = kernels(), SearchStats()
    assert compiled is not None
    count = ROWS if mask is None else int(mask.sum())
    wanted = Wanted(Metric.L2, index.vectors, query, bits, count, None, stats)
    rows = WalkedRows(wanted, compiled, index.target, ef_search=EF, allowed_bits=bits, budget=budget)
    return rows, stats


@pytest.mark.parametrize("share", [None, 0.5])
def test_the_first_batch_is_a_search(index: HnswIndex, share: float | None) -> None:
    mask = None if share is None else np.random.default_rng(3).random(ROWS) < share
    for seed in range(10, 20):
        query = clustered(1, index.dimensions, seed)
        rows, stats = walk(index, query, mask)
        distances, offsets = rows.next(10)
        searched = SearchStats()
        bits = None if mask is None else bits_from_mask(mask)
        expected = index.search(query, 10, bits, EF + 10, stats=searched)
        if searched.strategy == "exact":
            continue
        np.testing.assert_array_equal(offsets, expected[1][0])
        np.testing.assert_array_equal(distances, expected[0][0])
        assert stats.expansions == searched.expansions and stats.reranked == searched.reranked


@pytest.mark.parametrize("share", [None, 0.3, 0.02])
@pytest.mark.parametrize("size", [1, 25, 600])
def test_batches_together_have_every_row_once(index: HnswIndex, share: float | None, size: int) -> None:
    mask = np.ones(ROWS, dtype=bool) if share is None else np.random.default_rng(4).random(ROWS) < share
    query = clustered(1, index.dimensions, 7)
    rows, _ = walk(index, query, None if share is None else mask)
    came = []
    for _ in range(100):
        came.append(rows.next(size)[1])
    came.append(rows.next(ROWS)[1])
    everything = np.concatenate(came)
    np.testing.assert_array_equal(np.sort(everything), np.flatnonzero(mask))
    truth = vecengine.distances("l2", index.vectors, query[0])
    best = np.sort(truth[mask])
    for count in (10, 50):
        if count <= best.size:
            assert (truth[everything[:count]] <= best[count - 1]).mean() >= 0.9


def test_a_spent_budget_leaves_the_rest_to_a_scan(index: HnswIndex) -> None:
    query = clustered(1, index.dimensions, 8)
    rows, stats = walk(index, query, budget=400)
    truth = vecengine.distances("l2", index.vectors, query[0])
    came = [rows.next(5)[1] for _ in range(60)]
    assert stats.strategy == "exact" and stats.distances <= 400 + 64 + 10 * 60 + ROWS
    came.append(rows.next(ROWS)[1])
    everything = np.concatenate(came)
    assert sorted(everything.tolist()) == list(range(ROWS))
    assert (np.diff(truth[everything[-ROWS + 400 :]]) >= 0).all()
