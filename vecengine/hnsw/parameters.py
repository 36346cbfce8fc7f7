"""Build parameters of `hnsw`: pgvector's, with its defaults and bounds (pgvector/pgvector:src/hnsw.h), and the quantizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from vecengine.errors import BuildParameterError
from vecengine.parameters import ParameterInfo, choice


class Quantizer(IntEnum):
    """What a graph is walked by; the lower-case name is what options say."""

    SQ8 = 0
    NONE = 1


PARAMETERS = (
    ParameterInfo(
        "m", 16, 2, 100, "Links of a node on each level above the ground; the ground has twice as many."
    ),
    ParameterInfo("ef_construction", 64, 4, 1000, "Size of the candidate list when a row is inserted."),
    choice(
        "quantizer",
        Quantizer,
        Quantizer.SQ8,
        "What the graph is walked by: codes of 8 bits (sq8), whose nearest are reranked by their vectors, or the vectors (none).",
    ),
)


@dataclass(frozen=True)
class HnswParameters:
    """Checked build parameters."""

    m: int = 16
    ef_construction: int = 64
    quantizer: Quantizer = Quantizer.SQ8

    def __post_init__(self) -> None:
        if self.ef_construction < 2 * self.m:
            raise BuildParameterError("ef_construction must be greater than or equal to 2 * m")


def hnsw_parameters(checked: Mapping[str, int]) -> HnswParameters:
    """The parameters that `check_parameters` has found good one by one.

    Raises:
        BuildParameterError: 22023, they do not go together.
    """
    return HnswParameters(checked["m"], checked["ef_construction"], Quantizer(checked["quantizer"]))
