"""Build parameters of lists: pgvector's, with its default and bounds (pgvector/pgvector:src/ivfflat.h), and those of codes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vecengine.parameters import ParameterInfo

SAMPLES_PER_LIST = 50
SAMPLES_MIN = 10_000
"""pgvector/pgvector:src/ivfbuild.c, `ComputeCenters`."""

LISTS = ParameterInfo("lists", 100, 1, 32768, "Number of lists the rows are divided into; at most one a row.")
PIECES = ParameterInfo(
    "m", 0, 0, 16_000, "Pieces the dimensions are divided into, one code each; 0 for one of four dimensions."
)
SHORT_PIECES = replace(
    PIECES,
    help="Pieces the dimensions are divided into, one code of 4 bits each; 0 for one of two dimensions.",
)
CODE_BITS = ParameterInfo("nbits", 8, 4, 8, "Bits of the code of a piece.")
INTEGER_BITS = ParameterInfo("nbits", 8, 4, 8, "Bits of the code of a dimension: 8, 6 or 4.")


def refined(default: int) -> ParameterInfo:
    """The parameter of how much is reranked, with a family's default."""
    help = "How many times k of the nearest by codes are reranked by their vectors."
    return ParameterInfo("refine_k", default, 1, 1000, help)


@dataclass(frozen=True)
class ListParameters:
    """Checked build parameters; a family has some of them."""

    lists: int = 100
    m: int = 0
    nbits: int = 8
    refine_k: int = 1

    @property
    def sample_rows(self) -> int:
        """How many rows train the centroids, where there are so many."""
        return max(SAMPLES_MIN, SAMPLES_PER_LIST * self.lists)
