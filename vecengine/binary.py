"""Families of bit strings alone, under Milvus' names: the code of `flat` and `hnsw`, with the parameters that bit strings have."""

from __future__ import annotations

from dataclasses import replace

from vecengine.family import Family
from vecengine.flat import FLAT
from vecengine.hnsw.family import HNSW
from vecengine.hnsw.parameters import EF_CONSTRUCTION, M
from vecengine.parameters import ParameterInfo
from vecengine.renamed import renamed_family


def _of_bits(base: Family, name: str, description: str, parameters: tuple[ParameterInfo, ...]) -> Family:
    """A family that is another one for bit strings."""
    return replace(renamed_family(base, name, description, parameters), numbers=(), sparse=())


BINARY_FAMILIES = (
    _of_bits(FLAT, "bin_flat", "Exact scan of the covered bit strings.", ()),
    _of_bits(
        HNSW, "bin_hnsw", "Hierarchical navigable small-world graph of bit strings.", (M, EF_CONSTRUCTION)
    ),
)
