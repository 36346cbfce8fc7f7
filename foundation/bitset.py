"""The one bitset convention: bit i, least-significant first, 1 = row offset i may be returned.

A bitset of n rows is a C-contiguous (ceil(n / 8),) uint8 array whose padding bits are 0. The order is that of
Arrow validity buffers and faiss' IDSelectorBitmap, so a filter result, a visibility set and a selector are
the same bytes. `None` in place of a bitset means "all rows", everywhere: no AND, no popcount.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bitset: TypeAlias = npt.NDArray[np.uint8]
"""(ceil(n / 8),) uint8, LSB first, padding zero."""

BoolMask: TypeAlias = npt.NDArray[np.bool_]
RowOffsets: TypeAlias = npt.NDArray[np.int64]


def byte_length(row_count: int) -> int:
    return (row_count + 7) >> 3


def bits_from_mask(mask: BoolMask) -> Bitset:
    """Pack an (n,) bool mask."""
    return np.packbits(mask, bitorder="little")


def mask_from_bits(bits: Bitset, row_count: int) -> BoolMask:
    """Unpack to an (n,) bool mask."""
    return np.unpackbits(bits, count=row_count, bitorder="little").view(np.bool_)


def bits_from_offsets(offsets: RowOffsets, row_count: int) -> Bitset:
    """Bitset with exactly the given row offsets set; duplicates are allowed."""
    mask = np.zeros(row_count, dtype=np.bool_)
    mask[offsets] = True
    return bits_from_mask(mask)


def offsets_from_bits(bits: Bitset | None, row_count: int) -> RowOffsets:
    """Ascending (m,) int64 row offsets of the set bits."""
    if bits is None:
        return np.arange(row_count, dtype=np.int64)
    return np.flatnonzero(mask_from_bits(bits, row_count)).astype(np.int64, copy=False)


def all_bits(row_count: int) -> Bitset:
    """Bitset with the first `row_count` bits set."""
    bits = np.full(byte_length(row_count), 0xFF, dtype=np.uint8)
    if row_count & 7:
        bits[-1] = (1 << (row_count & 7)) - 1
    return bits


def no_bits(row_count: int) -> Bitset:
    return np.zeros(byte_length(row_count), dtype=np.uint8)


def popcount(bits: Bitset | None, row_count: int) -> int:
    """How many of the rows are set; `None` counts as all."""
    if bits is None:
        return row_count
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def and_bits(left: Bitset | None, right: Bitset | None) -> Bitset | None:
    """Intersection; `None` is the neutral element. Never writes to its arguments."""
    if left is None:
        return right
    if right is None:
        return left
    return np.bitwise_and(left, right)


def is_set(bits: Bitset | None, offset: int) -> bool:
    return bits is None or bool(bits[offset >> 3] >> (offset & 7) & 1)
