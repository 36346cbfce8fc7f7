"""How many rows of a table an index would take in, as far as it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation.bitset import and_bits, offsets_from_bits, popcount
from planner.vector.indexed_vectors import indexed_vectors
from planner.vector.key_columns import has_direction
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import Transaction

_BLOCK_ROWS = 4096
_DIRECTED = ("ip", "cosine")


def has_indexable_rows(transaction: Transaction, index: Index, wanted: int) -> bool:
    """Whether the table has so many visible rows whose vector is not NULL nor, under ip and cosine, zero.

    pgvector draws the sample of an ivfflat index from these (pgvector/pgvector:src/ivfbuild.c, `AddSample`).
    """
    found = 0
    for segment in transaction.table_view(index.table_oid).segments:
        vectors, valid_bits = indexed_vectors(segment, index)
        bits = and_bits(segment.visible_bits, valid_bits)
        if index.metric not in _DIRECTED:
            found += popcount(bits, segment.row_count)
            continue
        rows = offsets_from_bits(bits, segment.row_count) if bits is not None else None
        count = segment.row_count if rows is None else len(rows)
        for begin in range(0, count, _BLOCK_ROWS):
            block = slice(begin, begin + _BLOCK_ROWS)
            some = vectors[block] if rows is None else vectors[rows[block]]
            found += int(np.count_nonzero(has_direction(some)))
            if found >= wanted:
                return True
    return found >= wanted
