"""Sparse vectors between their stored form and arrays of numbers.

A stored value is pgvector's wire form (`sparsevec_send` of pgvector/pgvector:src/sparsevec.c), big-endian words of four
bytes: dimensions, count n, zero, n indexes from 0 in ascending order, n float32 values, none of them zero.

    {1:1.5,3:-2}/5    00000005 00000002 00000000  00000000 00000002  3fc00000 c0000000

Every value has one form, so values are equal exactly when their bytes are. `order_key` gives bytes whose order is
pgvector's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

HEADER_WORDS = 3
SPARSE_DIMENSIONS_MAX = 1_000_000_000
SPARSE_ELEMENTS_MAX = 16_000
_WORD_BYTES = 4

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


def order_key(rows: SparseRows, number: int) -> bytes:
    """Bytes that sort as pgvector sorts: element by element, zeros included, then by dimensions.

    A positive element at index i comes before no zero: it sorts above every vector that is zero there, the higher the
    smaller i is. A negative one sorts below those, the lower the smaller i is, but above vectors that end before i,
    which is why ends (2 d) and negative elements (2 i + 1) share one scale.
    """
    dimensions, indexes, values = rows.row(number)
    parts = np.zeros((len(indexes), 9), np.uint8)
    positive = values > 0
    parts[:, 0] = positive
    wide = indexes.astype(np.int64)
    scale = np.where(positive, 0xFFFFFFFF - wide, 2 * wide + 1).astype(">u4")
    parts[:, 1:5] = scale[:, None].view(np.uint8)
    parts[:, 5:] = float_order_bytes(values)
    return parts.tobytes() + b"\0" + (2 * dimensions).to_bytes(4, "big")
