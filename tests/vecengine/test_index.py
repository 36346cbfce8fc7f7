"""Goal: every family keeps the contract of an index: complete, exact distances, row offsets, round trips.

Method: differential against exact search over metrics, element types, coverage and masks of every selectivity.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask, mask_from_bits, no_bits
from foundation.cancel import CANCEL_TIMEOUT, CancelToken
from foundation.errors import QueryCanceled
from vecengine.buffers import read_file
from vecengine.errors import DimensionMismatch, DistanceBudgetSpent

CODED = ("hnsw", "ivf_sq8", "ivf_pq", "ivf_rabitq", "scann")
FAMILIES = ("flat", "ivfflat", *CODED)
SERVED = [(family, metric) for family in FAMILIES for metric in vecengine.metrics_of(family, np.ndarray)]
ELEMENTS = vecengine.element_type_names()
ROWS = 1500

# Graphs are weaker for inner product, which is no metric; these queries come from other clusters than the rows.
RECALL_FLOORS = {"l2": 0.97, "cosine": 0.97, "l1": 0.97, "ip": 0.85}


def clustered(rows: int, dimensions: int, element: str = "float32", seed: int = 1) -> Any:
    """Rows in the order of the clusters they belong to, as tables sorted by a topic have them; whole numbers up to about 100 as int8."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, dimensions)) * 2
    members = np.sort(rng.integers(0, 20, rows))
    vectors = centres[members] + rng.normal(size=(rows, dimensions))
    return np.clip(vectors * 12, -128, 127).astype(element) if element == "int8" else vectors.astype(element)


