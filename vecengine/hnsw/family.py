"""The family `hnsw` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.exact import Offsets
from vecengine.family import LOADING, BuildHooks, BuildShape, Family
from vecengine.hnsw.build import build_hnsw, extend_hnsw
from vecengine.hnsw.growing import GrowingHnsw
from vecengine.hnsw.index import FAMILY, HnswIndex, load_hnsw
from vecengine.hnsw.parameters import PARAMETERS, hnsw_parameters
from vecengine.index import VectorIndex
from vecengine.metrics import GRADED_BIT_METRICS, NUMBER_METRICS, Metric, Vectors

_LINK_BYTES = 4


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> VectorIndex:
    hooks.begin(LOADING)
    return build_hnsw(
        vectors,
        metric,
        offsets,
        hnsw_parameters(checked),
        threads=hooks.threads,
        cancel=hooks.cancel,
        progress=hooks.progress,
    )


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(source, HnswIndex)
    return extend_hnsw(
        source,
        moved_to,
        vectors,
        offsets,
        threads=hooks.threads,
        cancel=hooks.cancel,
        progress=hooks.progress,
    )


def _build_bytes(shape: BuildShape, checked: Mapping[str, int]) -> int:
    """Two sets of links of level 0 with their distances, and codes, which take a quarter of the vectors."""
    links = 2 * checked["m"]
    return shape.rows * links * _LINK_BYTES * 3 + shape.rows * shape.row_bytes // 4


def _growing(metric: str, build_params: Mapping[str, str | int]) -> GrowingHnsw:
    return GrowingHnsw(metric, **build_params)


HNSW = Family(
    FAMILY,
    "Hierarchical navigable small-world graph.",
    PARAMETERS,
    "hnsw.ef_search",
    build=_build,
    extend=_extend,
    load=load_hnsw,
    check=hnsw_parameters,
    numbers=NUMBER_METRICS,
    bits=GRADED_BIT_METRICS,
    sparse=NUMBER_METRICS,
    rank=3,
    build_bytes=_build_bytes,
    growing=_growing,
)
