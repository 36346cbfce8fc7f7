"""Which vectors an index orders in a segment, and which the order of a top-k reads.

Whoever builds, loads, extends or checks an index asks here, so that all mean the same rows. An index holds no
vectors of its own: it works on these arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from foundation.bitset import Bitset
from planner.nodes import VectorOrder
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import SegmentView

Vectors = npt.NDArray[Any]


def indexed_vectors(segment: SegmentView, index: Index) -> tuple[Vectors, Bitset | None]:
    """The values of a vector index's key in all rows of a segment.

    Returns:
        (n, d) float32 or float16, read-only; and the bitset of the rows that the index takes in: those whose value is
        not NULL (None = all). Rows it does not take in hold zeros or anything.
    """
    (attnum,) = index.key_attnums()
    return segment.vectors(attnum)


def ordered_vectors(segment: SegmentView, order: VectorOrder) -> tuple[Vectors, Bitset | None]:
    """The vectors whose distances an order compares, in all rows of a segment; as `indexed_vectors` returns them."""
    return segment.vectors(order.attnum)
