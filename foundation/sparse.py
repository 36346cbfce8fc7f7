"""Sparse vectors between their stored form and arrays of numbers.

A stored value is pgvector's wire form (`sparsevec_send` of pgvector/pgvector:src/sparsevec.c), big-endian words of four
bytes: dimensions, count n, zero, n indexes from 0 in ascending order, n float32 values, none of them zero.

    {1:1.5,3:-2}/5    00000005 00000002 00000000  00000000 00000002  3fc00000 c0000000

Every value has one form, so values are equal exactly when their bytes are. `order_keys` gives bytes whose order is
pgvector's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

HEADER_WORDS = 3
SPARSE_DIMENSIONS_MAX = 1_000_000_000
SPARSE_ELEMENTS_MAX = 16_000
_WORD_BYTES = 4
_KEY_BYTES, _END_BYTES = 9, 5
"""Of an element and of the end in an order key."""

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseRows:
    """n sparse vectors: row i has elements `starts[i]` to `starts[i] + counts[i]` of `indexes` and `values`.

    Attributes:
        dimensions: (n,) int32.
        starts: (n,) int64.
        counts: (n,) int64.
        indexes: (m,) int32 from 0, ascending within a row.
        values: (m,) float32, not zero.
    """

    dimensions: Int32s
    starts: Int64s
    counts: Int64s
    indexes: Int32s
    values: Float32s

    def __len__(self) -> int:
        return len(self.starts)

    def row(self, number: int) -> tuple[int, Int32s, Float32s]:
        """(dimensions, indexes, values) of one row."""
        part = slice(self.starts[number], self.starts[number] + self.counts[number])
        return int(self.dimensions[number]), self.indexes[part], self.values[part]

    def owners(self) -> Int64s:
        """(sum of counts,) the row of each element, for rows whose elements follow one another."""
        return np.repeat(np.arange(len(self)), self.counts)


@dataclass(frozen=True, slots=True)
class SparseWords:
    """n sparse vectors where they are stored: nothing is copied or turned round.

    Attributes:
        words: (w,) uint32, big-endian words as the machine reads them.
        heads: (n,) int64, the word at which each vector begins.
    """

    words: npt.NDArray[np.uint32]
    heads: Int64s

    def __len__(self) -> int:
        return len(self.heads)

    def dimensions(self) -> Int32s:
        """(n,) dimensions."""
        return self.words[self.heads].byteswap().view(np.int32)

    def row(self, number: int) -> tuple[Int32s, Float32s]:
        """(indexes, values) of one row."""
        head = int(self.heads[number])
        count = int(self.words[head + 1].byteswap())
        body = self.words[head + HEADER_WORDS : head + HEADER_WORDS + 2 * count].byteswap()
        return body[:count].view(np.int32), body[count:].view(np.float32)


def sparse_words(column: pa.Array, rows: npt.NDArray[Any] | None = None) -> SparseWords:
    """A stored column without a copy.

    Args:
        column: (n,) binary, every value but NULL in the stored form.
        rows: offsets or (n,) mask of the rows wanted, none of them NULL; None = all.
    """
    _, offset_buffer, data_buffer = column.buffers()
    if not len(column) or data_buffer is None:
        return SparseWords(np.zeros(0, np.uint32), np.zeros(0, np.int64))
    offsets = np.frombuffer(offset_buffer, np.int32, len(column), column.offset * _WORD_BYTES)
    heads = offsets.astype(np.int64) // _WORD_BYTES
    words = np.frombuffer(data_buffer, np.uint32, data_buffer.size // _WORD_BYTES)
    return SparseWords(words, heads if rows is None else heads[rows])


def pack_sparse(dimensions: int, indexes: npt.ArrayLike, values: npt.ArrayLike) -> bytes:
    """The stored form of one vector; the arguments must obey the module's rules."""
    places, numbers = np.asarray(indexes, dtype=">i4"), np.asarray(values, dtype=">f4")
    head = np.array((dimensions, len(places), 0), dtype=">i4")
    return head.tobytes() + places.tobytes() + numbers.tobytes()


