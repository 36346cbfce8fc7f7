"""Goal: graphs that are built or extended are complete, deterministic, as good as faiss', and can be cancelled.

Method: build small graphs of every metric and look at them; compare recall with brute force and a faiss graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.compiled import kernels
from vecengine.coverage import Coverage, square_norms
from vecengine.exact import exact_search
from vecengine.hnsw.build import build_hnsw, extend_hnsw
from vecengine.hnsw.curve import empty_curve
from vecengine.hnsw.graph import GraphArrays
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.insertion import BATCH_NODES, Inserter, OpenGraph, draw_levels, open_graph
from vecengine.hnsw.library_build import build_graph
from vecengine.hnsw.parameters import HnswParameters
from vecengine.metrics import NUMBER_METRICS, Metric

VECTORS: Any = np.random.default_rng(1).normal(size=(2100, 6)).astype(np.float32)
PARAMETERS = HnswParameters(8, 32)


def built(vectors: Any = VECTORS, metric: Metric = Metric.L2, *, threads: int = 1) -> HnswIndex:
    return build_hnsw(vectors, metric, None, PARAMETERS, threads=threads)


def assert_equal_buffers(first: HnswIndex, second: HnswIndex) -> None:
    left, right = first.to_buffers(), second.to_buffers()
    for name, buffer in left.items():
        np.testing.assert_array_equal(buffer, right[name], name)


def clusters(rows: int, dimensions: int, dtype: Any = np.float32) -> Any:
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(20, dimensions))
    return (centres[rng.integers(0, 20, rows)] + 0.3 * rng.normal(size=(rows, dimensions))).astype(dtype)


def recall(index: HnswIndex, vectors: Any, queries: Any, ef: int = 40) -> float:
    """Recall at 10 by distance, so that ties count, over a beam that the graph itself is walked with."""
    found, _ = index.search(queries, 10, ef_search=ef)
    truth, _ = exact_search(vectors, queries, 10, metric=index.metric)
    return float((found <= truth[:, -1:] + 1e-5 * np.abs(truth[:, -1:])).mean())


def walked(index: HnswIndex) -> HnswIndex:
    """The same graph with a curve that never prefers the scan."""
    index._walk_cost = lambda beam, allowed_count: 0.0  # type: ignore[method-assign]
    return index


@pytest.mark.parametrize("threads", [1, 3])
def test_a_build_is_deterministic_whatever_the_threads(threads: int) -> None:
    assert_equal_buffers(built(), built(threads=threads))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("metric", list(NUMBER_METRICS))
def test_recall_is_that_of_a_faiss_graph(metric: Metric, dtype: Any) -> None:
    vectors = clusters(2200, 24, dtype)
    base, queries = vectors[:2000], vectors[2000:].astype(np.float32)
    ours = walked(built(base, metric))
    graph = build_graph(base, metric, Coverage(2000, None), PARAMETERS)
    theirs = walked(HnswIndex(base, metric, Coverage(2000, None), graph, PARAMETERS, curve=empty_curve()))
    assert recall(ours, base, queries) >= min(0.97, recall(theirs, base, queries) - 0.01)


@pytest.mark.parametrize("metric", list(NUMBER_METRICS))
def test_an_extended_graph_is_as_good_as_one_built_anew(metric: Metric) -> None:
    """A tenth of the source's rows is gone, the others moved, as many again are new."""
    vectors = clusters(2200, 24)
    queries = vectors[2000:]
    rng = np.random.default_rng(3)
    source_rows = np.sort(rng.choice(2000, 1000, replace=False))
    source = built(vectors[source_rows], metric)
    kept_rows = np.setdiff1d(np.arange(2000), rng.choice(source_rows, 100, replace=False))
    moved_to = np.full(1000, -1)
    positions = np.searchsorted(kept_rows, source_rows)
    is_kept = np.isin(source_rows, kept_rows)
    moved_to[is_kept] = positions[is_kept]
    vectors = np.ascontiguousarray(vectors[kept_rows])
    extended = extend_hnsw(source, moved_to, vectors, None)
    assert_lists_are_packed(extended.graph)
    assert (
        recall(walked(extended), vectors, queries)
        >= recall(walked(built(vectors, metric)), vectors, queries) - 0.01
    )
    assert_equal_buffers(extended, extend_hnsw(source, moved_to, vectors, None, threads=2))
    again = vecengine.load_index(extended.to_buffers(), vectors)
    assert again.row_count == len(vectors), "it passes the checks of a load"


def test_a_graph_with_many_dead_is_built_anew() -> None:
    source = built(VECTORS[:1000])
    moved_to = np.arange(1000)
    moved_to[:300] = -1
    moved_to[300:] -= 300
    vectors = np.ascontiguousarray(VECTORS[300:])
    assert_equal_buffers(extend_hnsw(source, moved_to, vectors, None), built(vectors))


