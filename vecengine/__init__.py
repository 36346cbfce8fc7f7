"""Vector engine: distances, exact search and index families over arrays, bitsets and parameters.

    >>> import numpy as np, vecengine
    >>> vectors = np.eye(4, dtype=np.float32)
    >>> index = vecengine.build_index("hnsw", vectors, metric="l2", m=16, ef_construction=128)
    >>> distances, offsets = index.search(vectors[:1], k=3)
    >>> offsets[0].tolist()
    [0, 1, 2]
    >>> again = vecengine.load_index(index.to_buffers(), vectors)
    >>> again.row_count
    4

It knows no table, no row id and no transaction. See `DESIGN.md` beside this file.
"""

from vecengine.checking import index_faults
from vecengine.compiled import kernels_ready, start_warm_up, warm_up
from vecengine.device.index import DeviceIndex, on_device
from vecengine.device.places import choose_device
from vecengine.element_types import element_type_names
from vecengine.errors import (
    BuildParameterError,
    DamagedIndex,
    DimensionMismatch,
    DistanceBudgetSpent,
    IndexFormatNotSupported,
    UnknownDevice,
    UnknownFamily,
    UnsupportedByFamily,
)
from vecengine.exact import distances, exact_search, rowwise_distances
from vecengine.families import (
    build_index,
    check_build_params,
    extend_index,
    families,
    load_index,
    metrics_of,
)
from vecengine.family import BuildShape, Family
from vecengine.hnsw.growing import GrowingHnsw, GrowingIndex
from vecengine.hnsw.index import HnswIndex
from vecengine.index import (
    Buffers,
    IndexStatistics,
    NearestRows,
    SearchStats,
    StrategyEstimate,
    VectorIndex,
)
from vecengine.instruction_sets import simd_level
from vecengine.ivf.index import ListIndex
from vecengine.metrics import bit_metric_names, metric_names, tanimoto_distances
from vecengine.parameters import ParameterInfo
from vecengine.ranges import RangeAnswer, exact_range_search
from vecengine.searchable import search
from vecengine.sparse import sparse_distances
from vecengine.stored_vectors import BitVectors, SparseVectors

__all__ = [
    "BitVectors",
    "Buffers",
    "BuildParameterError",
    "BuildShape",
    "DamagedIndex",
    "DeviceIndex",
    "DimensionMismatch",
    "DistanceBudgetSpent",
    "Family",
    "GrowingHnsw",
    "GrowingIndex",
    "HnswIndex",
    "IndexFormatNotSupported",
    "IndexStatistics",
    "ListIndex",
    "NearestRows",
    "ParameterInfo",
    "RangeAnswer",
    "SearchStats",
    "SparseVectors",
    "StrategyEstimate",
    "UnknownDevice",
    "UnknownFamily",
    "UnsupportedByFamily",
    "VectorIndex",
    "bit_metric_names",
    "build_index",
    "check_build_params",
    "choose_device",
    "distances",
    "element_type_names",
    "exact_range_search",
    "exact_search",
    "extend_index",
    "families",
    "index_faults",
    "kernels_ready",
    "load_index",
    "metric_names",
    "metrics_of",
    "on_device",
    "rowwise_distances",
    "search",
    "simd_level",
    "sparse_distances",
    "start_warm_up",
    "tanimoto_distances",
    "warm_up",
]
