"""Goal: lists are visited only as far as rows are asked for, and a batch misses no more than a search. Method: searches with the same probes, all distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask

ROWS, DIMENSIONS, LISTS, PROBES = 4000, 12, 50, 6


def clustered(rows: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(30, DIMENSIONS))
    return (centres[rng.integers(0, 30, rows)] + rng.normal(size=(rows, DIMENSIONS))).astype(np.float32)


@pytest.fixture(scope="module", params=["l2", "cosine", "ip"])
def index(request: pytest.FixtureRequest) -> Any:
    return vecengine.build_index("ivfflat", clustered(ROWS, 1), metric=request.param, lists=LISTS)


@pytest.mark.parametrize("share", [None, 0.4])
def test_a_batch_is_as_good_as_a_search(index: Any, share: float | None) -> None:
    mask = np.ones(ROWS, dtype=bool) if share is None else np.random.default_rng(2).random(ROWS) < share
    bits = None if share is None else bits_from_mask(mask)
    iterated = searched = 0
    for query in clustered(20, 3):
        truth = np.where(mask, vecengine.distances(index.metric, index.vectors, query), np.inf)
        worst = np.sort(truth)[9]
        stats = vecengine.SearchStats()
        _, offsets = index.iterate(query, bits, PROBES, stats=stats).next(10)
        assert stats.expansions < LISTS and stats.strategy in ("lists", "filtered_lists")
        iterated += int((truth[offsets] <= worst).sum())
        _, found = index.search(query[None], 10, bits, PROBES)
        searched += int((truth[found[0]] <= worst).sum())
    assert iterated >= searched - 2 and iterated > 170


def test_all_lists_are_visited_in_the_end(index: Any) -> None:
    query, stats = clustered(1, 4), vecengine.SearchStats()
    rows = index.iterate(query, None, PROBES, stats=stats)
    came = [rows.next(300)[1] for _ in range(ROWS // 300 + 1)]
    assert stats.expansions == index.lists.list_count
    assert sorted(np.concatenate(came).tolist()) == list(range(ROWS))
    numbers = index.statistics.numbers
    assert numbers["lists"] == index.lists.list_count and numbers["most_rows"] >= numbers["mean_rows"]
