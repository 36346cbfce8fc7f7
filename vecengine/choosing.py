"""The family `auto`: which family, for these vectors.

It is no family of its own: what is built, stored, extended and loaded is an index of the family chosen here, with that family's
default parameters. So nothing is recorded, and an index that has grown keeps the family it was built as.

A few rows are scanned: a walk of a graph costs about as much as scanning a thousand rows, and less of the building. Numbers
have a graph, which is the fastest at every recall here; bit strings and sparse vectors the family made for them, where it serves the
metric, else a graph.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from vecengine.metrics import Vectors
from vecengine.stored_vectors import BitVectors, SparseVectors

AUTO = "auto"
SCANNED_ROWS_MAX = 1000

_PREFERRED: tuple[tuple[type[Vectors], tuple[str, ...]], ...] = (
    (BitVectors, ("bin_hnsw", "hnsw", "bin_flat")),
    (SparseVectors, ("sparse_inverted", "hnsw")),
    (np.ndarray, ("hnsw",)),
)


def choose_family(kind: type[Vectors], row_count: int | None, served_by: Collection[str]) -> str:
    """The family for an index of so many rows.

    Args:
        kind: of the vectors: arrays of numbers, `BitVectors` or `SparseVectors`.
        row_count: rows to cover; None where more are to come.
        served_by: the families that serve the metric for such vectors.
    """
    if row_count is None or row_count > SCANNED_ROWS_MAX:
        for preferring, names in _PREFERRED:
            if issubclass(kind, preferring):
                for name in names:
                    if name in served_by:
                        return name
    return "flat"
