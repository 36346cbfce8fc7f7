"""The lists of a `sparse_inverted` index as flat arrays: how they are made of rows, their stored form and its check.

Rows are cut into blocks; a block has, for each dimension its rows have elements of, a *segment* of that dimension's
list: a posting for each such element, which is the row's place in the block and the weight. So a block depends on
its own rows alone: blocks are made on any number of threads, an extension keeps those whose rows are the same, and an appended row
touches the last one only.

    block_segments  (b + 1,) int64    first segment of each block, and the number of segments
    segment_dims    (s,)     int32    dimension of each, ascending in a block
    segment_starts  (s + 1,) int64    where each begins among the postings, and their number
    highs, lows     (s,)     float32  the largest weight of each or 0, the smallest or 0
    posting_rows    (p,)     uint16   places in the block, ascending in a segment
    weights         (p,)     float32

Example of blocks of 64 rows, row 0 {1:2,3:-1}, row 1 {1:4}: block_segments 0 2, segment_dims 1 3 (the elements count from 0: 0 2),
segment_starts 0 2 3, highs 4 0, lows 0 -1, posting_rows 0 1 0, weights 2 4 -1.

The kernel follows all of them unchecked, so `load_postings` checks every one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from foundation.sparse import HEADER_WORDS, Float32s, Int32s, Int64s
from vecengine.buffers import check_range, take_array
from vecengine.errors import DamagedIndex
from vecengine.index import Buffers
from vecengine.stored_vectors import SparseVectors

Places = npt.NDArray[np.uint16]

_PLACE_BITS = 16
_PERCENT = 100


@dataclass(frozen=True, eq=False)
class PostingArrays:
    """See the module. Blocks of one index, or some of them with their starts counted from 0."""

    block_segments: Int64s
    segment_dims: Int32s
    segment_starts: Int64s
    highs: Float32s
    lows: Float32s
    rows: Places
    weights: Float32s

    @property
    def block_count(self) -> int:
        return int(self.block_segments.size - 1)

    @property
    def size_bytes(self) -> int:
        return sum(array.nbytes for array in self.to_buffers().values())

    def block(self, number: int) -> PostingArrays:
        """One block."""
        first, last = self.block_segments[number : number + 2]
        begin, end = self.segment_starts[first], self.segment_starts[last]
        return PostingArrays(
            np.asarray([0, last - first], dtype=np.int64),
            self.segment_dims[first:last],
            self.segment_starts[first : last + 1] - begin,
            self.highs[first:last],
            self.lows[first:last],
            self.rows[begin:end],
            self.weights[begin:end],
        )

    def mean_list_rows(self) -> float:
        """Rows of the list that a posting drawn at random is in: products that an element of a query like the rows costs."""
        if self.weights.size == 0:
            return 0.0
        sizes = np.diff(self.segment_starts).astype(np.float64)
        return float(self.block_count * (sizes @ sizes) / sizes.sum())

    def to_buffers(self) -> Buffers:
        return {
            "block_segments": self.block_segments,
            "segment_dims": self.segment_dims,
            "segment_starts": self.segment_starts,
            "highs": self.highs,
            "lows": self.lows,
            "posting_rows": self.rows,
            "weights": self.weights,
        }


def block_postings(vectors: SparseVectors, drop_percent: int) -> PostingArrays:
    """One block of all rows of the vectors, at most 65,536; without its smallest weights, the first ones of equal weight."""
    counts = vectors.element_counts()
    owners = np.repeat(np.arange(len(vectors)), counts)
    # Element e of all, of row r, is word heads[r] + 3 + e - starts[r]; its weight counts[r] further on.
    starts = np.cumsum(counts) - counts
    words = np.arange(owners.size) + np.repeat(vectors.words.heads + HEADER_WORDS - starts, counts)
    dims = vectors.words.words[words].byteswap().astype(np.int64)
    weights = vectors.words.words[words + np.repeat(counts, counts)].byteswap().view(np.float32)
    if dropped := weights.size * drop_percent // _PERCENT:
        kept = np.sort(np.argsort(np.abs(weights), kind="stable")[dropped:])
        owners, dims, weights = owners[kept], dims[kept], weights[kept]
    order = np.argsort((dims << _PLACE_BITS) | owners)
    dims, weights = dims[order], weights[order]
    is_first = np.ones(dims.size, dtype=np.bool_)
    is_first[1:] = dims[1:] != dims[:-1]
    firsts = np.flatnonzero(is_first)
    return PostingArrays(
        np.asarray([0, firsts.size], dtype=np.int64),
        dims[firsts].astype(np.int32),
        np.append(firsts, dims.size).astype(np.int64),
        np.maximum(np.maximum.reduceat(weights, firsts), 0) if firsts.size else weights,
        np.minimum(np.minimum.reduceat(weights, firsts), 0) if firsts.size else weights,
        owners[order].astype(np.uint16),
        weights,
    )


def joined_postings(blocks: Iterable[PostingArrays]) -> PostingArrays:
    """Blocks one after another."""
    parts = list(blocks)
    zero = np.zeros(1, dtype=np.int64)
    segment_counts = np.asarray([part.segment_dims.size for part in parts], dtype=np.int64)
    posting_counts = np.asarray([part.weights.size for part in parts], dtype=np.int64)
    starts = np.cumsum(posting_counts) - posting_counts
    shifted = (part.segment_starts[:-1] + start for part, start in zip(parts, starts, strict=True))

    def joined(arrays: Iterable[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
        return np.concatenate([np.zeros(0, dtype=dtype), *arrays])

    return PostingArrays(
        np.concatenate([zero, np.cumsum(segment_counts)]),
        joined((part.segment_dims for part in parts), np.int32),
        joined((*shifted, posting_counts.sum(keepdims=True)), np.int64),
        joined((part.highs for part in parts), np.float32),
        joined((part.lows for part in parts), np.float32),
        joined((part.rows for part in parts), np.uint16),
        joined((part.weights for part in parts), np.float32),
    )


@dataclass(frozen=True)
class PostingShape:
    """What the metadata says about stored postings."""

    rows: int
    dimensions: int
    block_rows: int
    segments: int
    postings: int


def load_postings(buffers: Buffers, shape: PostingShape) -> PostingArrays:
    """Take postings from their buffers and check that no search can leave them.

    Raises:
        DamagedIndex: XX002.
    """
    block_count = -(-shape.rows // shape.block_rows)
    segments = (shape.segments,)
    postings = PostingArrays(
        take_array(buffers, "block_segments", np.int64, (block_count + 1,)),
        take_array(buffers, "segment_dims", np.int32, segments),
        take_array(buffers, "segment_starts", np.int64, (shape.segments + 1,)),
        take_array(buffers, "highs", np.float32, segments),
        take_array(buffers, "lows", np.float32, segments),
        take_array(buffers, "posting_rows", np.uint16, (shape.postings,)),
        take_array(buffers, "weights", np.float32, (shape.postings,)),
    )
    for name, starts, end in (
        ("block_segments", postings.block_segments, shape.segments),
        ("segment_starts", postings.segment_starts, shape.postings),
    ):
        if starts[0] != 0 or starts[-1] != end or np.any(np.diff(starts) < 0):
            raise DamagedIndex(f'index buffer "{name}" does not divide what it points into')
    check_range("segment_dims", postings.segment_dims, 0, shape.dimensions - 1)
    block_of = np.repeat(np.arange(block_count), np.diff(postings.block_segments))
    ascends = np.diff(postings.segment_dims.astype(np.int64) + (block_of << 32)) > 0
    if not ascends.all():
        raise DamagedIndex('index buffer "segment_dims" does not ascend')
    _check_places(postings, shape, block_of)
    return postings


def _check_places(postings: PostingArrays, shape: PostingShape, block_of: Int64s) -> None:
    sizes = np.diff(postings.segment_starts)
    if np.any(sizes == 0):
        raise DamagedIndex('index buffer "segment_starts" has a list without a row')
    if sizes.size == 0:
        return
    most = np.maximum.reduceat(postings.rows, postings.segment_starts[:-1])
    if np.any(most >= np.minimum(shape.block_rows, shape.rows - block_of * shape.block_rows)):
        raise DamagedIndex('index buffer "posting_rows" leads out of its block')
