"""Goal: a copy on a device answers as the CPU does, to the last bit: exact searches, visits of lists, ranges.

Method: differential tests on PyTorch's CPU device, against scans by the CPU's kernels and the lists' own search, over metrics, element types, filters,
batches, budgets that force tiny tiles, and hostile data: equal rows, zeros, NaN, infinities, few rows, one dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import vecengine
from foundation.bitset import Bitset, bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.device import index as device_index
from vecengine.device.index import DeviceIndex
from vecengine.device.lists import RankedCopy
from vecengine.ivf.index import ListIndex
from vecengine.metrics import NUMBER_METRICS, Float32s

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other gain nothing over so few rows."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


METRICS = [metric.name.lower() for metric in NUMBER_METRICS]
LISTED = [name for name in METRICS if name != "l1"]
ELEMENTS = [np.float32, np.float16, ml_dtypes.bfloat16, np.int8]
FILTERS = {"none": None, "half": 0.5, "few": 0.01, "no row": 0.0}
TINY_BYTES = 1


def numbers(rows: int, dimensions: int, dtype: Any = np.float32, seed: int = 5) -> Any:
    """Clusters, each tenth row equal to another one, and some zeros."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(12, dimensions))
    made = centres[rng.integers(0, 12, rows)] + 0.3 * rng.normal(size=(rows, dimensions))
    made[::10] = made[rng.integers(0, rows, made[::10].shape[0])]
    made[3:6] = 0
    return (made * 30 if dtype is np.int8 else made).astype(dtype)


def allowed(share: float | None, rows: int) -> Bitset | None:
    return None if share is None else bits_from_mask(np.random.default_rng(9).random(rows) < share)


def copied(index: vecengine.VectorIndex, memory_bytes: int | None = None) -> DeviceIndex:
    device = vecengine.on_device(index, "torch-cpu", memory_bytes=memory_bytes)
    assert (device.device, device.reason) == ("torch-cpu", None)
    return device


def assert_same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[0], expected[0])


def probed(index: vecengine.VectorIndex) -> ListIndex:
    """The same lists with costs that never prefer the scan."""
    assert isinstance(index, ListIndex)
    index._cost = lambda probes, k, allowed_count: 0.0  # type: ignore[method-assign]
    return index


