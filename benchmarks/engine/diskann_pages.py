"""What searches of a `diskann` index read, and how fast they are with their pages on disk and in memory.

    python -m benchmarks.engine.diskann_pages --data real --folder DATA_FOLDER

Vectors and buffers are files that are mapped. Cold: the system is made to forget the pages of links and vectors, then each of the
first queries is searched by itself; codes stay, as they would in memory. Warm: the same queries again. Beside it the same graph
with one node at a time, without asking for pages ahead, and `hnsw` walked by the mapped vectors.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

import vecengine
from benchmarks.engine import data_sets
from benchmarks.engine.measure import recall_of
from vecengine import compiled
from vecengine.buffers import METADATA
from vecengine.diskann import search as paged
from vecengine.index import Buffers

K = 10
_COLD_QUERIES = 100
_BEAMS = (20, 40, 80, 160)


class MappedFiles:
    """Arrays in files of one folder, mapped, whose pages the system can be made to forget."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._maps: list[tuple[int, np.memmap[Any, Any]]] = []

    def mapped(self, name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same array from a file; an empty one cannot be mapped."""
        if not array.size:
            return array
        path = self._folder / name
        array.tofile(path)
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        data = np.memmap(path, array.dtype, "r", shape=array.shape)
        self._maps.append((file, data))
        return data

    def forget(self, *arrays: npt.NDArray[Any]) -> None:
        """Have the system drop the pages of some of the arrays from memory."""
        for file, data in self._maps:
            if any(np.shares_memory(data, array) for array in arrays):
                raw: Any = data._mmap  # type: ignore[attr-defined]
                raw.madvise(mmap.MADV_DONTNEED)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


def read_bytes() -> int:
    """Bytes this process has had read from disk."""
    with open("/proc/self/io") as counters:
        return next(int(line.split()[1]) for line in counters if line.startswith("read_bytes"))


def rounds(opened: Callable[[], vecengine.VectorIndex], data: data_sets.DataSet) -> Iterator[str]:
    """One line for each beam; `opened` gives the index as it is at first, its pages on disk."""
    queries, truth = data.queries[:_COLD_QUERIES], data.nearest[:_COLD_QUERIES]
    count = len(queries)
    for beam in _BEAMS:
        index = opened()
        stats, before = vecengine.SearchStats(), read_bytes()
        cold, found = timed(index, queries, beam, stats)
        read = read_bytes() - before
        warm = min(timed(index, queries, beam, vecengine.SearchStats())[0] for _ in range(3))
        yield (
            f"{beam:5d} {recall_of(found, truth):7.3f} {stats.pages / count:7.1f} {read / count / 1024:9.1f} "
            f"{count / cold:9.0f} {count / warm:9.0f}"
        )


def timed(
    index: vecengine.VectorIndex, queries: data_sets.Float32s, beam: int, stats: vecengine.SearchStats
) -> tuple[float, data_sets.Offsets]:
    """Seconds for the queries one by one, and the (nq, K) rows found."""
    begin = time.perf_counter()
    found = [index.search(query[None], K, ef_search=beam, stats=stats)[1][0] for query in queries]
    return time.perf_counter() - begin, np.asarray(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="real", help="real, or clustered-D")
    parser.add_argument("--folder", type=Path, default=Path("shared/data"))
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    assert compiled.warm_up()
    if arguments.data == "real":
        data = data_sets.real(arguments.folder, arguments.rows)
    else:
        data = data_sets.clustered(arguments.rows, int(arguments.data.partition("-")[2]))
    with tempfile.TemporaryDirectory() as folder:
        files = MappedFiles(Path(folder))
        vectors = files.mapped("vectors", data.vectors)
        graph = stored("diskann", {}, vectors, files)
        measure("diskann", graph, data, vectors, files)
        single = {**graph, METADATA: changed(graph[METADATA], beam_width=1)}
        measure("diskann, beam_width = 1", single, data, vectors, files)
        with patch.object(paged, "QUIET_QUERIES", 0):
            measure("diskann, beam_width = 1, nothing asked for ahead", single, data, vectors, files)
        plain = stored("hnsw", {"m": 24, "ef_construction": 128, "quantizer": "none"}, vectors, files)
        measure("hnsw without codes", plain, data, vectors, files)


def stored(family: str, options: dict[str, Any], vectors: Any, files: MappedFiles) -> Buffers:
    """Build an index and map its buffers from files."""
    begin = time.process_time()
    index = vecengine.build_index(family, vectors, metric="l2", **options)
    seconds = time.process_time() - begin
    print(f"{family} {options}: {seconds:.1f} s of processor time, {index.size_bytes >> 20} MiB")
    return {name: files.mapped(f"{family}.{name}", array) for name, array in index.to_buffers().items()}


def changed(metadata: npt.NDArray[Any], **parameters: int) -> npt.NDArray[np.uint8]:
    """The metadata of an index with other parameters."""
    fields = json.loads(metadata.tobytes())
    fields["parameters"].update(parameters)
    return np.frombuffer(json.dumps(fields).encode(), dtype=np.uint8)


def measure(title: str, buffers: Buffers, data: data_sets.DataSet, vectors: Any, files: MappedFiles) -> None:
    """Search one index at all beams."""

    def opened() -> Any:
        index: Any = vecengine.load_index(buffers, vectors)
        index._walk_cost = lambda beam, allowed_count: 0.0
        files.forget(vectors, buffers["links"])
        return index

    print(f"{title}\n beam  recall   pages  KiB read  cold q/s  warm q/s")
    for line in rounds(opened, data):
        print(line, flush=True)


if __name__ == "__main__":
    main()
