"""Graphs that are walked by one kind of codes, under Milvus' names: `hnsw` with what other codes need left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vecengine.errors import BuildParameterError
from vecengine.hnsw.family import HNSW
from vecengine.hnsw.parameters import EF_CONSTRUCTION, PQ_M, QUANTIZER, REFINE_K, M, Quantizer
from vecengine.ivf.parameters import CODE_BITS
from vecengine.renamed import renamed_family

_SCALAR = (Quantizer.SQ8, Quantizer.FP16, Quantizer.BF16)

_HNSW_SQ = renamed_family(
    HNSW,
    "hnsw_sq",
    "Hierarchical navigable small-world graph, walked by integers of 8 bits or numbers of 16.",
    (M, EF_CONSTRUCTION, QUANTIZER, REFINE_K),
)
_HNSW_PQ = renamed_family(
    HNSW,
    "hnsw_pq",
    "Hierarchical navigable small-world graph, walked by product codes.",
    (M, EF_CONSTRUCTION, PQ_M, CODE_BITS, REFINE_K),
    {"quantizer": Quantizer.PQ},
)


def _check_scalar(checked: Mapping[str, int]) -> object:
    """Raises BuildParameterError (22023)."""
    quantizer = Quantizer(checked["quantizer"])
    if quantizer not in _SCALAR:
        valid = " and ".join(f'"{scalar.name.lower()}"' for scalar in _SCALAR)
        raise BuildParameterError(
            f'invalid value for enum option "quantizer": {quantizer.name.lower()}',
            detail=f"Valid values are {valid}.",
        )
    return _HNSW_SQ.check(checked)


# Bit strings and sparse vectors have no codes.
CODED_FAMILIES = (
    replace(_HNSW_SQ, check=_check_scalar, bits=(), sparse=()),
    replace(_HNSW_PQ, bits=(), sparse=()),
)
