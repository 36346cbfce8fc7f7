"""Recall, distances and speed of `hnsw` on real embeddings, beside faiss' HNSW at the same parameters.

    python -m benchmarks.vecengine.hnsw_recall DATA_FOLDER [--cache FOLDER] [--rounds 3] [--float16]

DATA_FOLDER holds `debian_packages.parquet` and `debian_queries.parquet` (61,666 and 1,000 rows, 384 dimensions).
Without them it says so and ends well. Everything runs on one thread; ours and faiss take turns within a round,
and a figure is the median of the rounds. `--cache` keeps the built indexes between runs.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import vecengine
from foundation.bitset import bits_from_mask
from vecengine.hnsw.index import HnswIndex

K = 10
M = 16
EF_CONSTRUCTION = 128
TARGET_RECALL = 0.97
BEAMS = (20, 40, 80, 160)

Matrix = npt.NDArray[Any]
Answer = tuple[Matrix, Matrix]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the two Parquet files")
    parser.add_argument("--cache", type=Path, help="folder to keep built indexes in")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--float16", action="store_true", help="search the vectors as they are stored")
    options = parser.parse_args()
    paths = [options.data / "debian_packages.parquet", options.data / "debian_queries.parquet"]
    if not all(path.exists() for path in paths):
        print(f"skipped: no {paths[0].name} and {paths[1].name} in {options.data}")
        return 0
    packages, queries = pq.read_table(paths[0]), embeddings(pq.read_table(paths[1])).astype(np.float32)
    vectors = embeddings(packages)
    started = time.perf_counter()
    vecengine.warm_up()
    print(f"machine: {platform.machine()}, {vecengine.simd_level()}, kernels after {seconds(started)} s")
    print(f"data: {vectors.shape[0]} x {vectors.shape[1]}, {len(queries)} queries, cosine, m {M},")
    print(f"      ef_construction {EF_CONSTRUCTION}, recall@{K} against exact search, one thread")
    wide = vectors.astype(np.float32)
    index = build_ours(vectors if options.float16 else wide, options.cache)
    baseline = build_faiss(wide, options.cache)
    compare_unfiltered(index, baseline, vectors if options.float16 else wide, queries, options.rounds)
    compare_filtered(index, vectors if options.float16 else wide, queries, packages)
    return 0


def seconds(started: float) -> str:
    return f"{time.perf_counter() - started:.1f}"


def embeddings(table: pa.Table) -> Matrix:
    """(n, d) float16, contiguous."""
    column = table.column("embedding").combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(flat.reshape(len(column), -1))


def build_ours(vectors: Matrix, cache: Path | None) -> HnswIndex:
    path = None if cache is None else cache / f"quiver_{vectors.dtype}.idx"
    if path is not None and path.exists():
        return HnswIndex.load(path, vectors)
    started = time.perf_counter()
    index = vecengine.build_index("hnsw", vectors, metric="cosine", m=M, ef_construction=EF_CONSTRUCTION)
    print(
        f"build: ours {seconds(started)} s with its recall curve, {index.size_bytes >> 20} MiB beside the vectors"
    )
    assert isinstance(index, HnswIndex)
    if path is not None:
        index.save(path)
    return index


def build_faiss(vectors: Matrix, cache: Path | None) -> Any:
    """IndexHNSWFlat over unit vectors by l2, which orders as cosine does."""
    import faiss

    faiss.omp_set_num_threads(1)
    path = None if cache is None else cache / "faiss.idx"
    if path is not None and path.exists():
        return faiss.read_index(str(path))
    started = time.perf_counter()
    index = faiss.IndexHNSWFlat(vectors.shape[1], M)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    print(f"build: faiss {seconds(started)} s")
    if path is not None:
        faiss.write_index(index, str(path))
    return index


def recall(found: Matrix, truth: Matrix) -> float:
    """Share of the true rows that were found; 1 where there are none."""
    hits = sum(len(set(a[a >= 0]) & set(b[b >= 0])) for a, b in zip(found, truth, strict=True))
    return hits / max(1, int((truth >= 0).sum()))


def timed(search: Callable[[Matrix], Answer], queries: Matrix) -> tuple[float, Matrix]:
    """Queries a second, asked one by one as a server would, and the offsets found."""
    started = time.perf_counter()
    found = np.concatenate([search(query[None, :])[1] for query in queries])
    return len(queries) / (time.perf_counter() - started), found


def compare_unfiltered(
    index: HnswIndex, baseline: Any, vectors: Matrix, queries: Matrix, rounds: int
) -> None:
    import faiss

    truth = vecengine.exact_search(vectors, queries, K, metric="cosine")[1]
    unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    automatic = index.beam_for(K, TARGET_RECALL)
    print(f"\n{'beam':>14} {'engine':>7} {'recall':>7} {'distances/query':>16} {'queries/s':>10}")
    for beam in (*BEAMS, automatic):
        ours, theirs = [], []
        baseline.hnsw.efSearch = beam
        for _ in range(rounds):
            ours.append(timed(lambda query, ef=beam: index.search(query, K, ef_search=ef), queries))  # type: ignore[misc]
            theirs.append(timed(lambda query: baseline.search(query, K), unit))
        stats = vecengine.SearchStats()
        index.search(queries, K, ef_search=beam, stats=stats)
        counters: Any = faiss.cvar
        counters.hnsw_stats.reset()
        baseline.search(unit, K)
        counts = (stats.distances / len(queries), counters.hnsw_stats.ndis / len(queries))
        label = f"{beam}" if beam != automatic else f"{beam} (for {TARGET_RECALL})"
        for name, runs, count in (("ours", ours, counts[0]), ("faiss", theirs, counts[1])):
            speed = statistics.median(speed for speed, _ in runs)
            print(f"{label:>14} {name:>7} {recall(runs[0][1], truth):7.4f} {count:16.0f} {speed:10.0f}")


def filters(packages: pa.Table) -> dict[str, Matrix]:
    """SQL condition -> (n,) bool mask."""
    section, name = packages.column("section"), packages.column("name")
    size, depends = packages.column("installed_kib"), packages.column("n_depends")
    rust = pc.and_(pc.equal(section, "rust"), pc.greater(size, 1000))
    between = pc.and_(pc.greater_equal(depends, 3), pc.less_equal(depends, 5))
    either = pc.or_(pc.equal(section, "metapackages"), pc.equal(packages.column("priority"), "required"))
    masks = {
        "section = 'python'": pc.equal(section, "python"),
        "section = 'rust' AND installed_kib > 1000": rust,
        "n_depends BETWEEN 3 AND 5": between,
        "name LIKE 'lib%'": pc.starts_with(name, "lib"),
        "section = 'metapackages' OR priority = 'required'": either,
        "name IN (three rows)": pc.is_in(name, name.slice(0, 61000).take([7, 30000, 60000])),
        "false": pc.equal(section, "no such section"),
        "true, as a filter": pc.is_valid(name),
        "installed_kib > 100": pc.greater(size, 100),
    }
    return {text: np.asarray(pc.fill_null(mask, False).combine_chunks()) for text, mask in masks.items()}


def compare_filtered(index: HnswIndex, vectors: Matrix, queries: Matrix, packages: pa.Table) -> None:
    """The strategy that `estimate` makes cheapest, and the graph where it is not, against exact search."""
    header = f"{'rows':>6} {'strategy':>15} {'beam':>5} {'recall':>7} {'distances':>10} {'redone':>7} {'queries/s':>10}"
    print(f"\n{header}  filter")
    for text, mask in filters(packages).items():
        bits, rows = bits_from_mask(mask), int(mask.sum())
        truth = vecengine.exact_search(vectors, queries, K, metric="cosine", allowed_bits=bits)[1]
        for rank, way in enumerate(index.estimate(K, rows, TARGET_RECALL)):
            stats = vecengine.SearchStats()

            def search(query: Matrix, way: Any = way, bits: Any = bits, stats: Any = stats) -> Answer:
                if way.strategy == "exact":
                    stats.distances += int(rows)  # noqa: B023
                    return vecengine.exact_search(vectors, query, K, metric="cosine", allowed_bits=bits)
                return index.search(query, K, bits, way.ef_search, stats=stats)

            speed, found = timed(search, queries)
            complete = bool(((found >= 0).sum(axis=1) == min(K, rows)).all())
            choice = "*" if rank == 0 else " "
            print(
                f"{rows:6} {choice}{way.strategy:>14} {way.ef_search:5} {recall(found, truth):7.4f}"
                f" {stats.distances / len(queries):10.0f} {stats.completed_exactly:7} {speed:10.0f}  {text}"
                + ("" if complete else "  SHORT")
            )
    print("* the strategy that `estimate` makes cheapest")


if __name__ == "__main__":
    sys.exit(main())
