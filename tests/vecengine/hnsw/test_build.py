"""Goal: builds are complete, deterministic, observable and can be cancelled. Method: build small graphs and look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.coverage import Coverage
from vecengine.hnsw.build import CHUNK_ROWS, build_graph
from vecengine.hnsw.parameters import HnswParameters
from vecengine.metrics import Metric

VECTORS: Any = np.random.default_rng(1).normal(size=(2 * CHUNK_ROWS + 100, 6)).astype(np.float32)
COVERAGE = Coverage(len(VECTORS), None)


def test_a_build_with_one_thread_is_deterministic() -> None:
    first, second = (build_graph(VECTORS, Metric.L2, COVERAGE, HnswParameters(8, 16)) for _ in range(2))
    for name, buffer in first.to_buffers().items():
        np.testing.assert_array_equal(buffer, second.to_buffers()[name])
    assert (first.entry, first.level_max) == (second.entry, second.level_max)


def test_lists_are_packed_and_levels_fit() -> None:
    graph = build_graph(VECTORS, Metric.L2, COVERAGE, HnswParameters(8, 16))
    assert graph.links.shape == (len(VECTORS), 16)
    is_link = graph.links >= 0
    assert (is_link[:, :-1] | ~is_link[:, 1:]).all(), "a list ends at its first -1"
    assert (graph.links != np.arange(len(VECTORS))[:, None]).all()
    levels = graph.levels()
    assert levels[graph.entry] == graph.level_max == levels.max()
    assert graph.upper_links.shape == (levels.sum(), 8)


def test_every_row_is_found_from_the_entry() -> None:
    """Links lead everywhere: breadth first over level 0 reaches all rows but a stray few."""
    graph = build_graph(VECTORS, Metric.L2, COVERAGE, HnswParameters(8, 32))
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
    assert seen == [(CHUNK_ROWS, len(VECTORS))]
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


@pytest.mark.parametrize("metric", list(Metric))
def test_extreme_values_build(metric: Metric) -> None:
    """Huge, tiny and mixed norms neither crash the build nor lose a row."""
    vectors: Any = VECTORS[:600] * np.float32(10) ** np.linspace(-30, 18, 600, dtype=np.float32)[:, None]
    index = vecengine.build_index("hnsw", vectors, metric=metric.name.lower())
    _, offsets = index.search(VECTORS[:3], 50, ef_search=100)
    assert (offsets >= 0).all()
