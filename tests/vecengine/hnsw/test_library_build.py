"""Goal: graphs that faiss and hnswlib build are taken over link by link, and answer as well as these libraries do.

Method: hnswlib's own searches as oracle of its graph and of ours; stored forms; what a library does not serve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.compiled import warm_up
from vecengine.coverage import Coverage
from vecengine.errors import UnsupportedByFamily
from vecengine.hnsw import hnswlib_build
from vecengine.hnsw.graph import GraphArrays
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.library_build import build_graph
from vecengine.hnsw.parameters import HnswParameters, Provider
from vecengine.metrics import Metric

ROWS, DIMENSIONS, K, M, EF = 2500, 24, 10, 8, 40
HAS_HNSWLIB = hnswlib_build.is_installed()
needs_hnswlib = pytest.mark.skipif(not HAS_HNSWLIB, reason="the extra hnswlib is not installed")
PROVIDERS = ["faiss", pytest.param("hnswlib", marks=needs_hnswlib)]


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    assert warm_up()


def clustered(rows: int) -> Any:
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(20, DIMENSIONS))
    return (centres[rng.integers(0, 20, rows)] + 0.4 * rng.normal(size=(rows, DIMENSIONS))).astype(np.float32)


VECTORS, QUERIES = clustered(ROWS + 100)[:ROWS], clustered(ROWS + 100)[ROWS:]


def built(provider: str, metric: str = "l2", vectors: Any = VECTORS, **options: Any) -> HnswIndex:
    index = vecengine.build_index(
        "hnsw", vectors, metric=metric, m=M, ef_construction=40, provider=provider, **options
    )
    assert isinstance(index, HnswIndex)
    return index


def recall(found: Any, metric: str) -> float:
    truth, _ = vecengine.exact_search(VECTORS, QUERIES, K, metric=metric)
    return float((found <= truth[:, -1:] + 1e-5 * np.abs(truth[:, -1:])).mean())


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_library_graph_is_as_good_as_ours(provider: str, metric: str) -> None:
    index = built(provider, metric)
    stats = vecengine.SearchStats()
    found, _ = index.search(QUERIES, K, None, EF, stats=stats)
    own, _ = built("own", metric).search(QUERIES, K, None, EF)
    assert stats.strategy == "graph" and not index.curve.is_empty
    assert recall(own, metric) >= recall(found, metric) - 0.01
    assert recall(found, metric) >= 0.9


@needs_hnswlib
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_our_recall_is_that_of_hnswlib_at_the_same_links_and_beam(metric: str) -> None:
    import hnswlib

    library = hnswlib.Index(metric, DIMENSIONS)
    library.init_index(ROWS, M=M, ef_construction=40)
    library.add_items(VECTORS, num_threads=1)
    library.set_ef(EF)
    rows, _ = library.knn_query(QUERIES, K, num_threads=1)
    theirs = np.stack([vecengine.distances(metric, VECTORS[row], q) for row, q in zip(rows, QUERIES)])
    ours, _ = built("own", metric).search(QUERIES, K, None, EF)
    assert recall(ours, metric) >= recall(theirs, metric) - 0.01


@needs_hnswlib
def test_the_links_are_those_that_hnswlib_has() -> None:
    """Its file, read by the layout of hnswalg.h's `saveIndex`, with the rows in the order in which they went in."""
    import hnswlib

    vectors = VECTORS[:600]
    graph = build_graph(
        vectors,
        Metric.L2,
        Coverage(600, None),
        HnswParameters(4, 20, provider=Provider.HNSWLIB),
    )
    order = np.random.default_rng(20180406).permutation(600)
    library = hnswlib.Index("l2", DIMENSIONS)
    library.init_index(600, M=4, ef_construction=20, random_seed=20180406)
    library.add_items(vectors[order], num_threads=1)
    state: Any = library.__getstate__()[0]
    records = state["data_level0"].view(np.uint8).reshape(600, -1)
    first_level = {}
    at = 0
    upper = state["link_lists"].view(np.int32)
    for node, level in enumerate(state["element_levels"]):
        if level:
            first_level[int(order[node])] = {int(order[x]) for x in upper[at + 1 : at + 1 + upper[at]]}
        at += 5 * int(level)
    for node in range(600):
        words = records[node].view(np.int32)
        expected = {int(order[link]) for link in words[1 : 1 + (words[0] & 0xFFFF)]}
        ours = {int(link) for link in graph.links[order[node]] if link >= 0}
        assert ours == expected
    for node, expected in first_level.items():
        row = graph.upper_links[graph.upper_rows[node]]
        assert {int(link) for link in row if link >= 0} == expected
    assert graph.entry == order[state["enterpoint_node"]] and graph.level_max == state["max_level"]
    assert np.array_equal(graph.levels()[order], state["element_levels"])


@pytest.mark.slow
@pytest.mark.parametrize("provider", PROVIDERS)
def test_builds_are_the_same_every_time_and_come_back_from_their_buffers(provider: str) -> None:
    first, second = built(provider, "cosine").to_buffers(), built(provider, "cosine", threads=3).to_buffers()
    for name, buffer in first.items():
        np.testing.assert_array_equal(buffer, second[name], name)
    loaded = vecengine.load_index(first, VECTORS)
    assert isinstance(loaded, HnswIndex) and loaded.parameters.provider.name.lower() == provider
    extended = vecengine.extend_index(loaded, np.arange(ROWS), np.concatenate([VECTORS, QUERIES]))
    assert extended.row_count == ROWS + len(QUERIES)
    assert extended.search(QUERIES, 1, None, EF)[1][:, 0].tolist() == list(range(ROWS, ROWS + len(QUERIES)))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("rows", [0, 1, 2, 30])
def test_few_rows(provider: str, rows: int) -> None:
    index = built(provider, vectors=VECTORS[:rows])
    assert (index.search(QUERIES, K)[1] >= 0).sum(axis=1).tolist() == [min(K, rows)] * len(QUERIES)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_measured_graph_lacks_the_rows_that_measure(provider: str) -> None:
    seen: list[tuple[GraphArrays, Any]] = []
    build_graph(
        VECTORS[:300],
        Metric.L2,
        Coverage(300, None),
        HnswParameters(4, 20, provider=Provider[provider.upper()]),
        held_out=20,
        measure=lambda graph, missing: seen.append((graph, missing)),
    )
    ((graph, missing),) = seen
    assert missing.size == 20 and (graph.links[missing] == -1).all()
    assert not np.isin(graph.links, missing).any() and not np.isin(graph.upper_links, missing).any()
    assert graph.entry not in missing


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_build_can_be_cancelled(provider: str) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCanceled):
        built(provider, cancel=token.word)


def test_what_libraries_do_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = vecengine.BitVectors(np.zeros((3, 2), np.uint8), 16)
    with pytest.raises(UnsupportedByFamily, match='provider "faiss" does not build graphs over such'):
        built("faiss", "hamming", bits)
    with pytest.raises(UnsupportedByFamily, match='provider "hnswlib" does not serve metric "l1"') as error:
        built("hnswlib", "l1")
    assert error.value.hint == "It serves l2, ip, cosine."
    monkeypatch.setattr(hnswlib_build, "is_installed", lambda: False)
    with pytest.raises(UnsupportedByFamily, match='provider "hnswlib" needs the package hnswlib'):
        built("hnswlib")
