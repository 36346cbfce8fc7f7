"""Build parameters of `ivfflat`: pgvector's, with its default and bounds (pgvector/pgvector:src/ivfflat.h)."""

from __future__ import annotations

from dataclasses import dataclass

from vecengine.parameters import ParameterInfo

PARAMETERS = (
    ParameterInfo("lists", 100, 1, 32768, "Number of lists the rows are divided into; at most one a row."),
)


@dataclass(frozen=True)
class IvfFlatParameters:
    """Checked build parameters."""

    lists: int = 100
