"""Goal: rows come nearest first and each once, whatever the batches. Method: sorted arrays, and indexes against all distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.nearest_rows import Pool

ROWS = 1500


def clustered(rows: int = ROWS, dimensions: int = 8, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, dimensions)) * 2
    return (centres[rng.integers(0, 20, rows)] + rng.normal(size=(rows, dimensions))).astype(np.float32)


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    return {
        family: vecengine.build_index(family, clustered(), metric="l2")
        for family in ("flat", "hnsw", "ivfflat")
    }


def test_a_pool_gives_the_nearest_of_what_was_added() -> None:
    rng, pool = np.random.default_rng(1), Pool()
    left: list[tuple[float, int]] = []
    for step in range(40):
        distances = np.round(rng.random(rng.integers(0, 200)), 2)
        offsets = np.arange(distances.size) + 1000 * step
        distances[:3] = np.nan
        pool.add(distances, offsets)
        left += [(d, o) for d, o in zip(distances.tolist(), offsets.tolist(), strict=True) if d == d]
        left.sort()
        count = int(rng.integers(0, 80))
        taken = list(zip(*(part.tolist() for part in pool.take(count)), strict=True))
        assert taken == left[:count]
        del left[:count]
        assert len(pool) == len(left)


@pytest.mark.parametrize("family", ["flat", "hnsw", "ivfflat"])
@pytest.mark.parametrize("share", [None, 0.5, 0.02, 0.0])
@pytest.mark.parametrize("counts", [(1, 1, 7, 500), (1500,), (40, 40)])
def test_every_row_comes_once(
    built: dict[str, Any], family: str, share: float | None, counts: tuple[int, ...]
) -> None:
    index, query = built[family], clustered(1, seed=2)
    mask = np.random.default_rng(3).random(ROWS) < (1.0 if share is None else share)
    rows = index.iterate(query[0], None if share is None else bits_from_mask(mask))
    distances = vecengine.distances("l2", clustered(), query)
    came: list[np.ndarray] = []
    turns = iter(counts)
    while True:
        count = next(turns, 100)
        found, offsets = rows.next(count)
        assert offsets.size <= count
        np.testing.assert_array_equal(found, distances[offsets].astype(np.float32))
        assert (np.diff(found) >= 0).all()
        came.append(offsets)
        if offsets.size < count:
            break
    everything = np.concatenate(came)
    np.testing.assert_array_equal(np.sort(everything), np.flatnonzero(mask))
    nearest = np.flatnonzero(mask)[np.argsort(distances[mask], kind="stable")]
    if family == "flat":
        np.testing.assert_array_equal(everything, nearest)
    for size in (10, 100):
        wanted = nearest[:size]
        assert np.isin(wanted, everything[:size]).sum() >= 0.85 * wanted.size


@pytest.mark.parametrize("family", ["flat", "hnsw", "ivfflat"])
def test_an_interrupted_iteration_goes_on(built: dict[str, Any], family: str) -> None:
    token, query = CancelToken(), clustered(1, seed=2)
    rows = built[family].iterate(query, cancel=token.word)
    came = [rows.next(30)[1]]
    token.word[0] = 1
    with pytest.raises(QueryCanceled):
        while True:
            came.append(rows.next(400)[1])
            if came[-1].size < 400:
                raise QueryCanceled("all were there at once")
    token.word[0] = 0
    while came[-1].size:
        came.append(rows.next(400)[1])
    assert sorted(np.concatenate(came).tolist()) == list(range(ROWS))


@pytest.mark.parametrize("family", ["flat", "hnsw", "ivfflat"])
def test_ranges_of_an_index(built: dict[str, Any], family: str) -> None:
    vectors, queries = clustered(), clustered(6, seed=2)
    mask = np.random.default_rng(3).random(ROWS) < 0.6
    index = built[family]
    for bits, allowed in ((None, np.ones(ROWS, dtype=bool)), (bits_from_mask(mask), mask)):
        for inner, radius in ((None, 2.5), (2.0, 3.0), (None, 0.0), (None, np.inf)):
            truth = vecengine.exact_range_search(
                vectors, queries, radius, metric="l2", inner=inner, allowed_bits=bits
            )
            answer = index.range_search(queries, radius, inner=inner, allowed_bits=bits)
            assert allowed[answer.offsets].all() and answer.offsets.size >= 0.93 * truth.offsets.size
            for number in range(6):
                found, offsets = answer.of(number)
                true_distances, true_offsets = truth.of(number)
                is_found = np.isin(true_offsets, offsets)
                np.testing.assert_array_equal(offsets, true_offsets[is_found])
                np.testing.assert_array_equal(found, true_distances[is_found])


@pytest.mark.parametrize("family", ["flat", "hnsw", "ivfflat"])
def test_given_rows_and_statistics(built: dict[str, Any], family: str) -> None:
    index, vectors, queries = built[family], clustered(), clustered(3, seed=2)
    offsets = np.array([7, 7, 0, ROWS - 1])
    expected = np.stack([vecengine.distances("l2", vectors, query)[offsets] for query in queries])
    np.testing.assert_array_equal(index.distances_to(queries, offsets), expected)
    assert index.has_raw_vectors and index.distances_to(queries, offsets[:0]).shape == (3, 0)
    np.testing.assert_array_equal(index.vectors_at(offsets), vectors[offsets])
    for wrong in ([-1], [ROWS], [[1]]):
        with pytest.raises(ValueError, match="row offsets of 1500"):
            index.distances_to(queries, np.array(wrong))
    statistics = index.statistics
    assert (statistics.family, statistics.metric, statistics.rows) == (family, "l2", ROWS)
    assert statistics.build_seconds is not None and statistics.build_seconds > 0
    assert statistics.buffer_bytes == {name: b.nbytes for name, b in index.to_buffers().items()}
    again = vecengine.load_index(index.to_buffers(), vectors).statistics
    assert again.build_seconds is None and again.buffer_bytes == statistics.buffer_bytes


def test_a_growing_graph_iterates_over_the_rows_behind_it() -> None:
    vectors, growing = clustered(), vecengine.GrowingHnsw("l2")
    growing.extend(vectors[:1200])
    index = growing.index(vectors)
    assert index is not None and index.scanned_rows
    rows = index.iterate(vectors[1400])
    _, first = rows.next(20)
    assert 1400 in first
    _, others = rows.next(ROWS)
    assert sorted([*first.tolist(), *others.tolist()]) == list(range(ROWS))
    answer = index.range_search(vectors[1400:1401], 2.5)
    truth = vecengine.exact_range_search(vectors, vectors[1400:1401], 2.5, metric="l2")
    assert np.isin(truth.offsets, answer.offsets).mean() > 0.9
