"""The index families this engine has, and the one way to build or load an index of any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_vectors
from vecengine.buffers import decode_metadata
from vecengine.errors import DamagedIndex, UnknownFamily, UnsupportedByFamily
from vecengine.flat import FAMILY as FLAT
from vecengine.flat import build_flat, load_flat
from vecengine.hnsw.build import build_hnsw, extend_hnsw
from vecengine.hnsw.index import FAMILY as HNSW
from vecengine.hnsw.index import HnswIndex, load_hnsw
from vecengine.hnsw.parameters import PARAMETERS as HNSW_PARAMETERS
from vecengine.hnsw.parameters import hnsw_parameters
from vecengine.index import Buffers, Progress, VectorIndex
from vecengine.ivf_flat.build import LOADING, BuildHooks, build_ivf_flat, extend_ivf_flat
from vecengine.ivf_flat.index import FAMILY as IVFFLAT
from vecengine.ivf_flat.index import METRICS as IVFFLAT_METRICS
from vecengine.ivf_flat.index import IvfFlatIndex, load_ivf_flat
from vecengine.ivf_flat.parameters import PARAMETERS as IVFFLAT_PARAMETERS
from vecengine.ivf_flat.parameters import IvfFlatParameters
from vecengine.metrics import (
    METRIC_NAMES,
    Vectors,
    bit_metric_names,
    check_metric,
    metric_names,
    parse_metric,
)
from vecengine.parameters import ParameterInfo, check_parameters
from vecengine.stored_vectors import BitVectors, SparseVectors


@dataclass(frozen=True)
class FamilyInfo:
    """One index family.

    Attributes:
        name: as in `USING name`.
        description: one sentence.
        metrics: metrics it serves, of vectors of one kind or another.
        parameters: its build parameters.
        search_parameter: the setting that is its beam or number of lists, None when it has none.
    """

    name: str
    description: str
    metrics: tuple[str, ...]
    parameters: tuple[ParameterInfo, ...]
    search_parameter: str | None


_FAMILIES = {
    FLAT: FamilyInfo(FLAT, "Exact scan of the covered rows.", METRIC_NAMES, (), None),
    HNSW: FamilyInfo(
        HNSW,
        "Hierarchical navigable small-world graph.",
        METRIC_NAMES,
        HNSW_PARAMETERS,
        "hnsw.ef_search",
    ),
    IVFFLAT: FamilyInfo(
        IVFFLAT,
        "Inverted lists of whole vectors, one for each centroid.",
        tuple(metric.name.lower() for metric in IVFFLAT_METRICS),
        IVFFLAT_PARAMETERS,
        "ivfflat.probes",
    ),
}


def families() -> dict[str, FamilyInfo]:
    """All index families by name."""
    return dict(_FAMILIES)


def metrics_of(family: str, kind: type[Vectors]) -> tuple[str, ...]:
    """The metrics a family serves for arrays of numbers, for `BitVectors` or for `SparseVectors`."""
    if family == IVFFLAT and kind is SparseVectors:
        # As pgvector: means of sparse vectors are not sparse.
        return ()
    of_kind = bit_metric_names() if kind is BitVectors else metric_names()
    return tuple(metric for metric in _FAMILIES[family].metrics if metric in of_kind)


def check_build_params(family: str, given: Mapping[str, str | int]) -> dict[str, int]:
    """All build parameters of a family, given as numbers or as text like `{"m": "16"}`, or their defaults.

    Raises:
        UnknownFamily: 42704.
        BuildParameterError: 22023, in PostgreSQL's and pgvector's words.
    """
    info = _FAMILIES.get(family)
    if info is None:
        raise UnknownFamily(f'access method "{family}" does not exist')
    checked = check_parameters(info.parameters, given)
    if family == HNSW:
        hnsw_parameters(checked)
    return checked


def build_index(
    family: str,
    vectors: Vectors,
    *,
    metric: str,
    offsets: npt.NDArray[np.int64] | None = None,
    threads: int = 1,
    cancel: CancelWord | None = None,
    progress: Progress | None = None,
    on_phase: Callable[[str], None] | None = None,
    **build_params: str | int,
) -> VectorIndex:
    """Build an index over the rows of `vectors`.

    Args:
        family: a name of `families()`.
        vectors: (n, d) float32 or float16, bit strings or sparse vectors, kept by reference; may be a read-only
            memory map.
        metric: l2, ip, cosine or l1; hamming or jaccard of bit strings.
        offsets: (m,) int64 ascending row offsets to cover, None for all rows. Under cosine, rows without a norm
            are left out besides: their distance is NaN to everything.
        threads: threads the build may use; the result does not depend on it.
        cancel: (1,) int32 word, polled.
        progress: called with (rows done, rows in total).
        on_phase: called with the name of each phase as it begins, in pgvector's words.
        build_params: the family's parameters.

    Raises:
        UnknownFamily: 42704.
        UnsupportedByFamily: 0A000, unknown metric, or one that the family does not serve or not of such vectors; a
            graph over bit strings or sparse vectors where no kernel can be compiled.
        BuildParameterError: 22023.
        QueryCanceled: 57014.
    """
    checked = check_build_params(family, build_params)
    kind, vectors = check_metric(metric, vectors), check_vectors(vectors)
    if metric not in metrics_of(family, type(vectors)):
        raise UnsupportedByFamily(f'index family "{family}" does not serve metric "{metric}"')
    if family == FLAT:
        return build_flat(vectors, kind, offsets, cancel=cancel, progress=progress)
    if family == IVFFLAT:
        hooks = BuildHooks(threads, cancel, progress, on_phase)
        return build_ivf_flat(vectors, kind, offsets, IvfFlatParameters(**checked), hooks)
    if on_phase is not None:
        on_phase(LOADING)
    return build_hnsw(
        vectors, kind, offsets, hnsw_parameters(checked), threads=threads, cancel=cancel, progress=progress
    )


def extend_index(
    source: VectorIndex,
    moved_to: npt.NDArray[np.int64],
    vectors: Vectors,
    *,
    offsets: npt.NDArray[np.int64] | None = None,
    threads: int = 1,
    cancel: CancelWord | None = None,
    progress: Progress | None = None,
) -> VectorIndex:
    """An index over `vectors` of the family, metric and parameters of one that covers some of their rows.

    A graph keeps its links and takes in the rows it lacks. Where more than a fifth of its nodes are gone it is built
    anew. Lists keep their centroids until rows have come and gone that make a fifth of those they were trained over. The source stays as it is.

    Args:
        source: an index of another array.
        moved_to: (rows of the source's vectors,) int64, where each is in `vectors`; -1 where it is gone.
        vectors: (n, d) of the kind of the source's; a row that moved has the same elements.
        offsets: (m,) int64 ascending row offsets to cover, None for all rows.
        threads: threads the work may use; the result does not depend on it.
        cancel: (1,) int32 word, polled.
        progress: called with (rows done, rows in total).

    Raises:
        QueryCanceled: 57014.
    """
    vectors = check_vectors(vectors)
    if isinstance(source, HnswIndex):
        return extend_hnsw(
            source, moved_to, vectors, offsets, threads=threads, cancel=cancel, progress=progress
        )
    if isinstance(source, IvfFlatIndex):
        return extend_ivf_flat(source, moved_to, vectors, offsets, BuildHooks(threads, cancel, progress))
    return build_flat(vectors, parse_metric(source.metric), offsets, cancel=cancel, progress=progress)


def load_index(buffers: Buffers, vectors: Vectors) -> VectorIndex:
    """An index from the buffers of `to_buffers()` and the vectors it was built on; both may be memory maps.

    Raises:
        DamagedIndex: XX002, the buffers cannot belong to these vectors or would lead a search astray.
        IndexFormatNotSupported: 0A000, written by another version.
    """
    vectors = check_vectors(vectors)
    family = decode_metadata(buffers)["family"]
    if family == FLAT:
        return load_flat(buffers, vectors)
    if family == HNSW:
        return load_hnsw(buffers, vectors)
    if family == IVFFLAT:
        return load_ivf_flat(buffers, vectors)
    raise DamagedIndex(f'index metadata names unknown family "{family}"')
