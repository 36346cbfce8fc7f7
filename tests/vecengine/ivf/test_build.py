"""Goal: lists that are built or extended hold every row once, are deterministic, find what they should, can be cancelled.

Method: small data, friendly and hostile (equal rows, fewer rows than lists, opposite and zero vectors, far from the
origin), against brute force and against the assignment by formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.family import BuildHooks
from vecengine.ivf.build import build_lists, extend_lists
from vecengine.ivf.centroids import Assigner, ranking_metric, train_centroids
from vecengine.ivf.index import ListIndex
from vecengine.ivf.kinds import RANKED_BY_MEANS, ListKind
from vecengine.ivf.parameters import LISTS, ListParameters
from vecengine.metrics import Metric, keys_by_formula

HOOKS = BuildHooks()
WHOLE = ListKind("ivfflat", (LISTS,))
METRICS = RANKED_BY_MEANS


def clusters(rows: int, dimensions: int, dtype: Any = np.float32, seed: int = 7) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, dimensions))
    return (centres[rng.integers(0, 20, rows)] + 0.3 * rng.normal(size=(rows, dimensions))).astype(dtype)


def built(
    vectors: Any, metric: Metric = Metric.L2, lists: int = 20, *, offsets: Any = None, threads: int = 1
) -> ListIndex:
    return build_lists(WHOLE, vectors, metric, offsets, ListParameters(lists), hooks=BuildHooks(threads))


def probed(index: ListIndex) -> ListIndex:
    """The same lists with costs that never prefer the scan."""
    index._cost = lambda probes, k, allowed_count: 0.0  # type: ignore[method-assign]
    return index


def recall(index: ListIndex, vectors: Any, queries: Any, probes: int, k: int = 10) -> float:
    """Recall by distance, so that ties count."""
    found, _ = index.search(queries, k, ef_search=probes)
    truth, _ = vecengine.exact_search(vectors, queries, k, metric=index.metric)
    return float((found <= truth[:, -1:] + 1e-5 * np.abs(truth[:, -1:])).mean())


def assert_holds_every_row_once(index: ListIndex) -> None:
    rows, lists = index.lists.assignment()
    np.testing.assert_array_equal(np.sort(rows), index.coverage.row_offsets())
    for number in range(index.lists.list_count):
        assert (np.diff(rows[lists == number]) > 0).all() and (lists == number).any()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_build_is_deterministic_whatever_the_threads(metric: Metric, threads: int) -> None:
    vectors = clusters(9000, 12)
    first, second = built(vectors, metric).to_buffers(), built(vectors, metric, threads=threads).to_buffers()
    for name, buffer in first.items():
        np.testing.assert_array_equal(buffer, second[name], name)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_rows_are_in_the_list_of_their_nearest_centroid(metric: Metric, dtype: Any) -> None:
    vectors = clusters(2000, 24, dtype)
    index = built(vectors, metric)
    assert_holds_every_row_once(index)
    rows, lists = index.lists.assignment()
    wide = vectors[rows].astype(np.float32)
    keys = np.stack([keys_by_formula(ranking_metric(metric), wide, c) for c in index.lists.centroids], axis=1)
    own = np.take_along_axis(keys, lists[:, None], axis=1)[:, 0]
    assert (own <= keys.min(axis=1) + 1e-4 * np.abs(own)).all()
    if metric is not Metric.L2:
        np.testing.assert_allclose(np.linalg.norm(index.lists.centroids, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_recall_grows_with_the_probes_up_to_all(metric: Metric, dtype: Any) -> None:
    vectors = clusters(4200, 24, dtype)
    base, queries = vectors[:4000], vectors[4000:].astype(np.float32)
    index = probed(built(base, metric))
    found = [recall(index, base, queries, probes) for probes in (1, 2, 4, 8, 20)]
    assert found == sorted(found) and found[0] > 0.7 and found[2] > 0.95 and found[-1] == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_a_limit_is_filled_from_further_lists(metric: Metric) -> None:
    vectors = clusters(3000, 8)
    index = probed(built(vectors, metric, 50))
    mask = np.random.default_rng(3).random(3000) < 0.02
    allowed = int(mask.sum())
    for bits, rows in ((None, 3000), (bits_from_mask(mask), allowed)):
        for k in (1, allowed - 1, allowed, 3000, 5000):
            distances, offsets = index.search(vectors[:4], k, bits, ef_search=1)
            assert ((offsets >= 0).sum(axis=1) == min(k, rows)).all()
            for row_distances, row_offsets in zip(distances, offsets, strict=True):
                known = row_offsets[row_offsets >= 0]
                assert len(set(known.tolist())) == known.size
                assert (np.diff(row_distances[: known.size]) >= 0).all()
    everything = index.search(vectors[:4], 3000, ef_search=1)
    truth = vecengine.exact_search(vectors, vectors[:4], 3000, metric=index.metric)
    np.testing.assert_array_equal(everything[1], truth[1])


def test_a_query_among_small_lists_visits_more() -> None:
    vectors = np.concatenate([clusters(2900, 8), clusters(100, 8, seed=8) * 20])
    index = probed(built(vectors, Metric.L2, 40))
    for probes in (1, 3):
        for query in vectors[::150]:
            stats = vecengine.SearchStats()
            index.search(query[None], 1, ef_search=probes, stats=stats)
            assert stats.expansions >= probes
            assert stats.distances - index.lists.list_count >= probes * 3000 // index.lists.list_count
    assert index.lists.sizes().min() < 40


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_is_asked_for(metric: Metric) -> None:
    index = probed(built(clusters(3000, 8), metric))
    stats = vecengine.SearchStats()
    for bits in (None, bits_from_mask(np.zeros(3000, dtype=np.bool_))):
        for k in (0, 3):
            distances, offsets = index.search(clusters(2, 8), k, bits, stats=stats)
            assert distances.shape == offsets.shape == (2, k)
            assert k == 0 or bits is None or (offsets == -1).all()


def test_lists_without_an_allowed_row_are_no_probes() -> None:
    """The allowed rows lie in one far corner: probes must be spent there."""
    vectors = clusters(3000, 8)
    index = probed(built(vectors, Metric.L2, 50))
    far = np.argsort(-np.linalg.norm(vectors - vectors[0], axis=1))[:200]
    mask = np.zeros(3000, dtype=np.bool_)
    mask[far] = True
    stats = vecengine.SearchStats()
    found, _ = index.search(vectors[:1], 10, bits_from_mask(mask), ef_search=12, stats=stats)
    truth, _ = vecengine.exact_search(
        vectors, vectors[:1], 10, metric="l2", allowed_bits=bits_from_mask(mask)
    )
    assert stats.strategy == "filtered_lists" and stats.expansions > 12
    np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rows", [0, 1, 2, 99, 700])
@pytest.mark.parametrize("lists", [1, 100, 32768])
def test_fewer_rows_than_lists(metric: Metric, rows: int, lists: int) -> None:
    vectors = clusters(rows, 3)
    index = probed(built(vectors, metric, lists))
    assert_holds_every_row_once(index) if rows else None
    assert 1 <= index.lists.list_count <= max(1, min(rows, lists))
    queries = clusters(3, 3, seed=1)
    for probes in (1, lists):
        _, offsets = index.search(queries, rows + 1, ef_search=probes)
        truth = vecengine.exact_search(vectors, queries, rows + 1, metric=index.metric)[1]
        np.testing.assert_array_equal(offsets, truth)
    loaded: Any = vecengine.load_index(index.to_buffers(), vectors)
    again = probed(loaded)
    np.testing.assert_array_equal(again.search(queries, 5)[1], index.search(queries, 5)[1])


@pytest.mark.parametrize("metric", METRICS)
def test_equal_rows_share_a_list(metric: Metric) -> None:
    vectors = np.tile(clusters(5, 6), (400, 1))
    index = probed(built(vectors, metric, 100))
    assert index.lists.list_count == 5
    found, offsets = index.search(vectors[:5], 400, ef_search=1)
    truth, rows = vecengine.exact_search(vectors, vectors[:5], 400, metric=index.metric)
    np.testing.assert_array_equal(found, truth)
    if metric is not Metric.IP:
        np.testing.assert_array_equal(offsets, rows)


def test_zero_and_opposite_vectors() -> None:
    vectors = np.concatenate([clusters(600, 4), np.zeros((100, 4), np.float32)])
    vectors = np.concatenate([vectors, -vectors])
    cosine = built(vectors, Metric.COSINE, 10)
    assert cosine.row_count == 1200
    inner = built(vectors, Metric.IP, 10)
    assert inner.row_count == 1400
    assert_holds_every_row_once(inner)
    nothing = built(np.zeros((50, 4), np.float32), Metric.IP, 10)
    assert nothing.lists.list_count == 1 and nothing.search(np.ones((1, 4), np.float32), 60)[1].max() == 49


def test_far_from_the_origin_and_huge() -> None:
    """Matrix products lose all digits of a small distance between large vectors unless they are centred."""
    near = clusters(3000, 16)
    far = (near.astype(np.float64) + 3000).astype(np.float32)
    index = probed(built(far, Metric.L2))
    assert recall(index, far, far[:100], 5) > 0.95
    huge = near * np.float32(1e30)
    found = built(huge, Metric.L2).search(huge[:3], 3000)[1]
    assert ((found >= 0).sum(axis=1) == 3000).all()


@pytest.mark.slow
def test_one_and_sixteen_thousand_dimensions() -> None:
    for dimensions in (1, 16_000):
        vectors = clusters(1200, dimensions)
        index = probed(built(vectors, Metric.L2, 8))
        assert (
            recall(index, vectors, vectors[:20], 8) == 1.0 and recall(index, vectors, vectors[:20], 2) > 0.5
        )


def moved(vectors: Any, gone: Any) -> tuple[Any, Any]:
    """The vectors without those gone, and where each is then."""
    kept = np.setdiff1d(np.arange(len(vectors)), gone)
    moved_to = np.full(len(vectors), -1, dtype=np.int64)
    moved_to[kept] = np.arange(kept.size)
    return vectors[kept], moved_to


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("share", [0.08, 0.3])
def test_extended_lists_find_as_much_as_lists_built_anew(metric: Metric, share: float) -> None:
    """Some rows go and as many come: few, and the centroids stay; many, and they are trained again."""
    vectors, changed = clusters(4000, 16), round(share * 4000)
    source = built(vectors, metric, 40)
    kept, moved_to = moved(vectors, np.random.default_rng(1).choice(4000, changed, replace=False))
    both = np.concatenate([kept, clusters(changed, 16, seed=8)])
    offsets = np.delete(np.arange(4000), [5, 17])
    extended = extend_lists(source, moved_to, both, offsets, HOOKS)
    anew = built(both, metric, 40, offsets=offsets)
    assert extended.row_count == 3998
    assert (extended.lists.centroids[0] in source.lists.centroids) == (share < 0.1)
    assert_holds_every_row_once(extended)
    queries = clusters(100, 16, seed=9)
    for probes in (1, 4):
        ours, theirs = (recall(probed(index), both, queries, probes) for index in (extended, anew))
        assert ours >= theirs - 0.04


def test_changes_add_up_until_centroids_are_trained_again() -> None:
    vectors = clusters(3000, 8)
    index = built(vectors[:2000], Metric.L2, 40)
    expected = [(2000, 150), (2000, 300), (2450, 0)]
    for step, training in enumerate(expected, 1):
        present = 2000 + 150 * step
        index = extend_lists(index, np.arange(present - 150), vectors[:present], None, HOOKS)
        assert (index.training.rows, index.training.changed_rows) == training
        loaded: Any = vecengine.load_index(index.to_buffers(), vectors[:present])
        assert loaded.training == index.training
    anew = built(vectors[:2450], Metric.L2, 40)
    np.testing.assert_array_equal(index.lists.centroids, anew.lists.centroids)


def test_a_small_change_keeps_the_curve() -> None:
    vectors = clusters(4000, 8)
    source = built(vectors[:3900], Metric.L2)
    assert extend_lists(source, np.arange(3900), vectors, None, HOOKS).curve is source.curve


def test_phases_progress_and_cancellation() -> None:
    vectors = clusters(40_000, 8)
    phases: list[str] = []
    done: list[tuple[int, int]] = []
    index = vecengine.build_index(
        "ivfflat", vectors, metric="l2", progress=lambda *p: done.append(p), on_phase=phases.append
    )
    assert phases == ["performing k-means", "assigning tuples", "loading tuples"]
    assert done == sorted(done) and len(done) > 2 and done[-1] == (40_000, 40_000)
    assert index.row_count == 40_000
    for phase in phases:
        token = CancelToken()

        def cancel(begun: str, token: CancelToken = token, phase: str = phase) -> None:
            if begun == phase:
                token.cancel()

        with pytest.raises(QueryCanceled):
            vecengine.build_index(
                "ivfflat", vectors, metric="l2", cancel=token.word, on_phase=cancel, threads=2
            )


def test_centroids_of_hostile_samples() -> None:
    rng = np.random.default_rng(0)
    with Assigner(Metric.L2) as assigner:
        same = np.ones((500, 3), dtype=np.float32)
        assert train_centroids(assigner, same, 10, rng).shape == (1, 3)
        two = np.repeat(np.eye(3, dtype=np.float32)[:2], [499, 1], axis=0)
        np.testing.assert_array_equal(train_centroids(assigner, two, 2, rng), two[[499, 0]])
        # One sample far from 999 equal ones: a list of its own, though it is rarely drawn.
        lonely = np.concatenate([np.zeros((999, 2)), [[9, 9]]]).astype(np.float32)
        assert [9, 9] in train_centroids(assigner, lonely, 2, rng).tolist()
    with Assigner(Metric.COSINE) as assigner:
        opposite = np.asarray([[1, 0], [-1, 0]] * 50, dtype=np.float32)
        assert np.isfinite(train_centroids(assigner, opposite, 1, rng)).all()
        assert train_centroids(assigner, np.zeros((9, 2), np.float32), 4, rng).tolist() == [[0, 0]]
