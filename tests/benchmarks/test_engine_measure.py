"""Goal: the engine's benchmark says what it measured. Method: points made by hand, and a run over little data."""

from __future__ import annotations

import json
import mmap
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.engine import memory
from benchmarks.engine.contenders import Ours, contenders
from benchmarks.engine.data_sets import DataSet, K, clustered
from benchmarks.engine.filtered import filtered_cells
from benchmarks.engine.measure import Load, Point, build, rate_at, recall_of, sweep
from benchmarks.engine.report import Built, Run, table

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much memory is anonymous")
POINTS = [Point(10, 0.90, (400.0,)), Point(20, 0.98, (150.0, 100.0, 100.0)), Point(40, 0.995, (50.0,))]


@pytest.mark.parametrize(
    ("recall", "expected"),
    [(0.5, 400.0), (0.90, 400.0), (0.94, 200.0), (0.98, 100.0), (0.995, 50.0), (0.999, None)],
)
def test_a_rate_at_a_recall(recall: float, expected: float | None) -> None:
    found = rate_at(POINTS, recall)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_recall_counts_true_rows() -> None:
    truth = np.array([[1, 2], [3, 4]])
    assert recall_of(np.array([[2, 9], [4, 3]]), truth) == 0.75


@pytest.fixture(scope="module")
def data() -> DataSet:
    some = clustered(3000, 64)
    return replace(some, queries=some.queries[:20])


def test_the_true_neighbours(data: DataSet) -> None:
    allowed = np.arange(0, 3000, 7)
    for rows, found in ((np.arange(3000), data.nearest), (allowed, data.nearest_of(allowed))):
        distances = np.linalg.norm(data.vectors[rows] - data.queries[0], axis=1)
        assert set(found[0]) == set(rows[np.argsort(distances)[:K]])


@pytest.mark.slow
def test_a_run(data: DataSet, tmp_path: Path) -> None:
    some = contenders(["hnsw", "faiss-hnsw", "faiss-flat"])
    for contender in some:
        contender.knobs = contender.knobs[-1:]
    built = {c.name: Built(build(c, data, threads=2), c.size_bytes / 3000) for c in some}
    load = Load(batch=1, threads=2)
    curves = sweep(some, data, load, turns=1)
    assert all(point.recall > 0.98 and point.rate > 0 for points in curves.values() for point in points)
    ours = some[0]
    assert isinstance(ours, Ours)
    cells = filtered_cells(ours, some[2], data, turns=1)
    assert min(cell.recall for cell in cells) > 0.9
    run = Run(data.name, 3000, 64, 2, built, {load.name: curves}, cells)
    assert json.loads(run.to_json())["environment"]["commit"]
    assert "quiver hnsw sq8" in table(run)


@needs_proc
def test_peaks_of_memory() -> None:
    before = memory.memory()
    # An array might be given memory that the process has already.
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    with memory.peaks() as peak, mmap.mmap(-1, 32 << 20, flags=private) as held:
        for page in range(0, len(held), mmap.PAGESIZE):
            held[page] = 1
        time.sleep(3 * memory.SAMPLE_SECONDS)
    assert peak["RssAnon"] - before["RssAnon"] >= 30 << 20


@needs_proc
@pytest.mark.slow
def test_the_memory_of_a_mapped_index(tmp_path: Path) -> None:
    memory.prepare(tmp_path, "clustered-64", 3000, None)
    memory.build(tmp_path, ef_construction=64, threads=2)
    memory.serve(tmp_path)
    built, served = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("build", "serve"))
    assert built["vectors"] == 3000 * 64 * 4 and built["index"] > 3000 * 64
    assert min(point["recall"] for point in served["points"]) > 0.95
    assert memory.table(built, served).startswith("3,000 x 64, built in ")