@pytest.mark.parametrize("share", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("metric", METRICS)
def test_exact_searches_are_those_of_a_scan(metric: str, dtype: Any, share: float | None) -> None:
    vectors, queries = numbers(1200, 24, dtype), numbers(17, 24, seed=6)
    bits = allowed(share, 1200)
    device = copied(vecengine.build_index("flat", vectors, metric=metric))
    for k in (1, 10, 70):
        stats = vecengine.SearchStats()
        found = device.search(queries, k, bits, stats=stats)
        assert_same(found, vecengine.exact_search(vectors, queries, k, metric=metric, allowed_bits=bits))
        assert stats.strategy == "exact" and stats.allowed_count <= 1200


@pytest.mark.parametrize("memory_bytes", [TINY_BYTES, 40_000, 150_000])
@pytest.mark.parametrize("metric", METRICS)
def test_tiles_change_nothing(metric: str, memory_bytes: int) -> None:
    vectors, queries = numbers(700, 16), numbers(9, 16, seed=6)
    index = vecengine.build_index("flat", vectors, metric=metric)
    device, bits = copied(index, memory_bytes), allowed(0.5, 700)
    # The least budget leaves the rows where they are and brings them over, about thirty at a time.
    assert (device.resident_bytes < vectors.nbytes) == (memory_bytes < vectors.nbytes)
    for given in (None, bits):
        assert_same(device.search(queries, 10, given), index.search(queries, 10, given))
        found, expected = (
            searched.range_search(queries, 3.0, allowed_bits=given) for searched in (device, index)
        )
        np.testing.assert_array_equal(found.limits, expected.limits)
        np.testing.assert_array_equal(found.offsets, expected.offsets)


@pytest.mark.parametrize("batch", [0, 1, 5, 40])
def test_batches_of_any_size(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vecengine.device.copy._QUERIES_AT_ONCE", 16)
    vectors, queries = numbers(500, 8), numbers(40, 8, seed=6)[:batch]
    index = vecengine.build_index("flat", vectors, metric="l2")
    assert_same(copied(index).search(queries, 5), index.search(queries, 5))
    found, expected = copied(index).range_search(queries, 2.0), index.range_search(queries, 2.0)
    np.testing.assert_array_equal(found.limits, expected.limits)
    np.testing.assert_array_equal(found.distances, expected.distances)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_few_rows_and_large_answers(metric: str, rows: int) -> None:
    vectors, queries = numbers(20, 1)[6 : 6 + rows], numbers(10, 1, seed=6)
    index = vecengine.build_index("flat", vectors, metric=metric)
    for k in (0, 1, rows, rows + 3):
        assert_same(copied(index).search(queries, k), index.search(queries, k))


@pytest.mark.parametrize("metric", METRICS)
def test_equal_rows_are_ordered_by_their_offsets(metric: str) -> None:
    vectors = np.ones((400, 12), dtype=np.float32)
    vectors[::3] *= 2
    index = vecengine.build_index("flat", vectors, metric=metric)
    stats = vecengine.SearchStats()
    assert_same(copied(index).search(vectors[:3], 10, stats=stats), index.search(vectors[:3], 10))
    # More rows than candidates are as near: the proof fails, and all of them are looked at.
    assert stats.reranked > 3 * 42


@pytest.mark.parametrize("metric", METRICS)
def test_rows_far_from_the_origin_lose_no_neighbour(metric: str) -> None:
    rng = np.random.default_rng(1)
    vectors = (1000 + 0.01 * rng.normal(size=(3000, 32))).astype(np.float32)
    queries = (1000 + 0.01 * rng.normal(size=(10, 32))).astype(np.float32)
    index = vecengine.build_index("flat", vectors, metric=metric)
    assert_same(copied(index).search(queries, 10), index.search(queries, 10))


@pytest.mark.parametrize("metric", METRICS)
def test_numbers_beyond_products_of_float32(metric: str) -> None:
    vectors, queries = numbers(300, 6), numbers(12, 6, seed=6)
    vectors[10], vectors[11], vectors[12], vectors[13] = np.nan, np.inf, 1e25, 1e-25
    vectors[14, 0], vectors[15], vectors[16] = -np.inf, -1e30, 1e19
    queries[0], queries[1], queries[2], queries[3] = np.nan, 1e25, 0, 1e-30
    queries[4] = vectors[12]
    index = vecengine.build_index("flat", vectors, metric=metric)
    for bits in (None, allowed(0.5, 300)):
        assert_same(copied(index).search(queries, 20, bits), index.search(queries, 20, bits))
        found, expected = (
            searched.range_search(queries, 5.0, inner=-2.0, allowed_bits=bits)
            for searched in (copied(index), index)
        )
        np.testing.assert_array_equal(found.offsets, expected.offsets)
        np.testing.assert_array_equal(found.limits, expected.limits)


def test_too_many_such_rows_stay_on_the_cpu() -> None:
    vectors = np.full((2000, 4), 1e30, dtype=np.float32)
    device = vecengine.on_device(vecengine.build_index("flat", vectors, metric="l2"), "torch-cpu")
    assert device.device == "cpu" and device.reason is not None
    assert "2000 rows leave float32" in device.reason


@pytest.mark.parametrize("metric", METRICS)
def test_ranges_are_those_of_a_scan(metric: str) -> None:
    vectors, queries = numbers(900, 20), numbers(8, 20, seed=6)
    near, _ = vecengine.exact_search(vectors, queries, 900, metric=metric)
    for index in (vecengine.build_index(name, vectors, metric=metric) for name in ("flat", "hnsw")):
        device = copied(index)
        for radius in (float(np.median(near[:, 30])), float(near[0, 5]), -np.inf, np.inf, np.nan):
            for inner in (None, float(near[0, 2])):
                for bits in (None, allowed(0.3, 900)):
                    found = device.range_search(queries, radius, inner=inner, allowed_bits=bits)
                    expected = vecengine.exact_range_search(
                        vectors, queries, radius, metric=metric, inner=inner, allowed_bits=bits
                    )
                    np.testing.assert_array_equal(found.limits, expected.limits)
                    np.testing.assert_array_equal(found.offsets, expected.offsets)
                    np.testing.assert_array_equal(found.distances, expected.distances)


@pytest.mark.parametrize("share", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("metric", LISTED)
def test_lists_are_visited_as_on_the_cpu(metric: str, share: float | None) -> None:
    # Zeros are as far from all centroids as from each other; which comes first is chance.
    vectors, queries = numbers(2000, 20), numbers(40, 20, seed=6)[6:]
    index = probed(vecengine.build_index("ivfflat", vectors, metric=metric, lists=25))
    bits = allowed(share, 2000)
    device = copied(index)
    for tile_bytes in (1 << 28, 1 << 12):
        device._tile_bytes = tile_bytes
        for k, probes in ((1, 1), (10, 3), (10, 25), (200, 2)):
            stats, expected = vecengine.SearchStats(), vecengine.SearchStats()
            found = device.search(queries, k, bits, probes, stats=stats)
            assert_same(found, index.search(queries, k, bits, probes, stats=expected))
            assert (stats.strategy, stats.ef_search) == (expected.strategy, expected.ef_search)
            assert (stats.expansions, stats.allowed_count) == (expected.expansions, expected.allowed_count)


@pytest.mark.parametrize("dtype", ELEMENTS)
def test_lists_of_every_element_type(dtype: Any) -> None:
    vectors, queries = numbers(2000, 12, dtype), numbers(20, 12, seed=6)
    index = probed(vecengine.build_index("ivfflat", vectors, metric="l2", lists=20))
    assert_same(copied(index).search(queries, 10, None, 4), index.search(queries, 10, None, 4))


def test_lists_that_rows_without_an_order_leave_short_are_completed() -> None:
    vectors = numbers(600, 8)
    vectors[100:160] = np.nan
    index = probed(vecengine.build_index("ivfflat", vectors, metric="l2", lists=10))
    bits = np.zeros(600, dtype=np.bool_)
    bits[90:200] = True
    found = copied(index).search(vectors[:4], 40, bits_from_mask(bits), 1)
    expected = vecengine.exact_search(
        vectors, vectors[:4], 40, metric="l2", allowed_bits=bits_from_mask(bits)
    )
    assert (found[1] >= 0).all() and np.isfinite(found[0]).all()
    np.testing.assert_array_equal(found[1][:, 0], expected[1][:, 0])


def test_where_the_lists_scan_the_device_scans() -> None:
    vectors, queries = numbers(3000, 20), numbers(10, 20, seed=6)
    index = vecengine.build_index("ivfflat", vectors, metric="l2", lists=30)
    stats = vecengine.SearchStats()
    bits = allowed(0.005, 3000)
    assert_same(copied(index).search(queries, 10, bits, 1, stats=stats), index.search(queries, 10, bits, 1))
    assert stats.strategy == "exact"


@pytest.mark.parametrize("family", ["hnsw", "annoy", "diskann"])
def test_other_families_are_scanned(family: str) -> None:
    vectors, queries = numbers(600, 10), numbers(10, 10, seed=6)
    offsets = np.flatnonzero(np.random.default_rng(2).random(600) < 0.7)
    index = vecengine.build_index(family, vectors, metric="cosine", offsets=offsets)
    covered = index.covered_bits()
    expected = vecengine.exact_search(vectors, queries, 10, metric="cosine", allowed_bits=covered)
    assert_same(copied(index).search(queries, 10), expected)


@pytest.mark.parametrize("metric", LISTED)
@pytest.mark.parametrize("family", ["ivf_sq8", "ivf_pq", "scann"])
def test_codes_find_what_they_find_on_the_cpu(family: str, metric: str) -> None:
    vectors, queries = numbers(2000, 32), numbers(50, 32, seed=6)[6:]
    index = probed(vecengine.build_index(family, vectors, metric=metric, lists=20))
    assert index.codes is not None
    for memory_bytes in (None, 200_000):
        device = copied(index, memory_bytes)
        assert device.resident_bytes < vectors.nbytes
        for bits, k, probes in ((None, 10, 4), (allowed(0.3, 2000), 5, 20)):
            stats = vecengine.SearchStats()
            distances, offsets = device.search(queries, k, bits, probes, stats=stats)
            expected, rows = index.search(queries, k, bits, probes)
            # Keys by codes are rounded otherwise, and `scann` rounds its tables to bytes: the last reranked may differ.
            assert (offsets == rows).mean() > (0.9 if family == "scann" else 0.98)
            assert distances.mean() <= expected.mean() + 1e-3 * np.abs(expected).mean()
            assert stats.strategy.endswith("lists") and stats.reranked > 0
            assert_exact(distances, offsets, vectors, queries, metric)


def assert_exact(distances: Float32s, offsets: Any, vectors: Any, queries: Any, metric: str) -> None:
    for number, query in enumerate(queries):
        exact = vecengine.distances(metric, vectors[offsets[number]], query).astype(np.float32)
        np.testing.assert_array_equal(distances[number], exact)
        assert (np.diff(exact) >= 0).all()


@pytest.mark.parametrize("metric", LISTED)
@pytest.mark.parametrize("family", ["ivfflat", "ivf_sq8", "ivf_pq", "ivf_rabitq", "scann"])
def test_ranked_lists_are_searched_as_on_the_cpu(family: str, metric: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(device_index, "_RANKED_AT_ONCE", 16)
    vectors, queries = numbers(1500, 32), numbers(40, 32, seed=6)[6:]
    queries[3], queries[20], queries[21] = np.nan, 1e25, 0
    index = probed(vecengine.build_index(family, vectors, metric=metric, lists=15))
    device = vecengine.on_device(index, "torch-cpu", ranks_only=True)
    assert device.device == "torch-cpu" and device.resident_bytes < 15 * 32 * 8
    for bits, k, probes in ((None, 10, 3), (allowed(0.3, 1500), 5, 15), (allowed(0.0, 1500), 2, 1)):
        stats, expected = vecengine.SearchStats(), vecengine.SearchStats()
        found = device.search(queries, k, bits, probes, stats=stats)
        assert_same(found, index.search(queries, k, bits, probes, stats=expected))
        assert stats == expected
    found_range, expected_range = device.range_search(queries[:3], 1.0), index.range_search(queries[:3], 1.0)
    np.testing.assert_array_equal(found_range.offsets, expected_range.offsets)


def test_lists_that_do_not_fit_are_ranked_alone() -> None:
    vectors = numbers(1500, 16)
    for family in ("ivfflat", "ivf_sq8"):
        index = probed(vecengine.build_index(family, vectors, metric="l2", lists=15))
        device = copied(index, 3000)
        assert device.resident_bytes == 15 * (16 * 4 + 8)
        assert_same(device.search(vectors[10:20], 5, None, 2), index.search(vectors[10:20], 5, None, 2))


def test_lists_far_from_the_origin_are_ranked_by_their_differences() -> None:
    rng = np.random.default_rng(1)
    vectors = (1000 + 0.01 * rng.normal(size=(2000, 16))).astype(np.float32)
    index = probed(vecengine.build_index("ivfflat", vectors, metric="l2", lists=20))
    for ranks_only in (False, True):
        device = vecengine.on_device(index, "torch-cpu", ranks_only=ranks_only)
        assert_same(device.search(vectors[:50], 5, None, 2), index.search(vectors[:50], 5, None, 2))


@pytest.mark.parametrize("metric", LISTED)
def test_centroids_that_are_not_finite_lead_no_other_astray(metric: str) -> None:
    vectors = numbers(600, 8)
    vectors[50:52], vectors[60], vectors[70] = np.inf, np.nan, -np.inf
    with np.errstate(all="ignore"):
        index = probed(vecengine.build_index("ivfflat", vectors, metric=metric, lists=12))
    device = copied(index)
    assert device._copy is not None and device._copy.ranked is not None
    assert np.isfinite(device._copy.ranked.origin).all()
    assert_same(device.search(vectors[10:20], 5, None, 12), index.search(vectors[10:20], 5, None, 12))


def test_without_kernels_the_formulas_rerank(without_kernels: None) -> None:
    vectors, queries = np.random.default_rng(0).normal(size=(2, 300, 12)).astype(np.float32)
    index = vecengine.build_index("flat", vectors, metric="l2")
    found, expected = copied(index).search(queries[:5], 10), index.search(queries[:5], 10)
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)


def test_indexes_without_lists_have_none_to_rank() -> None:
    index = vecengine.build_index("flat", numbers(100, 8), metric="l2")
    device = vecengine.on_device(index, "torch-cpu", ranks_only=True)
    assert (device.device, device.reason) == ("cpu", "it has no lists to rank")


def test_codes_leave_ranges_to_the_index() -> None:
    vectors, queries = numbers(2000, 16), numbers(4, 16, seed=6)
    index = vecengine.build_index("ivf_sq8", vectors, metric="l2", lists=10)
    found, expected = copied(index).range_search(queries, 2.0), index.range_search(queries, 2.0)
    np.testing.assert_array_equal(found.offsets, expected.offsets)


@pytest.mark.parametrize("memory_bytes", [None, TINY_BYTES])
def test_a_search_is_cancelled_between_tiles(memory_bytes: int | None) -> None:
    vectors = numbers(3000, 16)
    token = CancelToken()
    for family in ("flat", "ivfflat"):
        device = copied(vecengine.build_index(family, vectors, metric="l2"), memory_bytes)
        device.search(vectors[:3], 5, cancel=token.word)
        token.cancel()
        with pytest.raises(QueryCanceled):
            device.search(vectors[:3], 5, cancel=token.word)
        with pytest.raises(QueryCanceled):
            device.range_search(vectors[:3], 5.0, cancel=token.word)
        token = CancelToken()


def test_a_copy_is_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCanceled):
        vecengine.on_device(
            vecengine.build_index("flat", numbers(100, 4), metric="l2"), "torch-cpu", cancel=token.word
        )


def test_short_memory_makes_tiles_smaller_and_then_leaves_searches_to_the_index(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    vectors = numbers(500, 8)
    index = vecengine.build_index("flat", vectors, metric="l2")
    device = copied(index)
    assert device._copy is not None
    budgets: list[int] = []
    search = type(device._copy).search
    fitting = 1 << 24

    def short_of_memory(copy: Any, request: Any, k: int, probes: int | None) -> Any:
        budgets.append(request.budget_bytes)
        if request.budget_bytes > fitting:
            raise torch.cuda.OutOfMemoryError("short")
        return search(copy, request, k, probes)

    monkeypatch.setattr(type(device._copy), "search", short_of_memory)
    assert_same(device.search(vectors[:5], 3), index.search(vectors[:5], 3))
    assert budgets[-1] <= fitting < budgets[-2] and device.device == "torch-cpu"
    fitting = 0
    with caplog.at_level("INFO", logger="quiver.vecengine"):
        for _ in range(2):
            assert_same(device.search(vectors[:5], 3), index.search(vectors[:5], 3))
    assert (device.device, device.reason) == ("cpu", "the memory of torch-cpu is short")
    assert len(caplog.records) == 1


def test_short_memory_leaves_the_ranking_to_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_index, "_RANKED_AT_ONCE", 4)
    vectors = numbers(1500, 16)
    index = probed(vecengine.build_index("ivfflat", vectors, metric="l2", lists=15))
    device = vecengine.on_device(index, "torch-cpu", ranks_only=True)
    parts: list[int] = []
    weigh = RankedCopy.centre_keys

    def short_of_memory(copy: Any, request: Any) -> Any:
        parts.append(len(request.queries))
        if len(parts) > 1:
            raise torch.cuda.OutOfMemoryError("short")
        return weigh(copy, request)

    monkeypatch.setattr(RankedCopy, "centre_keys", short_of_memory)
    assert_same(device.search(vectors[10:22], 5, None, 2), index.search(vectors[10:22], 5, None, 2))
    assert (device.device, len(parts)) == ("cpu", 1 + 9)


def test_a_copy_that_does_not_fit_keeps_its_rows_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = numbers(500, 8)
    index = vecengine.build_index("flat", vectors, metric="l2")
    make = device_index.copied_index

    def short_of_memory(index: Any, room: Any) -> Any:
        if room.memory_bytes:
            raise torch.cuda.OutOfMemoryError("short")
        return make(index, room)

    monkeypatch.setattr(device_index, "copied_index", short_of_memory)
    device = copied(index)
    assert device.resident_bytes < vectors.nbytes
    assert_same(device.search(vectors[:5], 3), index.search(vectors[:5], 3))


def test_bit_strings_and_sparse_vectors_stay_on_the_cpu() -> None:
    bits = vecengine.BitVectors(np.random.default_rng(0).integers(0, 256, (100, 4), dtype=np.uint8), 32)
    index = vecengine.build_index("flat", bits, metric="hamming")
    device = vecengine.on_device(index, "torch-cpu")
    assert device.device == "cpu" and device.reason is not None
    assert_same(device.search(bits[:3], 4), index.search(bits[:3], 4))


def test_a_budget_is_the_index_s_affair() -> None:
    vectors = numbers(500, 8)
    device = copied(vecengine.build_index("flat", vectors, metric="l2"))
    with pytest.raises(vecengine.DistanceBudgetSpent):
        device.search(vectors[:5], 3, distance_budget=100)


def test_vectors_may_be_read_only() -> None:
    vectors = numbers(100, 8)
    vectors.flags.writeable = False
    index = vecengine.build_index("flat", vectors, metric="ip")
    assert_same(copied(index).search(vectors[:5], 3), index.search(vectors[:5], 3))


def test_queries_of_other_dimensions_are_refused() -> None:
    device = copied(vecengine.build_index("flat", numbers(100, 8), metric="ip"))
    with pytest.raises(vecengine.DimensionMismatch):
        device.search(numbers(10, 7), 3)
