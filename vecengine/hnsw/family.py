"""The family `hnsw` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.exact import Offsets
from vecengine.family import LOADING, BuildHooks, Family
from vecengine.hnsw.build import build_hnsw, extend_hnsw
from vecengine.hnsw.index import FAMILY, HnswIndex, load_hnsw
from vecengine.hnsw.parameters import PARAMETERS, hnsw_parameters
from vecengine.index import VectorIndex
from vecengine.metrics import GRADED_BIT_METRICS, NUMBER_METRICS, Metric, Vectors


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
)