def test_only_bridges_hold_a_graph_whose_dead_were_everywhere() -> None:
    """A fifth of the rows goes, none comes: every remaining row is still found as before."""
    vectors = clusters(2000, 16)
    source = built(vectors)
    kept = np.flatnonzero(np.arange(2000) % 5 != 0)
    moved_to = np.full(2000, -1)
    moved_to[kept] = np.arange(kept.size)
    left = np.ascontiguousarray(vectors[kept])
    extended = walked(extend_hnsw(source, moved_to, left, None))
    assert recall(extended, left, left[::10]) > 0.98


def test_null_and_zero_rows_are_left_out_of_an_extension() -> None:
    vectors = clusters(1500, 8)
    vectors[5] = 0
    source = build_hnsw(vectors[:1000], Metric.COSINE, None, PARAMETERS)
    assert source.row_count == 999
    vectors[1200] = 0
    offsets = np.setdiff1d(np.arange(1500), [7, 1300])
    extended = extend_hnsw(source, np.arange(1000), vectors, offsets)
    np.testing.assert_array_equal(
        extended.coverage.row_offsets(), np.setdiff1d(np.arange(1500), [5, 7, 1200, 1300])
    )
    norms = square_norms(vectors)[extended.coverage.row_offsets()]
    np.testing.assert_array_equal(extended.graph.norms, norms)
    _, found = walked(extended).search(vectors[1400:1401], 5)
    assert found[0, 0] == 1400


@pytest.mark.parametrize("metric", list(NUMBER_METRICS))
def test_duplicates_and_one_dimension(metric: Metric) -> None:
    """Rows that are all the same, and rows on a line: the answer is never short."""
    same = np.ones((1200, 3), dtype=np.float32)
    line = np.linspace(1, 2, 1200, dtype=np.float32)[:, None]
    for vectors in (same, line):
        index = walked(built(vectors, metric))
        keys, offsets = index.search(vectors[600:601], 20)
        assert (offsets >= 0).all() and np.unique(offsets).size == 20
        truth, _ = exact_search(vectors, vectors[600:601], 20, metric=index.metric)
        np.testing.assert_allclose(keys, truth, atol=0.05)


def assert_lists_are_packed(graph: GraphArrays) -> None:
    is_link = graph.links >= 0
    assert (is_link[:, :-1] | ~is_link[:, 1:]).all(), "a list ends at its first -1"
    assert (graph.links != np.arange(graph.node_count)[:, None]).all()
    for links in graph.links:
        linked = links[links >= 0]
        assert np.unique(linked).size == linked.size, "a node is linked once"


def test_lists_are_packed_and_levels_fit() -> None:
    graph = built().graph
    assert_lists_are_packed(graph)
    assert graph.links.shape == (len(VECTORS), 16)
    levels = graph.levels()
    assert levels[graph.entry] == graph.level_max == levels.max()
    assert graph.upper_links.shape == (levels.sum(), 8)


@pytest.mark.parametrize("metric", list(NUMBER_METRICS))
def test_links_known_to_be_diverse_need_not_be_weighed_again(metric: Metric) -> None:
    """A graph comes out the same where nothing is known when a list is chosen anew."""
    compiled, vectors = kernels(), clusters(1500, 24)
    assert compiled is not None

    def linked(*, forgets: bool) -> OpenGraph:
        levels = draw_levels(np.random.default_rng(2), len(vectors), PARAMETERS.m)
        norms = square_norms(vectors) if metric is Metric.COSINE else np.zeros(0, dtype=np.float32)
        graph = open_graph(levels, np.zeros(0, dtype=np.int64), norms, PARAMETERS.m)
        with Inserter(compiled, metric, PARAMETERS.ef_construction) as inserter:
            for begin in range(0, len(vectors), BATCH_NODES):
                if forgets:
                    graph.diverse[:] = 0
                nodes = np.arange(begin, min(begin + BATCH_NODES, len(vectors)), dtype=np.int32)
                inserter.insert(graph, vectors, nodes)
        return graph

    graph, oracle = linked(forgets=False), linked(forgets=True)
    assert (graph.links[:, -1] >= 0).any(), "some lists are full"
    np.testing.assert_array_equal(graph.links, oracle.links)
    np.testing.assert_array_equal(graph.upper_links, oracle.upper_links)


def assert_reserves_are_nearest_first(index: HnswIndex, vectors: Any) -> None:
    graph = index.graph
    for node in range(0, graph.node_count, 7):
        reserve = graph.links[node, graph.linked[node] :]
        reserve = reserve[reserve >= 0]
        distances, _ = vecengine.exact_search(
            vectors[reserve], vectors[node][None], reserve.size, metric="l2"
        )
        own = vecengine.distances("l2", vectors[reserve], vectors[node])
        np.testing.assert_allclose(own, distances[0], rtol=1e-5)


