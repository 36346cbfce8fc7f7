"""The family `annoy` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.annoy.build import build_annoy, extend_annoy
from vecengine.annoy.index import FAMILY, AnnoyIndex, load_annoy
from vecengine.annoy.parameters import PARAMETERS, annoy_parameters
from vecengine.exact import Offsets
from vecengine.family import BuildHooks, Family
from vecengine.index import VectorIndex
from vecengine.metrics import NUMBER_METRICS, Metric, Vectors


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> VectorIndex:
    return build_annoy(vectors, metric, offsets, annoy_parameters(checked), hooks)


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(source, AnnoyIndex)
    return extend_annoy(source, moved_to, vectors, offsets, hooks)


ANNOY = Family(
    FAMILY,
    "Forest of trees of random hyperplanes.",
    PARAMETERS,
    "annoy.search_k",
    build=_build,
    extend=_extend,
    load=load_annoy,
    numbers=NUMBER_METRICS,
)
