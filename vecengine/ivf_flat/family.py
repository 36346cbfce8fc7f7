"""The family `ivfflat` as the engine's table has it."""

from __future__ import annotations

from collections.abc import Mapping

from vecengine.exact import Offsets
from vecengine.family import BuildHooks, BuildShape, Family
from vecengine.index import VectorIndex
from vecengine.ivf_flat.build import build_ivf_flat, extend_ivf_flat
from vecengine.ivf_flat.index import FAMILY, IvfFlatIndex, load_ivf_flat
from vecengine.ivf_flat.parameters import PARAMETERS, IvfFlatParameters
from vecengine.metrics import Metric, Vectors

_ROW_BYTES = 32


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> VectorIndex:
    return build_ivf_flat(vectors, metric, offsets, IvfFlatParameters(**checked), hooks)


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> VectorIndex:
    assert isinstance(source, IvfFlatIndex)
    return extend_ivf_flat(source, moved_to, vectors, offsets, hooks)


def _build_bytes(shape: BuildShape, checked: Mapping[str, int]) -> int:
    """Row offsets, the sample that trains the centroids twice, and the centroids: all of these as float32 numbers."""
    lists = checked["lists"]
    samples = min(shape.rows, IvfFlatParameters(lists).sample_rows)
    return shape.rows * _ROW_BYTES + (2 * samples + 4 * min(shape.rows, lists)) * shape.dimensions * 4


def _little_data_rows(checked: Mapping[str, int]) -> int:
    """As pgvector says it: a row for each list."""
    return checked["lists"]


IVFFLAT = Family(
    FAMILY,
    "Inverted lists of whole vectors, one for each centroid.",
    PARAMETERS,
    "ivfflat.probes",
    build=_build,
    extend=_extend,
    load=load_ivf_flat,
    # As pgvector: it has no operator class of l1 or jaccard either, and means of sparse vectors are not sparse.
    numbers=(Metric.L2, Metric.IP, Metric.COSINE),
    bits=(Metric.HAMMING,),
    rank=2,
    build_bytes=_build_bytes,
    little_data_rows=_little_data_rows,
)
