"""Product codes of 4 bits in blocks of 32 rows of one list; how a block is laid out stands in `vecengine.kernels_blocks`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.codes_product import (
    HEADER_BYTES,
    ProductBook,
    ProductVectors,
    packed,
    product_bytes,
)
from vecengine.codes_product import QUERY_HEADER as TABLES_BEGIN
from vecengine.metrics import Float32s
from vecengine.stored_vectors import Offsets, Rows, StoredVectors

ELEMENT_BLOCK = 11
BITS = 4
LANES = 32
TABLE_BYTES = 16
TERM_BYTES = 4 * LANES
QUERY_HEADER = 4
"""As in `kernels_blocks`, which cannot be imported without numba."""

_PIECES_AT_ONCE = 4
_ENTRY_MAX = 255
_SUM_MAX = 65535
_BLOCKS_AT_ONCE = 256

Data = npt.NDArray[np.uint8]


class BlockVectors(StoredVectors):
    """n rows of product codes of 4 bits in the order of lists, each list in blocks of its own; `shape` is (n, m).

    Args:
        data: (blocks, block_bytes) uint8.
        list_starts: (l + 1,) where each list begins among the rows, and n.
        pieces: m.
    """

    element = ELEMENT_BLOCK

    def __init__(self, data: Data, list_starts: Offsets, pieces: int) -> None:
        first_blocks = block_starts(list_starts)
        size = block_bytes(pieces)
        if data.shape != (first_blocks[-1], size):
            raise ValueError(f"blocks of {pieces} codes must be ({first_blocks[-1]}, {size}) uint8")
        data = np.ascontiguousarray(data)
        shape = int(list_starts[-1]), pieces
        super().__init__(shape, data.reshape(-1), first_blocks[:-1] * size, size // LANES)
        self.list_starts = list_starts

    def __getitem__(self, rows: Rows) -> BlockVectors:
        """Blocks are read list by list."""
        raise TypeError("blocks of codes have no rows of their own")

    @property
    def nbytes(self) -> int:
        return int(self.data.nbytes)

    @property
    def query_words(self) -> int:
        return QUERY_HEADER + padded_pieces(self.shape[1]) * TABLE_BYTES // 4

    def queries(self) -> Float32s:
        """No row of codes is compared with another: `block_tables` makes what they are compared with."""
        raise TypeError("product codes are compared with tables of queries")

    def blocks(self) -> Data:
        """(blocks, block_bytes) uint8."""
        return self.data.reshape(-1, block_bytes(self.shape[1]))

    def row_data(self) -> Data:
        """(n, row_bytes) uint8, the rows as `ProductVectors` has them."""
        pieces, blocks = self.shape[1], self.blocks()
        out = np.empty((self.shape[0], product_bytes(pieces, BITS)), dtype=np.uint8)
        slots = row_slots(self.list_starts)
        step = _BLOCKS_AT_ONCE * LANES
        for begin in range(0, slots.size, step):
            block, lane = np.divmod(slots[begin : begin + step], LANES)
            terms = blocks[:, :TERM_BYTES].reshape(-1, LANES, 4)[block, lane]
            both = blocks[block, TERM_BYTES:].reshape(block.size, -1, TABLE_BYTES)
            both = both[np.arange(block.size), :, lane % TABLE_BYTES][:, :pieces]
            codes = np.where(lane[:, None] < TABLE_BYTES, both & 15, both >> 4).astype(np.uint8)
            out[begin : begin + step, :HEADER_BYTES] = terms
            out[begin : begin + step, HEADER_BYTES:] = packed(codes, BITS)
        return out


def padded_pieces(pieces: int) -> int:
    """Pieces of a block, those that only fill up included."""
    return -(-pieces // _PIECES_AT_ONCE) * _PIECES_AT_ONCE


def block_bytes(pieces: int) -> int:
    """Size of a block."""
    return TERM_BYTES + padded_pieces(pieces) * TABLE_BYTES


def block_starts(list_starts: Offsets) -> Offsets:
    """(l + 1,) first block of each list, and the number of blocks."""
    starts = np.zeros(list_starts.size, dtype=np.int64)
    np.cumsum(-(-np.diff(list_starts) // LANES), out=starts[1:])
    return starts


def row_slots(list_starts: Offsets) -> Offsets:
    """(n,) the place of each row among all places of all blocks."""
    sizes = np.diff(list_starts)
    gaps = block_starts(list_starts)[:-1] * LANES - list_starts[:-1]
    return np.arange(list_starts[-1], dtype=np.int64) + np.repeat(gaps, sizes)


def arranged_blocks(rows: ProductVectors, list_starts: Offsets) -> BlockVectors:
    """Rows in the order of lists as blocks. Places without a row have a term of NaN, so that they are no match."""
    pieces = rows.shape[1]
    count = int(block_starts(list_starts)[-1])
    blocks = np.empty((count, block_bytes(pieces)), dtype=np.uint8)
    row_of = np.full(count * LANES, -1, dtype=np.int64)
    row_of[row_slots(list_starts)] = np.arange(rows.shape[0])
    for begin in range(0, count, _BLOCKS_AT_ONCE):
        some = row_of[begin * LANES : (begin + _BLOCKS_AT_ONCE) * LANES]
        part = rows[np.maximum(some, 0)]
        codes = np.zeros((some.size, padded_pieces(pieces)), dtype=np.uint8)
        codes[:, :pieces] = part.codes()
        halves = codes.reshape(-1, 2, TABLE_BYTES, codes.shape[1]).transpose(1, 0, 3, 2)
        terms = np.where(some >= 0, part.terms(), np.float32(np.nan)).reshape(-1, LANES)
        place = slice(begin, begin + terms.shape[0])
        blocks[place, :TERM_BYTES] = np.ascontiguousarray(terms).view(np.uint8)
        blocks[place, TERM_BYTES:] = (halves[0] | halves[1] << 4).reshape(terms.shape[0], -1)
    return BlockVectors(blocks, list_starts, pieces)


@dataclass(frozen=True, eq=False)
class BlockBook(ProductBook):
    """A book of product codes of 4 bits whose tables are rounded to bytes."""

    def query_tables(self, queries: Float32s) -> Float32s:
        """(nq, d) float32 queries as (nq, w) float32 that blocks are compared with."""
        exact = super().query_tables(queries)
        tables = exact[:, TABLES_BEGIN:].reshape(queries.shape[0], self.pieces, TABLE_BYTES)
        with np.errstate(all="ignore"):
            least = tables.min(axis=2)
            reach = (tables.max(axis=2) - least).astype(np.float64)
            # Rounding adds half a step a piece at most.
            steps = np.maximum(reach.max(axis=1) / _ENTRY_MAX, reach.sum(axis=1) / (_SUM_MAX - self.pieces))
            usable = np.isfinite(steps)
            steps = np.where(steps > 0, steps, 1.0)
            entries = np.rint((tables - least[:, :, None]) / steps[:, None, None])
            entries = np.where(usable[:, None, None], entries, 0)
        out = np.zeros((queries.shape[0], QUERY_HEADER + padded_pieces(self.pieces) * 4), dtype=np.float32)
        out[:, 0] = exact[:, 0]
        out[:, 1] = np.where(usable, least.sum(axis=1, dtype=np.float64), np.nan)
        out[:, 2] = np.where(usable, steps, np.nan)
        size = self.pieces * TABLE_BYTES
        bytes_of = out[:, QUERY_HEADER:].view(np.uint8)
        bytes_of[:, :size] = entries.astype(np.uint8).reshape(queries.shape[0], size)
        return out
