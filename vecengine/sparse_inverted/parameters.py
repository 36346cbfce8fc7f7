"""Build parameters of `sparse_inverted`, and what its searches may leave out."""

from __future__ import annotations

from dataclasses import dataclass

from vecengine.parameters import ParameterInfo

WHOLE_QUERY = 1000
"""The `ef_search` of a search by all weights of the query, in thousandths."""

BLOCK_ROWS_MAX = 1 << 16
"""A row's place in its block is kept in 16 bits."""

PARAMETERS = (
    ParameterInfo(
        "block_rows", 16_384, 64, BLOCK_ROWS_MAX, "Rows whose inner products are added up at a time."
    ),
    ParameterInfo(
        "drop_percent",
        0,
        0,
        90,
        "Share of a block's elements left out of the lists, those of the smallest weights; then what lists find is reranked by the vectors.",
    ),
)


@dataclass(frozen=True)
class SparseInvertedParameters:
    """Checked build parameters."""

    block_rows: int = 16_384
    drop_percent: int = 0
