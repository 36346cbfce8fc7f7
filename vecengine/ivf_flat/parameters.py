"""Build parameters of `ivfflat`: pgvector's, with its default and bounds (pgvector/pgvector:src/ivfflat.h)."""

from __future__ import annotations

from dataclasses import dataclass

from vecengine.parameters import ParameterInfo

SAMPLES_PER_LIST = 50
SAMPLES_MIN = 10_000
"""pgvector/pgvector:src/ivfbuild.c, `ComputeCenters`."""

PARAMETERS = (
    ParameterInfo("lists", 100, 1, 32768, "Number of lists the rows are divided into; at most one a row."),
)


@dataclass(frozen=True)
class IvfFlatParameters:
    """Checked build parameters."""

    lists: int = 100

    @property
    def sample_rows(self) -> int:
        """How many rows train the centroids, where there are so many."""
        return max(SAMPLES_MIN, SAMPLES_PER_LIST * self.lists)
