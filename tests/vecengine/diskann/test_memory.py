"""Goal: an index of vectors four times larger than the memory that may be used is built and searched within it.

Method: a child process maps 192 MiB of vectors from a file, and watches its anonymous memory, of which the system cannot take
a page back, while it builds and while it searches from mapped buffers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROWS, DIMENSIONS = 24_576, 2048
VECTOR_BYTES = 4 * ROWS * DIMENSIONS

_CHILD = """
import json, sys, threading, time
import numpy as np
import vecengine
from vecengine import compiled

def anonymous():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("RssAnon"))

class Watch(threading.Thread):
    def __enter__(self):
        self.ends, self.base, self.peak = False, anonymous(), 0
        self.start()
        return self
    def run(self):
        while not self.ends:
            self.peak = max(self.peak, anonymous() - self.base)
            time.sleep(0.002)
    def __exit__(self, *_):
        self.ends = True
        self.join()

folder, rows, dimensions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
assert compiled.warm_up()
vectors = np.memmap(folder + "/vectors", np.float32, "w+", shape=(rows, dimensions))
rng = np.random.default_rng(1)
basis = rng.standard_normal((8, dimensions)).astype(np.float32)
for begin in range(0, rows, 1024):
    vectors[begin : begin + 1024] = rng.standard_normal((1024, 8)).astype(np.float32) @ basis
vectors.flush()
vectors = np.memmap(folder + "/vectors", np.float32, "r", shape=(rows, dimensions))
queries = rng.standard_normal((50, 8)).astype(np.float32) @ basis
options = {"max_degree": 12, "search_list_size": 16, "pq_bytes": 64, "build_memory_mb": 16, "refine_k": 10}
small = vecengine.build_index("diskann", vectors[:600], metric="l2", **options)
small.search(queries, 10)
with Watch() as building:
    index = vecengine.build_index("diskann", vectors, metric="l2", **options)
for name, buffer in index.to_buffers().items():
    np.save(f"{folder}/{name}.npy", buffer)
names = list(index.to_buffers())
del index
buffers = {name: np.load(f"{folder}/{name}.npy", mmap_mode="r") if name != "offsets" else np.zeros(0, np.int64) for name in names}
index = vecengine.load_index(buffers, vectors)
stats = vecengine.SearchStats()
with Watch() as searching:
    found, _ = index.search(queries, 10, ef_search=150, stats=stats)
truth, _ = vecengine.exact_search(vectors, queries, 10, metric="l2")
recall = float((found <= truth[:, -1:]).mean())
print(json.dumps([building.peak, searching.peak, stats.strategy, recall]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc says how much memory is anonymous")
def test_memory_is_a_quarter_of_the_vectors(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CHILD, str(tmp_path), str(ROWS), str(DIMENSIONS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    building, searching, strategy, recall = json.loads(done.stdout)
    assert building <= VECTOR_BYTES / 4, building
    assert searching <= VECTOR_BYTES / 16, searching
    assert strategy == "graph" and recall > 0.8
