"""The family `sparse_inverted` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.exact import Offsets
from vecengine.family import BuildHooks, BuildShape, Family
from vecengine.index import VectorIndex
from vecengine.metrics import Metric, Vectors
from vecengine.sparse_inverted.build import build_sparse_inverted, extend_sparse_inverted
from vecengine.sparse_inverted.index import FAMILY, METRICS, SparseInvertedIndex, load_sparse_inverted
from vecengine.sparse_inverted.parameters import PARAMETERS, SparseInvertedParameters
from vecengine.stored_vectors import SparseVectors

_BLOCKS_AT_A_TIME = 2


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(vectors, SparseVectors)
    return build_sparse_inverted(vectors, metric, offsets, SparseInvertedParameters(**checked), hooks)


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(source, SparseInvertedIndex) and isinstance(vectors, SparseVectors)
    return extend_sparse_inverted(source, moved_to, vectors, offsets, hooks)


def _build_bytes(shape: BuildShape, checked: Mapping[str, int]) -> int:
    """The postings twice, while blocks are joined, and what a few blocks are sorted by: ten times their rows."""
    return shape.row_bytes * (
        2 * shape.rows + 10 * _BLOCKS_AT_A_TIME * min(shape.rows, checked["block_rows"])
    )


SPARSE_INVERTED = Family(
    FAMILY,
    "Inverted lists of the dimensions of sparse vectors; exact.",
    PARAMETERS,
    "sparse_inverted.query_weight",
    build=_build,
    extend=_extend,
    load=load_sparse_inverted,
    sparse=METRICS,
    # Exact and faster than a graph.
    rank=4,
    build_bytes=_build_bytes,
)
