"""Families of bit strings alone, under Milvus' names: the code of `flat` and `hnsw`, with the parameters that bit strings have.

An index of them knows and stores its own family's name, so it is loaded and extended as one of that family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vecengine.arrays import check_cancel
from vecengine.exact import Offsets
from vecengine.family import BuildHooks, Family
from vecengine.flat import FLAT, FlatIndex
from vecengine.hnsw.family import HNSW
from vecengine.hnsw.growing import GrowingHnsw
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.parameters import EF_CONSTRUCTION, M
from vecengine.index import Buffers, VectorIndex
from vecengine.metrics import Metric, Vectors
from vecengine.parameters import ParameterInfo


def _of_bits(base: Family, name: str, description: str, parameters: tuple[ParameterInfo, ...]) -> Family:
    """A family that is another one for bit strings; parameters of that one's which it has not are at their defaults."""
    defaults = {parameter.name: parameter.default for parameter in base.parameters}

    def named(index: VectorIndex) -> VectorIndex:
        assert isinstance(index, FlatIndex | HnswIndex)
        index.family = name
        return index

    def build(
        vectors: Vectors,
        metric: Metric,
        offsets: Offsets | None,
        checked: Mapping[str, int],
        hooks: BuildHooks,
    ) -> VectorIndex:
        check_cancel(hooks.cancel)
        return named(base.build(vectors, metric, offsets, {**defaults, **checked}, hooks))

    def extend(
        source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
    ) -> VectorIndex:
        check_cancel(hooks.cancel)
        return named(base.extend(source, moved_to, vectors, offsets, hooks))

    def load(buffers: Buffers, vectors: Vectors) -> VectorIndex:
        return named(base.load(buffers, vectors))

    def check(checked: Mapping[str, int]) -> object:
        return base.check({**defaults, **checked})

    def growing(metric: str, build_params: Mapping[str, str | int]) -> GrowingHnsw:
        assert base.growing is not None
        graph = base.growing(metric, build_params)
        graph.family = name
        return graph

    return replace(
        base,
        name=name,
        description=description,
        parameters=parameters,
        build=build,
        extend=extend,
        load=load,
        check=check,
        numbers=(),
        sparse=(),
        growing=None if base.growing is None else growing,
    )


BINARY_FAMILIES = (
    _of_bits(FLAT, "bin_flat", "Exact scan of the covered bit strings.", ()),
    _of_bits(
        HNSW, "bin_hnsw", "Hierarchical navigable small-world graph of bit strings.", (M, EF_CONSTRUCTION)
    ),
)
