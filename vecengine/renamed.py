"""Families that are another one under a name of their own, with some of its parameters fixed.

An index of them knows and stores its own family's name, so it is loaded and extended as one of that family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vecengine.arrays import check_cancel
from vecengine.exact import Offsets
from vecengine.family import BuildHooks, Family
from vecengine.flat import FlatIndex
from vecengine.hnsw.growing import GrowingHnsw
from vecengine.hnsw.index import HnswIndex
from vecengine.index import Buffers, VectorIndex
from vecengine.metrics import Metric, Vectors
from vecengine.parameters import ParameterInfo


def renamed_family(
    base: Family,
    name: str,
    description: str,
    parameters: tuple[ParameterInfo, ...],
    fixed: Mapping[str, int] | None = None,
) -> Family:
    """A family that is another one. Parameters of that one's which it has not are as fixed, or at their defaults."""
    absent = {parameter.name: parameter.default for parameter in base.parameters} | dict(fixed or {})

    def build(
        vectors: Vectors,
        metric: Metric,
        offsets: Offsets | None,
        checked: Mapping[str, int],
        hooks: BuildHooks,
    ) -> VectorIndex:
        check_cancel(hooks.cancel)
        return _named(name, base.build(vectors, metric, offsets, {**absent, **checked}, hooks))

    def extend(
        source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
    ) -> VectorIndex:
        check_cancel(hooks.cancel)
        return _named(name, base.extend(source, moved_to, vectors, offsets, hooks))

    def load(buffers: Buffers, vectors: Vectors) -> VectorIndex:
        return _named(name, base.load(buffers, vectors))

    def check(checked: Mapping[str, int]) -> object:
        return base.check({**absent, **checked})

    def growing(metric: str, build_params: Mapping[str, str | int]) -> GrowingHnsw:
        assert base.growing is not None
        graph = base.growing(metric, {**absent, **build_params})
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
        growing=None if base.growing is None else growing,
    )


def _named(name: str, index: VectorIndex) -> VectorIndex:
    assert isinstance(index, FlatIndex | HnswIndex)
    index.family = name
    return index
