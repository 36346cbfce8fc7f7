"""The family `diskann` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.diskann.build import build_diskann, extend_diskann
from vecengine.diskann.index import FAMILY, METRICS, DiskannIndex, load_diskann
from vecengine.diskann.parameters import PARAMETERS, DiskannParameters
from vecengine.exact import Offsets
from vecengine.family import BuildHooks, BuildShape, Family
from vecengine.index import VectorIndex
from vecengine.metrics import Metric, Vectors


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> VectorIndex:
    return build_diskann(vectors, metric, offsets, DiskannParameters(**checked), hooks)


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(source, DiskannIndex)
    return extend_diskann(source, moved_to, vectors, offsets, hooks)


def _build_bytes(shape: BuildShape, checked: Mapping[str, int]) -> int:
    """The index, its lists twice, and what linking takes: `build_memory_mb` or less."""
    parameters = DiskannParameters(**checked)
    index = shape.rows * (8 * parameters.max_degree + parameters.pieces(shape.dimensions) + 32)
    return index + min(parameters.build_bytes, shape.rows * (shape.dimensions + 64))


DISKANN = Family(
    FAMILY,
    "Graph on disk, walked by product codes in memory.",
    PARAMETERS,
    "diskann.search_list",
    build=_build,
    extend=_extend,
    load=load_diskann,
    check=lambda checked: DiskannParameters(**checked),
    numbers=METRICS,
    build_bytes=_build_bytes,
)
