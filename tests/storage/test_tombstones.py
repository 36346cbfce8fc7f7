"""Goal: each prefix of tombstones gives its own visibility. Method: random prefixes against a set."""

from __future__ import annotations

import numpy as np

from foundation.bitset import offsets_from_bits
from storage.rows import dense_ids, find_dense, find_in_sorted
from storage.tombstones import Tombstones


def test_prefixes_against_a_set() -> None:
    rng = np.random.default_rng(1)
    tombstones = Tombstones()
    order = rng.permutation(1000)
    for start in range(0, 1000, 37):
        tombstones.append(order[start : start + 37].astype(np.int64))
        assert tombstones.is_deleted(np.arange(1000)).sum() == tombstones.count
        for count in {0, 1, tombstones.count, int(rng.integers(tombstones.count + 1))}:
            row_count = max([*order[:count].tolist(), -1]) + 1 + int(rng.integers(5))
            bits = tombstones.visible_bits(row_count, count)
            visible = sorted(set(range(row_count)) - set(order[:count].tolist()))
            assert offsets_from_bits(bits, row_count).tolist() == visible
            assert (bits is None) == (count == 0)


def test_bitset_is_cached_and_read_only() -> None:
    tombstones = Tombstones()
    tombstones.append(np.array([3, 1]))
    bits = tombstones.visible_bits(10, 2)
    assert bits is tombstones.visible_bits(10, 2) and bits is not None and not bits.flags.writeable
    assert bits.tolist() == [0b11110101, 0b11]


def test_offsets_beyond_the_last_deleted_row_are_not_deleted() -> None:
    tombstones = Tombstones()
    assert not tombstones.is_deleted(np.array([0, 5])).any()
    tombstones.append(np.array([2]))
    assert tombstones.is_deleted(np.array([0, 2, 10**6])).tolist() == [False, True, False]


def test_row_ids_are_found() -> None:
    ids = np.array([4, 7, 2**63 + 5], dtype=np.uint64)
    asked = np.array([2**63 + 5, 0, 7, 5, 2**64 - 1], dtype=np.uint64)
    assert find_in_sorted(ids, asked).tolist() == [2, -1, 1, -1, -1]
    assert find_in_sorted(ids[:0], asked).tolist() == [-1] * 5
    assert dense_ids(7, 3).tolist() == [7, 8, 9]
    asked = np.array([6, 7, 9, 10, 0, 2**64 - 1], dtype=np.uint64)
    assert find_dense(7, asked, 3).tolist() == [-1, 0, 2, -1, -1, -1]
