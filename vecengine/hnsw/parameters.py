"""Build parameters of `hnsw`: pgvector's, with its defaults and bounds (pgvector/pgvector:src/hnsw.h), codes, and who builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from vecengine.errors import BuildParameterError
from vecengine.ivf.parameters import CODE_BITS, PIECES
from vecengine.parameters import ParameterInfo, choice


class Quantizer(IntEnum):
    """What a graph is walked by; the lower-case name is what options say."""

    SQ8 = 0
    NONE = 1
    FP16 = 2
    BF16 = 3
    PQ = 4
    RABITQ = 5


WALKED_ONLY = (Quantizer.FP16, Quantizer.BF16, Quantizer.PQ, Quantizer.RABITQ)
"""Those whose graphs are linked by integers of 8 bits."""


class Provider(IntEnum):
    """Whose code builds a graph; all graphs are searched by ours."""

    OWN = 0
    FAISS = 1
    HNSWLIB = 2


REFINED = {
    Quantizer.SQ8: 2,
    Quantizer.NONE: 1,
    Quantizer.FP16: 1,
    Quantizer.BF16: 2,
    Quantizer.PQ: 8,
    Quantizer.RABITQ: 16,
}
"""How many times k are reranked where `refine_k` does not say: with all that codes found recall was the same in four digits."""

M = ParameterInfo(
    "m", 16, 2, 100, "Links of a node on each level above the ground; the ground has twice as many."
)
EF_CONSTRUCTION = ParameterInfo(
    "ef_construction", 64, 4, 1000, "Size of the candidate list when a row is inserted."
)
REFINE_K = ParameterInfo(
    "refine_k",
    0,
    0,
    100,
    "How many times k of the nearest by codes are reranked by their vectors; 0: as many as the codes need.",
)
PQ_M = replace(PIECES, name="pq_m")
QUANTIZER = choice(
    "quantizer",
    Quantizer,
    Quantizer.SQ8,
    "What the graph is walked by: codes of 8 bits (sq8), numbers of 16 (fp16, bf16), product codes (pq) or codes of one bit (rabitq), "
    "whose nearest are reranked by their vectors, or the vectors (none).",
)
PARAMETERS = (
    M,
    EF_CONSTRUCTION,
    QUANTIZER,
    PQ_M,
    CODE_BITS,
    REFINE_K,
    choice(
        "provider",
        Provider,
        Provider.OWN,
        "Whose code builds the graph: this engine's, faiss' or hnswlib's. The graph is searched by this engine's.",
    ),
)


@dataclass(frozen=True)
class HnswParameters:
    """Checked build parameters."""

    m: int = 16
    ef_construction: int = 64
    quantizer: Quantizer = Quantizer.SQ8
    refine_k: int = 0
    provider: Provider = Provider.OWN
    pq_m: int = 0
    nbits: int = 8

    def __post_init__(self) -> None:
        if self.ef_construction < 2 * self.m:
            raise BuildParameterError("ef_construction must be greater than or equal to 2 * m")
        if self.quantizer is not Quantizer.PQ and (self.pq_m, self.nbits) != (
            PQ_M.default,
            CODE_BITS.default,
        ):
            raise BuildParameterError('options "pq_m" and "nbits" are of quantizer "pq"')

    @property
    def refined(self) -> int:
        """How many times k of the nearest by codes are reranked."""
        return self.refine_k or REFINED[self.quantizer]


def hnsw_parameters(checked: Mapping[str, int]) -> HnswParameters:
    """The parameters that `check_parameters` has found good one by one.

    Raises:
        BuildParameterError: 22023, they do not go together.
    """
    return HnswParameters(
        checked["m"],
        checked["ef_construction"],
        Quantizer(checked["quantizer"]),
        checked["refine_k"],
        Provider(checked["provider"]),
        checked["pq_m"],
        checked["nbits"],
    )
