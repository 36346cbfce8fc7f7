"""Goal: a `diskann` index finds what it should, answers completely, is deterministic, extends, and refuses damage.

Method: clustered rows against brute force, for all metrics and element types, friendly and hostile; damaged buffers one by one.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.diskann.index import DiskannIndex, load_diskann
from vecengine.errors import BuildParameterError, DamagedIndex, UnsupportedByFamily

ROWS, DIMENSIONS, K = 3000, 40, 10
METRICS = ("l2", "ip", "cosine")
OPTIONS = {"max_degree": 24, "search_list_size": 48}


def clustered(seed: int, rows: int = ROWS) -> Any:
    rng = np.random.default_rng(seed)
    basis = np.random.default_rng(0).standard_normal((12, DIMENSIONS))
    return (
        rng.standard_normal((rows, 12)) @ basis + 0.3 * rng.standard_normal((rows, DIMENSIONS)) + 1
    ).astype(np.float32)


VECTORS = clustered(1)
QUERIES = clustered(2, 100)


def built(vectors: Any = VECTORS, metric: str = "l2", **options: Any) -> DiskannIndex:
    index = vecengine.build_index("diskann", vectors, metric=metric, **{**OPTIONS, **options})
    assert isinstance(index, DiskannIndex)
    return walked(index)


def walked(index: DiskannIndex) -> DiskannIndex:
    """The same index with costs that never prefer the scan, where it has a graph."""
    if index.walked is not None:
        index._walk_cost = lambda beam, allowed_count: 0.0  # type: ignore[method-assign]
    return index


@pytest.fixture(scope="module")
def plain() -> DiskannIndex:
    return built()


def recall(index: DiskannIndex, vectors: Any = VECTORS, ef: int = 60, allowed: Any = None) -> float:
    bits = None if allowed is None else bits_from_mask(allowed)
    found, rows = index.search(QUERIES, K, bits, ef)
    truth, _ = vecengine.exact_search(vectors, QUERIES, K, metric=index.metric, allowed_bits=bits)
    assert (rows >= 0).all() and (np.diff(found, axis=1) >= 0).all()
    assert allowed is None or allowed[rows].all()
    exact = [vecengine.distances(index.metric, vectors[row], query) for row, query in zip(rows, QUERIES)]
    np.testing.assert_array_equal(found, np.asarray(exact, np.float32), "distances are those of the vectors")
    return float((found <= truth[:, -1:]).mean())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_recall_with_and_without_a_filter(metric: str, kind: Any) -> None:
    vectors = VECTORS.astype(kind)
    index = built(vectors, metric)
    assert recall(index, vectors) >= 0.97
    for share in (0.5, 0.1, 0.02):
        allowed = np.random.default_rng(2).random(ROWS) < share
        assert recall(index, vectors, allowed=allowed) >= 0.93


def test_a_wider_beam_finds_more_and_touches_more_pages(plain: DiskannIndex) -> None:
    found, pages = [], []
    for ef in (10, 30, 90):
        stats = vecengine.SearchStats()
        found.append(recall(plain, ef=ef))
        plain.search(QUERIES, K, ef_search=ef, stats=stats)
        pages.append(stats.pages)
        assert stats.strategy == "graph" and stats.reranked == len(QUERIES) * min(ef, 4 * K)
        assert stats.reranked < stats.pages <= 2 * (stats.expansions + stats.reranked)
    assert found == sorted(found) and pages == sorted(pages) and found[0] < found[-1]


@pytest.mark.slow
def test_the_curve_keeps_its_promise(plain: DiskannIndex) -> None:
    for target in (0.8, 0.9, 0.95):
        beam = plain.beam_for(K, target)
        assert recall(plain, ef=beam) >= target - 0.02
    assert plain.recall_of(80, K, ROWS) > plain.recall_of(10, K, ROWS) > 0.5
    assert plain.estimate(K, 20, 0.95)[0].strategy == "exact"


def test_answers_are_complete(plain: DiskannIndex) -> None:
    allowed = np.random.default_rng(3).random(ROWS) < 0.01
    for mask in (None, allowed):
        bits = None if mask is None else bits_from_mask(mask)
        count = ROWS if mask is None else int(mask.sum())
        for k in (0, 1, count - 1, count, count + 5):
            distances, rows = plain.search(QUERIES[:2], k, bits, ef_search=1)
            assert ((rows >= 0).sum(axis=1) == min(k, count)).all()
            for row in rows:
                assert len(set(row[row >= 0].tolist())) == min(k, count)
            assert np.isinf(distances[rows < 0]).all()
    nothing = plain.search(QUERIES[:1], 3, bits_from_mask(np.zeros(ROWS, dtype=np.bool_)))
    assert (nothing[1] == -1).all()


@pytest.mark.slow
def test_some_of_the_rows() -> None:
    offsets = np.flatnonzero(np.arange(ROWS) % 3 != 1)
    mask = np.zeros(ROWS, dtype=bool)
    mask[offsets] = True
    index = built(offsets=offsets)
    assert index.row_count == offsets.size
    assert recall(index, allowed=mask) >= 0.95
    again = walked(load_diskann(index.to_buffers(), VECTORS))
    np.testing.assert_array_equal(again.search(QUERIES, K)[1], index.search(QUERIES, K)[1])


@pytest.mark.parametrize("rows", [0, 1, 2, 30, 499])
@pytest.mark.parametrize("metric", METRICS)
def test_few_rows_are_scanned(metric: str, rows: int) -> None:
    index = built(VECTORS[:rows], metric)
    assert index.walked is None and index.row_count == rows
    again = load_diskann(index.to_buffers(), VECTORS[:rows])
    for one in (index, again):
        found = one.search(QUERIES[:3], 5)
        truth = vecengine.exact_search(VECTORS[:rows], QUERIES[:3], 5, metric=metric)
        np.testing.assert_array_equal(found[1], truth[1])


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_hostile_rows(metric: str) -> None:
    """Equal rows, zero vectors, one dimension, numbers beyond what can be multiplied."""
    equal = np.tile(VECTORS[:5], (200, 1))
    some_zero = np.concatenate([VECTORS[:700], np.zeros((100, DIMENSIONS), np.float32)])
    line = np.linspace(-1, 1, 800, dtype=np.float32)[:, None]
    for vectors in (equal, some_zero, line, np.zeros_like(equal), VECTORS[:800] * np.float32(1e25)):
        index = built(vectors, metric)
        queries = vectors[:3]
        found, rows = index.search(queries, K)
        truth, true_rows = vecengine.exact_search(vectors, queries, K, metric=metric)
        assert ((rows >= 0) == (true_rows >= 0)).all()
        if index.walked is None:
            np.testing.assert_array_equal(found, truth)
        elif metric != "ip" or vectors is not equal:
            # Under ip every row is nearest to the copies of the longest one, which lead nowhere else.
            least = 0.9 if metric == "ip" or vectors is line else 1.0
            assert (found <= truth + 1e-5 * np.abs(truth) + 1e-6).mean() >= least
    zero = built(some_zero, metric).search(np.zeros((1, DIMENSIONS), np.float32), 3)[1]
    assert (zero >= 0).all() == (metric != "cosine")


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_a_build_is_deterministic_whatever_the_threads(metric: str) -> None:
    first, second = built(metric=metric), built(metric=metric, threads=3)
    other = second.to_buffers()
    for name, buffer in first.to_buffers().items():
        np.testing.assert_array_equal(buffer, other[name], name)


@pytest.mark.slow
def test_parts_are_linked_one_at_a_time(monkeypatch: pytest.MonkeyPatch, plain: DiskannIndex) -> None:
    monkeypatch.setattr("vecengine.diskann.parameters.MEGABYTE", 12_000)
    seen: list[tuple[int, int]] = []
    index = built(build_memory_mb=16, progress=lambda done, total: seen.append((done, total)))
    assert plain.walked is not None and index.walked is not None
    assert not np.array_equal(index.walked.nodes.links, plain.walked.nodes.links)
    assert recall(index) >= recall(plain) - 0.02
    assert seen == sorted(seen) and seen[-1] == (ROWS, ROWS)
    threaded = built(build_memory_mb=16, threads=2)
    assert threaded.walked is not None
    np.testing.assert_array_equal(index.walked.nodes.links, threaded.walked.nodes.links)
    # A graph that does not fit is not extended, but built anew.
    longer = np.concatenate([VECTORS, clustered(5, 300)])
    extended: Any = vecengine.extend_index(index, np.arange(ROWS), longer)
    assert recall(walked(extended), longer) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_extension(metric: str) -> None:
    """A tenth of the rows go, a fifth come: the others keep their codes."""
    source = built(metric=metric)
    kept = np.random.default_rng(4).permutation(np.flatnonzero(np.arange(ROWS) % 10))
    vectors = np.concatenate([clustered(6, 600), VECTORS[kept]])
    moved_to = np.full(ROWS, -1)
    moved_to[kept] = 600 + np.arange(kept.size)
    index: Any = vecengine.extend_index(source, moved_to, vectors)
    assert index.walked is not None and source.walked is not None
    np.testing.assert_array_equal(
        index.walked.codes.vectors.bytes()[600:], source.walked.codes.vectors.bytes()[kept]
    )
    fresh = built(vectors, metric)
    assert recall(walked(index), vectors) >= recall(fresh, vectors) - 0.02
    again: Any = vecengine.extend_index(source, moved_to, vectors, threads=3)
    np.testing.assert_array_equal(again.walked.nodes.links, index.walked.nodes.links)


@pytest.mark.slow
def test_a_graph_is_built_anew_where_little_stays(plain: DiskannIndex) -> None:
    kept = np.arange(0, ROWS, 2)
    moved_to = np.full(ROWS, -1)
    moved_to[kept] = np.arange(kept.size)
    fresh, extended = built(VECTORS[kept]), vecengine.extend_index(plain, moved_to, VECTORS[kept])
    for name, buffer in fresh.to_buffers().items():
        np.testing.assert_array_equal(buffer, extended.to_buffers()[name], name)


def test_a_build_and_a_search_can_be_cancelled(plain: DiskannIndex) -> None:
    token = CancelToken()
    with pytest.raises(QueryCanceled):
        built(cancel=token.word, progress=lambda done, total: token.cancel() if done > 500 else None)
    with pytest.raises(QueryCanceled):
        plain.search(QUERIES, K, cancel=token.word)


def test_what_it_refuses() -> None:
    for options in ({"max_degree": 3}, {"alpha_percent": 99}, {"max_degree": 64, "search_list_size": 63}):
        with pytest.raises(BuildParameterError):
            vecengine.build_index("diskann", VECTORS, metric="l2", **options)
    with pytest.raises(UnsupportedByFamily, match="l1"):
        vecengine.build_index("diskann", VECTORS, metric="l1")


def test_stored_form(plain: DiskannIndex, tmp_path: Any) -> None:
    plain.save(tmp_path / "index")
    again = walked(DiskannIndex.load(tmp_path / "index", VECTORS))
    np.testing.assert_array_equal(again.search(QUERIES, K)[1], plain.search(QUERIES, K)[1])
    assert again.parameters == plain.parameters and again.size_bytes == plain.size_bytes
    for name, buffer in again.to_buffers().items():
        np.testing.assert_array_equal(buffer, plain.to_buffers()[name], name)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("links", lambda a: np.where(a == a.max(), ROWS, a).astype(np.int32)),
        ("links", lambda a: a - np.int32(2)),
        ("links", lambda a: a[:-1]),
        ("links", lambda a: a.astype(np.int64)),
        ("linked", lambda a: a + np.uint8(200)),
        ("codes", lambda a: a[:, :-1]),
        ("code_words", lambda a: a * np.float32(np.nan)),
        ("code_mean", lambda a: a[:-1]),
    ],
)
def test_damaged_buffers(plain: DiskannIndex, name: str, damage: Any) -> None:
    buffers = plain.to_buffers()
    buffers[name] = np.ascontiguousarray(damage(buffers[name]))
    with pytest.raises(DamagedIndex):
        load_diskann(buffers, VECTORS)
    del buffers[name]
    with pytest.raises(DamagedIndex):
        load_diskann(buffers, VECTORS)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": ROWS - 1},
        {"nodes": 7},
        {"entry": ROWS},
        {"entry": -1},
        {"parameters": None},
        {"parameters": {"max_degree": 24}},
        {"curve": []},
        {"metric": "l1"},
    ],
)
def test_damaged_metadata(plain: DiskannIndex, change: dict[str, Any]) -> None:
    buffers = plain.to_buffers()
    metadata = {**json.loads(buffers["metadata"].tobytes()), **change}
    buffers["metadata"] = np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8)
    with pytest.raises(DamagedIndex):
        load_diskann(buffers, VECTORS)