@pytest.fixture(scope="module")
def built() -> dict[tuple[str, str, str], Any]:
    """One index of each family, metric and element type over the same rows."""
    indexes = {}
    for element in ELEMENTS:
        vectors = clustered(ROWS, 16, element)
        for family, metric in SERVED:
            indexes[family, metric, element] = vecengine.build_index(family, vectors, metric=metric)
    return indexes


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize(("family", "metric"), SERVED)
@pytest.mark.parametrize("selectivity", [None, 0.0, 0.002, 0.03, 0.2, 0.6, 0.95, 1.0])
def test_against_exact_search(
    built: dict[tuple[str, str, str], Any], family: str, metric: str, element: str, selectivity: float | None
) -> None:
    vectors, queries = clustered(ROWS, 16, element), clustered(12, 16, element, seed=2).astype(np.float32)
    rng = np.random.default_rng(3)
    bits = None if selectivity is None else bits_from_mask(rng.random(ROWS) < selectivity)
    truth, rows = vecengine.exact_search(vectors, queries, 10, metric=metric, allowed_bits=bits)
    found, offsets = built[family, metric, element].search(queries, 10, bits, ef_search=80)
    assert (
        found.dtype == np.float32 and offsets.dtype == np.int64 and found.shape == offsets.shape == (12, 10)
    )
    np.testing.assert_array_equal((offsets >= 0).sum(axis=1), (rows >= 0).sum(axis=1))
    matching = int((rows >= 0).sum())
    worst = np.where(np.isfinite(truth), truth, -np.inf).max(axis=1, keepdims=True)
    assert (found <= worst).sum() >= RECALL_FLOORS[metric] * matching
    for query, values, row in zip(queries, found, offsets, strict=True):
        row = row[row >= 0]
        assert len(set(row.tolist())) == row.size and (np.diff(values[: row.size]) >= 0).all()
        exact = vecengine.distances(metric, vectors, query)[row]
        np.testing.assert_array_equal(values[: row.size], exact.astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("element", [name for name in ELEMENTS if name != "float32"])
@pytest.mark.parametrize(("family", "metric"), SERVED)
def test_an_index_is_that_of_the_rows_in_float32(family: str, metric: str, element: str) -> None:
    """Byte for byte, with codes where a graph has them, and so is its extension."""
    vectors = clustered(660, 64, element)
    moved_to = np.arange(600)
    moved_to[::50] = -1
    moved_to[moved_to >= 0] = np.arange(588)
    kept = np.append(np.flatnonzero(np.arange(600) % 50), np.arange(600, 660))
    found = []
    for rows in (vectors, vectors.astype(np.float32)):
        source = vecengine.build_index(family, rows[:600], metric=metric)
        extended = vecengine.extend_index(source, moved_to, rows[kept])
        loaded = vecengine.load_index(extended.to_buffers(), rows[kept])
        found.append((source.to_buffers(), loaded.to_buffers()))
        faults = vecengine.index_faults(
            extended.to_buffers(), rows[kept], None, family=family, metric=metric, parameters={}
        )
        assert not list(faults)
    for left, right in zip(*found, strict=True):
        assert left.keys() == right.keys()
        assert ("codes" in left) == (family in CODED and metric != "l1")
        for name, buffer in left.items():
            np.testing.assert_array_equal(buffer, right[name], name)


@pytest.mark.parametrize("element", [name for name in ELEMENTS if name != "float32"])
@pytest.mark.parametrize("metric", vecengine.metric_names())
def test_a_growing_graph_is_that_of_the_rows_in_float32(metric: str, element: str) -> None:
    vectors = clustered(700, 12, element)
    answers = []
    for rows in (vectors, vectors.astype(np.float32)):
        graph = vecengine.GrowingHnsw(metric, m=8, ef_construction=40)
        for count in (400, 600):
            graph.extend(rows[:count], None)
        index = graph.index(rows, None)
        assert index is not None and index.scanned_rows == 100
        answers.append(index.search(clustered(5, 12, element, seed=2).astype(np.float32), 10))
    for left, right in zip(*answers, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(("family", "metric"), SERVED)
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 384), (40, 3), (7, 16000)])
def test_small_shapes(family: str, metric: str, shape: tuple[int, int]) -> None:
    vectors = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    queries = np.ones((3, shape[1]), dtype=np.float32)
    parameters: dict[str, Any] = {"hnsw": {"m": 4, "ef_construction": 10}, "ivfflat": {"lists": 3}}
    index = vecengine.build_index(family, vectors, metric=metric, **parameters.get(family, {}))
    assert (index.row_count, index.dimensions, index.metric, index.family) == (*shape, metric, family)
    for k in (0, 1, 50):
        found, offsets = index.search(queries, k)
        truth, rows = vecengine.exact_search(vectors, queries, k, metric=metric)
        np.testing.assert_array_equal(found, truth)
        np.testing.assert_array_equal(offsets, rows)
    loaded = vecengine.load_index(index.to_buffers(), vectors)
    np.testing.assert_array_equal(loaded.search(queries, 5)[1], index.search(queries, 5)[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_partial_coverage_and_zero_vectors(family: str) -> None:
    vectors = clustered(ROWS, 8)
    vectors[100:200] = 0
    offsets = np.flatnonzero(np.random.default_rng(5).random(ROWS) < 0.7)
    index = vecengine.build_index(family, vectors, metric="cosine", offsets=offsets)
    covered = np.zeros(ROWS, dtype=bool)
    covered[offsets] = True
    covered[100:200] = False
    bits = index.covered_bits()
    assert bits is not None and index.row_count == covered.sum()
    np.testing.assert_array_equal(mask_from_bits(bits, ROWS), covered)
    allowed = np.random.default_rng(6).random(ROWS) < 0.5
    for mask, given in ((covered, None), (covered & allowed, bits_from_mask(allowed))):
        truth = vecengine.exact_search(
            vectors, vectors[:5], 10, metric="cosine", allowed_bits=bits_from_mask(mask)
        )
        found, rows = index.search(vectors[:5], 10, given, ef_search=200)
        assert mask[rows].all() and (found <= truth[0][:, -1:]).mean() > 0.95
    _, nothing = index.search(np.zeros((1, 8), dtype=np.float32), 3)
    assert (nothing == -1).all()
    everything = index.search(vectors[:1], ROWS)[1]
    assert (everything >= 0).sum() == covered.sum()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_duplicates(family: str, metric: str) -> None:
    vectors = np.tile(clustered(5, 6), (300, 1))
    index = vecengine.build_index(family, vectors, metric=metric)
    found, offsets = index.search(vectors[:5], 400, bits_from_mask(np.arange(ROWS) % 3 == 0))
    assert ((offsets >= 0).sum(axis=1) == 400).all() and (offsets % 3 == 0).all()
    assert (np.abs(found[:, 0]) < 1e-6).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_round_trips(family: str, tmp_path: Path) -> None:
    vectors = clustered(ROWS, 16)
    index = vecengine.build_index(family, vectors, metric="cosine", offsets=np.arange(0, ROWS, 2))
    queries = clustered(5, 16, seed=9)
    expected = index.search(queries, 10)
    buffers = index.to_buffers()
    assert sum(buffer.nbytes for buffer in buffers.values()) < 2 * index.size_bytes + 20_000
    for name, buffer in buffers.items():
        assert buffer.ndim <= 2
        np.save(tmp_path / f"{name}.npy", buffer)
    np.save(tmp_path / "rows.npy", vectors)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in buffers}
    mapped_vectors = np.load(tmp_path / "rows.npy", mmap_mode="r")
    flat = {name: buffer.reshape(-1) for name, buffer in buffers.items()}
    index.save(tmp_path / "index")
    for again in (
        vecengine.load_index(mapped, mapped_vectors),
        vecengine.load_index(flat, vectors),
        vecengine.load_index(read_file(tmp_path / "index"), vectors),
    ):
        for left, right in zip(again.search(queries, 10), expected, strict=True):
            np.testing.assert_array_equal(left, right)
        assert again.estimate(10, 500, 0.97) == index.estimate(10, 500, 0.97)
        assert again.beam_for(10, 0.97) == index.beam_for(10, 0.97)


@pytest.mark.parametrize("family", FAMILIES)
def test_before_the_kernels_are_ready(
    built: dict[tuple[str, str, str], Any], family: str, without_kernels: None
) -> None:
    vectors, queries = clustered(ROWS, 16), clustered(3, 16, seed=2)
    stats = vecengine.SearchStats()
    index = built[family, "l2", "float32"]
    found, offsets = index.search(queries, 7, stats=stats)
    truth, rows = vecengine.exact_search(vectors, queries, 7, metric="l2")
    np.testing.assert_array_equal(offsets, rows)
    np.testing.assert_array_equal(found, truth)
    assert stats.strategy == "exact" and stats.distances == 3 * ROWS
    assert not vecengine.kernels_ready()


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_arguments_cancel_and_budget(built: dict[tuple[str, str, str], Any], family: str) -> None:
    index, query = built[family, "l2", "float32"], clustered(1, 16)
    with pytest.raises(DimensionMismatch, match="different vector dimensions 16 and 3"):
        index.search(np.zeros((1, 3), dtype=np.float32), 1)
    with pytest.raises(ValueError, match="allowed_bits"):
        index.search(query, 1, no_bits(8))
    with pytest.raises(ValueError, match="offsets must ascend"):
        vecengine.build_index(family, clustered(9, 2), metric="l2", offsets=np.array([3, 3]))
    token = CancelToken()
    token.cancel(CANCEL_TIMEOUT)
    with pytest.raises(QueryCanceled, match="statement timeout"):
        index.search(query, 1, cancel=token.word)
    with pytest.raises(DistanceBudgetSpent):
        index.search(query, 1, distance_budget=10)
    assert index.search(query, 1, distance_budget=2 * ROWS)[1].shape == (1, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_estimates(built: dict[tuple[str, str, str], Any], family: str) -> None:
    index = built[family, "l2", "float32"]
    for allowed in (0, 1, 10, 200, ROWS):
        for target in (0.5, 0.9, 0.99, 1.0):
            estimates = index.estimate(10, allowed, target)
            costs = [estimate.cost_distances for estimate in estimates]
            assert costs == sorted(costs) and "exact" in [estimate.strategy for estimate in estimates]
            assert all(estimate.recall >= target for estimate in estimates)
    assert index.estimate(10, 3, 0.97)[0].strategy == "exact"


@pytest.mark.parametrize("family", FAMILIES)
def test_searches_on_many_threads(built: dict[tuple[str, str, str], Any], family: str) -> None:
    index, queries = built[family, "cosine", "float32"], clustered(40, 16, seed=2)
    bits = bits_from_mask(np.random.default_rng(8).random(ROWS) < 0.5)
    expected = index.search(queries, 10, bits)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: index.search(queries, 10, bits), range(40)))
    for distances, offsets in answers:
        np.testing.assert_array_equal(distances, expected[0])
        np.testing.assert_array_equal(offsets, expected[1])


@pytest.mark.slow
def test_a_running_kernel_sees_the_cancel_word() -> None:
    """Set while the kernel runs without the GIL: it ends long before the seconds the whole search would take."""
    vectors, token, begun = clustered(50_000, 64), CancelToken(), threading.Event()

    def cancel() -> None:
        begun.wait()
        token.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(QueryCanceled):
        begun.set()
        for _ in range(100):
            vecengine.exact_search(vectors, vectors[:500], 10, metric="l2", cancel=token.word)
    canceller.join()
