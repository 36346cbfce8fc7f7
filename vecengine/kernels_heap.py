"""Binary heaps in parallel arrays, for kernels: a min-heap of candidates and a max-heap of the best results.

The max-heap orders by (key, row), so of equal keys the higher row offset is the worse one. The caller owns the
arrays and the size. Sources: any textbook; sift loops as in faiss (utils/Heap.h).
"""

from __future__ import annotations

import numpy as np

from vecengine.kernels_types import compile_function


@compile_function
def push_nearest(keys: np.ndarray, nodes: np.ndarray, size: int, key: float, node: int) -> None:
    """Add to a min-heap of `size` entries; the caller counts."""
    hole = size
    while hole > 0:
        parent = (hole - 1) >> 1
        if keys[parent] <= key:
            break
        keys[hole] = keys[parent]
        nodes[hole] = nodes[parent]
        hole = parent
    keys[hole] = key
    nodes[hole] = node


@compile_function
def drop_nearest(keys: np.ndarray, nodes: np.ndarray, size: int) -> None:
    """Remove the root of a min-heap of `size` entries; the caller has read it and counts."""
    last = size - 1
    key = keys[last]
    node = nodes[last]
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= last:
            break
        if child + 1 < last and keys[child + 1] < keys[child]:
            child += 1
        if key <= keys[child]:
            break
        keys[hole] = keys[child]
        nodes[hole] = nodes[child]
        hole = child
    keys[hole] = key
    nodes[hole] = node


@compile_function
def is_worse(key: float, row: int, other_key: float, other_row: int) -> bool:
    """Whether (key, row) comes after (other_key, other_row) in an answer."""
    return key > other_key or (key == other_key and row > other_row)


@compile_function
def push_worst(keys: np.ndarray, rows: np.ndarray, size: int, key: float, row: int) -> None:
    """Add to a max-heap of `size` entries; the caller counts."""
    hole = size
    while hole > 0:
        parent = (hole - 1) >> 1
        if not is_worse(key, row, keys[parent], rows[parent]):
            break
        keys[hole] = keys[parent]
        rows[hole] = rows[parent]
        hole = parent
    keys[hole] = key
    rows[hole] = row


@compile_function
def replace_worst(keys: np.ndarray, rows: np.ndarray, size: int, key: float, row: int) -> None:
    """Put an entry in the place of the root of a max-heap of `size` entries."""
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and is_worse(keys[child + 1], rows[child + 1], keys[child], rows[child]):
            child += 1
        if not is_worse(keys[child], rows[child], key, row):
            break
        keys[hole] = keys[child]
        rows[hole] = rows[child]
        hole = child
    keys[hole] = key
    rows[hole] = row


@compile_function
def sort_ascending(keys: np.ndarray, rows: np.ndarray, size: int) -> None:
    """Turn a max-heap of `size` entries into an ascending list, in place."""
    last = size - 1
    while last > 0:
        key = keys[0]
        row = rows[0]
        replace_worst(keys, rows, last, keys[last], rows[last])
        keys[last] = key
        rows[last] = row
        last -= 1
