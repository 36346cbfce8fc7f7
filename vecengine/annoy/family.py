"""The family `annoy` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.annoy.build import build_annoy, extend_annoy
from vecengine.annoy.index import FAMILY, AnnoyIndex, load_annoy
from vecengine.annoy.parameters import PARAMETERS, annoy_parameters
from vecengine.exact import Offsets
from vecengine.family import BuildHooks, BuildShape, Family
from vecengine.index import VectorIndex
from vecengine.metrics import NUMBER_METRICS, Metric, Vectors

_NODE_BYTES = 4
_SPLIT_BYTES = 32


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> VectorIndex:
    return build_annoy(vectors, metric, offsets, annoy_parameters(checked), hooks)


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(source, AnnoyIndex)
    return extend_annoy(source, moved_to, vectors, offsets, hooks)


def _build_bytes(shape: BuildShape, checked: Mapping[str, int]) -> int:
    """Every row in every tree, twice while trees are joined, and the planes: a leaf is filled by half or more in the mean."""
    trees = checked["trees"]
    splits = trees * (2 * shape.rows // checked["leaf_rows"] + 1)
    return 2 * (trees * shape.rows * _NODE_BYTES + splits * (4 * shape.dimensions + _SPLIT_BYTES))


ANNOY = Family(
    FAMILY,
    "Forest of trees of random hyperplanes.",
    PARAMETERS,
    "annoy.search_k",
    build=_build,
    extend=_extend,
    load=load_annoy,
    numbers=NUMBER_METRICS,
    build_bytes=_build_bytes,
)
