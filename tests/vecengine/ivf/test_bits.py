"""Goal: lists of bit strings rank by their metric, hold every row in the right list, and are searched as if bit by bit.

Method: clustered strings with few bits, as fingerprints of molecules have, and hostile ones (empty, equal, one bit), against
centroids made by the definition, against the formula, and against brute force over the rows of the lists that must be visited.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from tests.vecengine.ivf.test_build import probed
from tests.vecengine.test_stored_vectors import bit_vectors
from vecengine.family import BuildHooks
from vecengine.formulas import formula_keys
from vecengine.index import SearchStats
from vecengine.ivf.centroids import list_centroids
from vecengine.kernels_heap import drop_nearest, push_nearest
from vecengine.metrics import GRADED_BIT_METRICS, Metric, distances_from_keys

METRICS = [metric.name.lower() for metric in GRADED_BIT_METRICS]


def fingerprints(rows: int, dimensions: int = 256, seed: int = 1) -> Any:
    """(rows, dimensions) booleans: most bits of one of 40 cores, and some bits besides; a fiftieth of the rows is empty."""
    rng = np.random.default_rng(seed)
    cores = np.random.default_rng(0).random((40, dimensions)) < 0.1
    mask = cores[rng.integers(0, 40, rows)] & (
        rng.random((rows, dimensions)) < rng.uniform(0.6, 1, (rows, 1))
    )
    mask |= rng.random((rows, dimensions)) < 0.02
    mask[::50] = False
    return mask


def built(vectors: Any, metric: str, lists: int = 40, **options: Any) -> Any:
    return probed(vecengine.build_index("bin_ivf_flat", vectors, metric=metric, lists=lists, **options))  # type: ignore[arg-type]


def keys_of(metric: str, vectors: Any, queries: Any) -> Any:
    """(nq, n) keys by formula."""
    return np.stack([formula_keys(Metric[metric.upper()], vectors, query) for query in queries.queries()])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("is_scattered", [False, True])
def test_rows_are_in_the_list_of_their_nearest_centroid(metric: str, is_scattered: bool) -> None:
    vectors = bit_vectors(fingerprints(3000), is_scattered=is_scattered)
    offsets = np.arange(1, 3000, 2)
    index = built(vectors, metric, offsets=offsets)
    rows, lists = index.lists.assignment()
    np.testing.assert_array_equal(np.sort(rows), offsets)
    keys = keys_of(metric, index.lists.centroids, vectors[rows])
    np.testing.assert_array_equal(lists, keys.argmin(axis=1))


def test_a_centroid_has_the_most_frequent_bits() -> None:
    mask = fingerprints(200, 40)
    found = {
        metric: list_centroids(metric, bit_vectors(mask), 1, np.random.default_rng(1), BuildHooks())
        for metric in GRADED_BIT_METRICS
    }
    shares = mask.mean(axis=0)
    frequent = sorted(range(40), key=lambda bit: (-shares[bit], bit))[: round(shares.sum())]
    for metric, centroids in found.items():
        assert isinstance(centroids, vecengine.BitVectors)
        expected = shares > 0.5 if metric is Metric.HAMMING else np.isin(np.arange(40), frequent)
        np.testing.assert_array_equal(centroids.bits(), [expected])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dimensions", [1, 13, 256])
@pytest.mark.parametrize("share", [1.0, 0.4, 0.02])
def test_a_search_is_brute_force_over_the_lists_it_visits(metric: str, dimensions: int, share: float) -> None:
    mask = fingerprints(2000, dimensions)
    vectors, queries = bit_vectors(mask, is_scattered=True), bit_vectors(fingerprints(6, dimensions, seed=2))
    index = built(vectors, metric)
    allowed = np.random.default_rng(3).random(2000) < share
    bits = None if share == 1 else bits_from_mask(allowed)
    rows, lists = index.lists.assignment()
    keys = keys_of(metric, vectors, queries)
    ranked = [ranked_lists(row) for row in keys_of(metric, index.lists.centroids, queries)]
    for probes in (1, 3, index.lists.list_count):
        for k in (1, 10, 300):
            found, offsets = index.search(queries, k, bits, ef_search=probes)
            for number in range(len(queries)):
                expected = visited(
                    rows[allowed[rows]], lists[allowed[rows]], index, ranked[number], (probes, k)
                )
                order = expected[np.lexsort((expected, keys[number, expected]))][:k]
                distances = distances_from_keys(Metric[metric.upper()], keys[number, order])
                np.testing.assert_array_equal(found[number, : order.size], distances.astype(np.float32))
                np.testing.assert_array_equal(offsets[number, : order.size], order)
                assert (offsets[number, order.size :] == -1).all()


def ranked_lists(keys: Any) -> list[int]:
    """The lists nearest first, equal ones as the heap of the kernel gives them."""
    heap, numbers = np.empty(len(keys)), np.empty(len(keys), dtype=np.int32)
    for number, key in enumerate(keys):
        push_nearest(heap, numbers, number, key, number)
    order = []
    for waiting in range(len(keys), 0, -1):
        order.append(int(numbers[0]))
        drop_nearest(heap, numbers, waiting)
    return order


def visited(rows: Any, lists: Any, index: Any, ranked: Any, wanted: tuple[int, int]) -> Any:
    """The allowed rows of as many of the ranked lists as a search for k rows with so many probes visits."""
    probes, k = wanted
    least = probes * index.row_count // index.lists.list_count
    sizes = index.lists.sizes()
    seen = np.zeros(0, dtype=np.int64)
    probed_lists = probed_rows = 0
    for number in ranked:
        if probed_lists >= probes and probed_rows >= least and seen.size >= k:
            break
        own = rows[lists == number]
        seen = np.concatenate([seen, own])
        probed_lists += own.size > 0
        probed_rows += sizes[number] if own.size else 0
    return seen


@pytest.mark.parametrize("metric", METRICS)
def test_recall_grows_with_the_probes_and_is_as_the_curve_says(metric: str) -> None:
    vectors, queries = bit_vectors(fingerprints(6000)), bit_vectors(fingerprints(150, seed=2))
    index = built(vectors, metric)
    truth, _ = vecengine.exact_search(vectors, queries, 10, metric=metric)
    recalls = []
    for probes in (1, 2, 4, 8, 40):
        found, _ = index.search(queries, 10, ef_search=probes)
        recalls.append(float((found <= truth[:, -1:]).mean()))
        assert recalls[-1] > index.recall_of(probes, 10, 6000) - 0.05
    assert recalls == sorted(recalls) and recalls[0] > 0.7 and recalls[2] > 0.85 and recalls[-1] == 1.0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_build_is_deterministic_whatever_the_threads(metric: str, threads: int) -> None:
    vectors = bit_vectors(fingerprints(9000, 100))
    first, second = (built(vectors, metric, threads=count).to_buffers() for count in (1, threads))
    for name, buffer in first.items():
        np.testing.assert_array_equal(buffer, second[name], name)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("rows", [0, 1, 3, 700])
def test_equal_strings_and_fewer_rows_than_lists(metric: str, share: float, rows: int) -> None:
    vectors = bit_vectors(np.full((rows, 9), share == 1))
    index = built(vectors, metric, lists=100)
    assert index.lists.list_count == 1
    queries = bit_vectors(np.random.default_rng(1).random((3, 9)) < 0.5)
    expected = vecengine.exact_search(vectors, queries, rows + 1, metric=metric)
    np.testing.assert_array_equal(index.search(queries, rows + 1), expected)
    loaded = vecengine.load_index(index.to_buffers(), vectors)
    np.testing.assert_array_equal(loaded.search(queries, rows + 1), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_an_extension_keeps_centroids_and_lists(metric: str) -> None:
    mask = fingerprints(4000)
    source = built(bit_vectors(mask), metric)
    kept = np.setdiff1d(np.arange(4000), np.arange(0, 4000, 25))
    moved_to = np.full(4000, -1)
    moved_to[kept] = np.arange(kept.size)
    vectors = bit_vectors(np.concatenate([mask[kept], fingerprints(200, seed=5)]))
    index: Any = vecengine.extend_index(source, moved_to, vectors)
    assert index.family == "bin_ivf_flat" and index.row_count == 4040 == len(vectors)
    np.testing.assert_array_equal(index.lists.centroids.bytes(), source.lists.centroids.bytes())
    keys = keys_of(metric, index.lists.centroids, vectors)
    rows, lists = index.lists.assignment()
    np.testing.assert_array_equal(lists, keys[rows].argmin(axis=1))
    faults = vecengine.index_faults(
        index.to_buffers(), vectors, None, family="bin_ivf_flat", metric=metric, parameters={"lists": 40}
    )
    assert list(faults) == []


def test_a_metric_that_the_family_has_not_is_refused() -> None:
    vectors = bit_vectors(fingerprints(50))
    for family, metric in (("ivfflat", "jaccard"), ("bin_ivf_flat", "superstructure")):
        with pytest.raises(
            vecengine.UnsupportedByFamily, match=f'"{family}" does not serve metric "{metric}"'
        ):
            vecengine.build_index(family, vectors, metric=metric)
    buffers = dict(built(vectors, "jaccard", 5).to_buffers())
    text = bytes(buffers["metadata"]).replace(b'"bin_ivf_flat"', b'"ivfflat"')
    with pytest.raises(vecengine.DamagedIndex, match='"jaccard", which ivfflat does not serve'):
        vecengine.load_index({**buffers, "metadata": np.frombuffer(text, np.uint8)}, vectors)


def test_where_a_scan_is_cheaper_it_scans() -> None:
    vectors, queries = bit_vectors(fingerprints(6000)), bit_vectors(fingerprints(3, seed=2))
    index = vecengine.build_index("bin_ivf_flat", vectors, metric="jaccard", lists=40)
    strategies = []
    for probes, share in ((2, 1.0), (40, 1.0), (2, 0.5), (2, 0.01)):
        stats = SearchStats()
        bits = None if share == 1 else bits_from_mask(np.random.default_rng(1).random(6000) < share)
        index.search(queries, 5, bits, ef_search=probes, stats=stats)
        strategies.append(stats.strategy)
    assert strategies == ["lists", "exact", "filtered_lists", "exact"]
