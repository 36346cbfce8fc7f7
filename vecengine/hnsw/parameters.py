"""Build parameters of `hnsw`: pgvector's, with its defaults and bounds (pgvector/pgvector:src/hnsw.h)."""

from __future__ import annotations

from dataclasses import dataclass

from vecengine.errors import BuildParameterError
from vecengine.parameters import ParameterInfo

PARAMETERS = (
    ParameterInfo(
        "m", 16, 2, 100, "Links of a node on each level above the ground; the ground has twice as many."
    ),
    ParameterInfo("ef_construction", 64, 4, 1000, "Size of the candidate list when a row is inserted."),
)


@dataclass(frozen=True)
class HnswParameters:
    """Checked build parameters."""

    m: int = 16
    ef_construction: int = 64

    def __post_init__(self) -> None:
        if self.ef_construction < 2 * self.m:
            raise BuildParameterError("ef_construction must be greater than or equal to 2 * m")