def sparse_rows(column: pa.Array) -> SparseRows:
    """A stored column without NULLs as arrays; one pass turns all words round.

    Args:
        column: (n,) binary, every value in the stored form.
    """
    count = len(column)
    if not count:
        empty = np.empty(0, np.int64)
        return SparseRows(
            empty.astype(np.int32), empty, empty, empty.astype(np.int32), np.empty(0, np.float32)
        )
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, count + 1, column.offset * _WORD_BYTES).astype(np.int64)
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    words = np.frombuffer(data.tobytes(), ">i4").astype(np.int32)
    heads = (offsets[:-1] - offsets[0]) // _WORD_BYTES
    counts = words[heads + 1].astype(np.int64)
    starts = np.cumsum(counts) - counts
    # Element number e of all elements, of row r, is word heads[r] + 3 + e - starts[r]; its value counts[r] further on.
    places = np.arange(int(counts.sum())) + np.repeat(heads + HEADER_WORDS - starts, counts)
    values = words[places + np.repeat(counts, counts)].view(np.float32)
    return SparseRows(words[heads], starts, counts, words[places], values)


def sparse_column(rows: SparseRows, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """The stored column of rows whose elements follow one another.

    Args:
        valid: (k,) which of k values of the column are not NULL, in the order of the rows; None when all are.
    """
    counts = rows.counts
    sizes = HEADER_WORDS + 2 * counts
    heads = np.cumsum(sizes) - sizes
    words = np.zeros(int(sizes.sum()), np.int32)
    words[heads] = rows.dimensions
    words[heads + 1] = counts
    places = np.arange(int(counts.sum())) + np.repeat(
        heads + HEADER_WORDS - (np.cumsum(counts) - counts), counts
    )
    words[places] = rows.indexes
    words[places + np.repeat(counts, counts)] = rows.values.astype(np.float32, copy=False).view(np.int32)
    lengths = sizes * _WORD_BYTES
    validity = None
    if valid is not None and not valid.all():
        spread = np.zeros(len(valid), np.int64)
        spread[valid] = lengths
        lengths, validity = spread, pa.py_buffer(np.packbits(valid, bitorder="little"))
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(words.astype(">i4"))]
    return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)


def float_order_bytes(values: Float32s) -> npt.NDArray[np.uint8]:
    """(..., 4) bytes whose order is that of (...) float32 numbers; -0 is 0, NaN is not handled."""
    bits = (values + np.float32(0)).view(np.uint32)
    keys = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return keys.astype(">u4")[..., None].view(np.uint8)


def order_keys(rows: SparseRows) -> pa.Array:
    """(n,) large_binary that sorts as pgvector sorts: element by element, zeros included, then by dimensions.

    An element is 9 bytes: whether it is positive, its place on a scale, its value. A positive element at index i sorts above
    every vector that is zero there, the higher the smaller i is. A negative one sorts below those, the lower the smaller i
    is, but above vectors that end before i, which is why ends (2 d, 5 bytes) and negative elements (2 i + 1) share a scale.
    """
    elements = np.zeros((len(rows.values), _KEY_BYTES), np.uint8)
    positive = rows.values > 0
    elements[:, 0] = positive
    wide = rows.indexes.astype(np.int64)
    scale = np.where(positive, 0xFFFFFFFF - wide, 2 * wide + 1).astype(">u4")
    elements[:, 1:5] = scale[:, None].view(np.uint8)
    elements[:, 5:] = float_order_bytes(rows.values)
    ends = np.zeros((len(rows), _END_BYTES), np.uint8)
    ends[:, 1:] = (2 * rows.dimensions.astype(np.int64)).astype(">u4")[:, None].view(np.uint8)
    borders = np.concatenate(([0], np.cumsum(_KEY_BYTES * rows.counts + _END_BYTES)))
    is_end = np.zeros(int(borders[-1]), np.bool_)
    is_end[(borders[1:, None] - _END_BYTES + np.arange(_END_BYTES)).reshape(-1)] = True
    data = np.empty(len(is_end), np.uint8)
    data[is_end], data[~is_end] = ends.reshape(-1), elements.reshape(-1)
    buffers = [None, pa.py_buffer(borders.astype(np.int64)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(rows), buffers)