def test_a_list_is_filled_with_the_nearest_nodes_that_are_no_links() -> None:
    index = built(clusters(2000, 16))
    graph = index.graph
    assert (graph.links >= 0).all(), "no place is empty"
    assert graph.linked.mean() < 0.8 * graph.links.shape[1], "diverse links leave room"
    assert_lists_are_packed(graph)
    assert_reserves_are_nearest_first(index, clusters(2000, 16))


def test_the_reserve_helps_searches_and_changes_no_link() -> None:
    """Without it the same beam finds less; and a graph extended without one gets the same links."""
    vectors = clusters(2400, 24)
    base, queries = np.ascontiguousarray(vectors[:2000]), vectors[2000:]
    index = built(base)
    places = np.arange(index.graph.links.shape[1])
    cut = np.where(places < index.graph.linked[:, None], index.graph.links, np.int32(-1))
    bare = load_with_links(index, base, cut)
    assert recall(walked(index), base, queries, 10) > recall(walked(bare), base, queries, 10) + 0.01
    moved_to = np.arange(2000)
    extended = [extend_hnsw(source, moved_to, vectors, None).graph for source in (index, bare)]
    is_link = [places < graph.linked[:, None] for graph in extended]
    np.testing.assert_array_equal(*is_link)
    np.testing.assert_array_equal(*[np.where(mask, g.links, -1) for mask, g in zip(is_link, extended)])


def load_with_links(index: HnswIndex, vectors: Any, links: Any) -> HnswIndex:
    loaded = vecengine.load_index({**index.to_buffers(), "links": links}, vectors)
    assert isinstance(loaded, HnswIndex)
    return loaded


def test_an_extended_graph_keeps_and_renews_its_reserve() -> None:
    """A tenth of the nodes goes: reserves give up those and take in who bridged them and who came."""
    vectors = clusters(2200, 16)
    source = built(vectors[:2000])
    moved_to = np.full(2000, -1)
    kept = np.flatnonzero(np.arange(2000) % 10 != 0)
    moved_to[kept] = np.arange(kept.size)
    left = np.ascontiguousarray(np.concatenate([vectors[kept], vectors[2000:]]))
    extended = extend_hnsw(source, moved_to, left, None)
    assert (extended.graph.links >= 0).mean() > 0.97
    assert_lists_are_packed(extended.graph)
    assert_reserves_are_nearest_first(extended, left)


def test_a_file_from_before_there_was_a_reserve_loads_and_grows() -> None:
    vectors = clusters(1500, 16)
    buffers = built(vectors[:1000]).to_buffers()
    old = {name: buffer for name, buffer in buffers.items() if name != "linked"}
    loaded = vecengine.load_index(old, vectors[:1000])
    assert isinstance(loaded, HnswIndex)
    assert (loaded.graph.linked == loaded.graph.links.shape[1]).all(), "all are links"
    extended = walked(extend_hnsw(loaded, np.arange(1000), vectors, None))
    assert recall(extended, vectors, vectors[::10]) > 0.98


def test_every_row_is_found_from_the_entry() -> None:
    """Links lead everywhere: breadth first over level 0 reaches all rows but a stray few."""
    graph = built().graph
    reached = np.zeros(len(VECTORS), dtype=bool)
    front = np.array([graph.entry])
    while front.size:
        reached[front] = True
        linked = np.unique(graph.links[front])
        front = linked[linked >= 0]
        front = front[~reached[front]]
    assert reached.mean() > 0.999


def test_progress_and_cancel() -> None:
    seen: list[tuple[int, int]] = []
    token = CancelToken()

    def cancel_after_first(done: int, total: int) -> None:
        seen.append((done, total))
        token.cancel()

    with pytest.raises(QueryCanceled):
        vecengine.build_index("hnsw", VECTORS, metric="l2", cancel=token.word, progress=cancel_after_first)
    assert seen == [(BATCH_NODES, len(VECTORS))]
    seen.clear()
    vecengine.build_index(
        "hnsw", VECTORS, metric="l2", progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (len(VECTORS), len(VECTORS)) and seen == sorted(seen) and len(seen) >= 3


def test_threads_are_restored() -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    build_graph(VECTORS[:50], Metric.L2, Coverage(50, None), HnswParameters(), threads=before + 1)
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize("metric", list(NUMBER_METRICS))
def test_extreme_values_build(metric: Metric) -> None:
    """Huge, tiny and mixed norms neither crash the build nor lose a row."""
    vectors: Any = VECTORS[:600] * np.float32(10) ** np.linspace(-30, 18, 600, dtype=np.float32)[:, None]
    index = vecengine.build_index("hnsw", vectors, metric=metric.name.lower())
    _, offsets = index.search(VECTORS[:3], 50, ef_search=100)
    assert (offsets >= 0).all()
