"""What an `hnsw` index takes of memory while it is built and while it serves, its vectors being a mapped file.

    python -m benchmarks.engine.memory --data clustered-128 --rows 10000000 --folder FOLDER_WITH_ROOM

Three processes, one after the other, so that each has its own memory: one makes vectors, queries and the true neighbours; one maps
the vectors, builds an index and saves it; one maps the vectors and the index's buffers, and searches. Anonymous memory is
what no file stands behind (RssAnon in /proc/self/status); mapped pages the system may drop and read again. Its peak is that of samples,
a tenth of a second apart.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import vecengine
from benchmarks.engine import data_sets
from benchmarks.engine.contenders import EF_CONSTRUCTION, M
from benchmarks.engine.measure import recall_of
from benchmarks.engine.report import environment

K = data_sets.K
_QUERIES = 100
_BEAMS = (40, 80, 160, 320)
SAMPLE_SECONDS = 0.1
_FIELDS = ("RssAnon", "VmRSS")


def memory() -> dict[str, int]:
    """Bytes of anonymous memory and of all that is resident."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {field: int(lines[field].split()[0]) << 10 for field in _FIELDS}


@contextmanager
def peaks() -> Iterator[dict[str, int]]:
    """The largest of each number of `memory` inside the block; complete behind it."""
    found = memory()
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for field, value in memory().items():
                found[field] = max(found[field], value)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield found
    finally:
        done.set()
        sampler.join()


def prepare(folder: Path, name: str, rows: int, source: Path | None) -> None:
    """Write vectors, some queries and their true neighbours."""
    if name == "real":
        assert source is not None
        data = data_sets.real(source, rows)
    else:
        data = data_sets.clustered(rows, int(name.rpartition("-")[2]))
    data = replace(data, queries=data.queries[:_QUERIES])
    for part in ("vectors", "queries", "nearest"):
        np.save(folder / f"{part}.npy", getattr(data, part))


def build(folder: Path, ef_construction: int, threads: int) -> None:
    """Build an index over the mapped vectors, save its buffers and tell what that took."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    vecengine.warm_up()
    before = memory()
    begin = time.perf_counter()
    with peaks() as peak:
        index = vecengine.build_index(
            "hnsw", vectors, metric="l2", m=M, ef_construction=ef_construction, threads=threads
        )
    seconds = time.perf_counter() - begin
    report = {
        "rows": len(vectors),
        "dimensions": vectors.shape[1],
        "ef_construction": ef_construction,
        "threads": threads,
        "vectors": vectors.nbytes,
        "index": index.size_bytes,
        "build_seconds": round(seconds, 1),
        "before": before,
        "peak": peak,
        "after": memory(),
    }
    for number, (name, buffer) in enumerate(index.to_buffers().items()):
        np.save(folder / f"buffer{number}.{name}.npy", buffer)
    (folder / "build.json").write_text(json.dumps(report))


def serve(folder: Path) -> None:
    """Search the saved index, everything mapped, and tell what that took."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    queries, nearest = (np.load(folder / f"{part}.npy") for part in ("queries", "nearest"))
    buffers = {path.name.split(".")[1]: np.load(path, mmap_mode="r") for path in folder.glob("buffer*.npy")}
    vecengine.warm_up()
    before = memory()
    index = vecengine.load_index(buffers, vectors)
    points = []
    for beam in _BEAMS:
        begin = time.perf_counter()
        found = [index.search(query[None], K, None, beam)[1][0] for query in queries]
        rate = len(queries) / (time.perf_counter() - begin)
        points.append({"beam": beam, "recall": recall_of(np.asarray(found), nearest), "rate": round(rate)})
    report = {"before": before, "after": memory(), "points": points}
    (folder / "serve.json").write_text(json.dumps(report))


def table(built: Mapping[str, Any], served: Mapping[str, Any]) -> str:
    """What the two processes told; what came since they began as shares of the vectors' bytes."""
    size = built["vectors"]

    def line(title: str, report: Mapping[str, Any], moment: str) -> str:
        cells = [
            f"{report[moment][field] / 2**20:8,.0f} MiB {(report[moment][field] - report['before'][field]) / size:5.2f}"
            for field in _FIELDS
        ]
        return f"{title:16s} {'  '.join(cells)}"

    told = "{rows:,} x {dimensions}, built in {build_seconds} s on {threads} threads".format(**built)
    return "\n".join(
        [
            f"{told}; {size / 2**20:,.0f} MiB of vectors",
            f"{'':16s} {'anonymous':>18s}  {'resident':>18s}",
            line("before a build", built, "before"),
            line("its peak", built, "peak"),
            line("after it", built, "after"),
            line("before searches", served, "before"),
            line("after them", served, "after"),
            *(
                "beam {beam}: recall {recall:.4f}, {rate:,} queries a second".format(**p)
                for p in served["points"]
            ),
        ]
    )


def run(folder: Path, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the build and the searches told, each a process of its own."""
    fresh = multiprocessing.get_context("spawn")
    for stage, arguments in (
        (prepare, (folder, options.data, options.rows, options.source)),
        (build, (folder, options.ef_construction, options.threads)),
        (serve, (folder,)),
    ):
        process = fresh.Process(target=stage, args=arguments)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{stage.__name__} failed with exit code {process.exitcode}")
    built, served = (json.loads((folder / f"{name}.json").read_text()) for name in ("build", "serve"))
    return built, served


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="clustered-128", help="real, or clustered-DIMENSIONS")
    parser.add_argument("--source", type=Path, help="folder of the two Parquet files of the real data")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2, help="of the build")
    parser.add_argument("--ef-construction", type=int, default=EF_CONSTRUCTION)
    parser.add_argument("--folder", type=Path, help="where there is room for vectors and index")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        built, served = run(Path(name), options)
    report = {"build": built, "searches": served, "environment": environment()}
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"memory_{built['dimensions']}x{built['rows']}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(table(built, served))


if __name__ == "__main__":
    main()
