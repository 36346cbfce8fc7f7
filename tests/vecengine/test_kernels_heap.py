"""Goal: the heaps order by key, and results by (key, row). Method: random pushes with many ties against sorting."""

from __future__ import annotations

import numpy as np
import pytest

kernels_heap = pytest.importorskip("vecengine.kernels_heap")


@pytest.mark.slow
def test_the_best_are_kept_in_order() -> None:
    rng = np.random.default_rng(1)
    for count in (1, 2, 3, 10, 64, 200):
        entries = [(float(rng.integers(0, 8)), int(row)) for row in rng.permutation(count)]
        keys, rows = np.empty(count), np.empty(count, dtype=np.int64)
        kept = max(1, count // 3)
        for number, (key, row) in enumerate(entries):
            if number < kept:
                kernels_heap.push_worst(keys, rows, number, key, row)
            elif kernels_heap.is_worse(keys[0], rows[0], key, row):
                kernels_heap.replace_worst(keys, rows, kept, key, row)
        kernels_heap.sort_ascending(keys, rows, kept)
        assert list(zip(keys[:kept].tolist(), rows[:kept].tolist(), strict=True)) == sorted(entries)[:kept]


@pytest.mark.slow
def test_the_nearest_come_first() -> None:
    entries = np.random.default_rng(2).integers(0, 50, 300).astype(np.float64)
    keys, nodes = np.empty(300), np.empty(300, dtype=np.int32)
    for size, key in enumerate(entries):
        kernels_heap.push_nearest(keys, nodes, size, key, size)
    popped = []
    for size in range(300, 0, -1):
        assert entries[nodes[0]] == keys[0]
        popped.append(keys[0])
        kernels_heap.drop_nearest(keys, nodes, size)
    assert popped == sorted(entries.tolist())
