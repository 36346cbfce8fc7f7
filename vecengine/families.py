"""The index families this engine has, and the one way to build or load an index of any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from vecengine.annoy.family import ANNOY
from vecengine.arrays import CancelWord, check_vectors
from vecengine.binary import BINARY_FAMILIES
from vecengine.buffers import decode_metadata
from vecengine.choosing import AUTO, choose_family
from vecengine.diskann.family import DISKANN
from vecengine.errors import DamagedIndex, UnknownFamily, UnsupportedByFamily
from vecengine.family import BuildHooks, Family
from vecengine.flat import FLAT
from vecengine.hnsw.coded_families import CODED_FAMILIES
from vecengine.hnsw.family import HNSW
from vecengine.index import Buffers, Progress, VectorIndex
from vecengine.ivf.family import LIST_FAMILIES
from vecengine.metrics import Vectors, check_metric
from vecengine.parameters import check_parameters
from vecengine.sparse_inverted.family import SPARSE_INVERTED

_FAMILIES = {
    family.name: family
    for family in (
        FLAT,
        HNSW,
        *CODED_FAMILIES,
        *LIST_FAMILIES,
        ANNOY,
        DISKANN,
        SPARSE_INVERTED,
        *BINARY_FAMILIES,
    )
}


def families() -> dict[str, Family]:
    """All index families by name."""
    return dict(_FAMILIES)


def metrics_of(family: str, kind: type[Vectors]) -> tuple[str, ...]:
    """The metrics a family serves for arrays of numbers, for `BitVectors` or for `SparseVectors`."""
    return _FAMILIES[family].metrics_of(kind)


def check_build_params(family: str, given: Mapping[str, str | int]) -> dict[str, int]:
    """All build parameters of a family, given as numbers or as text like `{"m": "16"}`, or their defaults.

    Raises:
        UnknownFamily: 42704.
        BuildParameterError: 22023, in PostgreSQL's and pgvector's words.
    """
    found = _FAMILIES.get(family)
    if found is None:
        raise UnknownFamily(f'access method "{family}" does not exist')
    checked = check_parameters(found.parameters, given)
    found.check(checked)
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
        family: a name of `families()`, or "auto" for the one that `vecengine.choosing` names, with its default parameters.
        vectors: (n, d) float32, float16, bfloat16 or int8, bit strings or sparse vectors, kept by reference; may be
            a read-only memory map.
        metric: l2, ip, cosine or l1; hamming, jaccard, tanimoto, superstructure or substructure of bit strings.
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
    kind, vectors = check_metric(metric, vectors), check_vectors(vectors)
    if family == AUTO:
        served_by = [name for name in _FAMILIES if metric in metrics_of(name, type(vectors))]
        # What the parameters would be of is not known yet.
        check_parameters((), build_params)
        family = choose_family(
            type(vectors), vectors.shape[0] if offsets is None else len(offsets), served_by
        )
    checked = check_build_params(family, build_params)
    served = metrics_of(family, type(vectors))
    if metric not in served:
        raise UnsupportedByFamily(
            f'index family "{family}" does not serve metric "{metric}"',
            hint=f"It serves {', '.join(served)} of such vectors." if served else None,
        )
    hooks = BuildHooks(threads, cancel, progress, on_phase)
    return _timed(lambda: _FAMILIES[family].build(vectors, kind, offsets, checked, hooks))


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
    hooks = BuildHooks(threads, cancel, progress)
    vectors = check_vectors(vectors)
    return _timed(lambda: _FAMILIES[source.family].extend(source, moved_to, vectors, offsets, hooks))


def _timed(make: Callable[[], VectorIndex]) -> VectorIndex:
    """An index that knows how long it took to make."""
    begin = time.perf_counter()
    index = make()
    index.note_build(time.perf_counter() - begin)
    return index


def load_index(buffers: Buffers, vectors: Vectors) -> VectorIndex:
    """An index from the buffers of `to_buffers()` and the vectors it was built on; both may be memory maps.

    Raises:
        DamagedIndex: XX002, the buffers cannot belong to these vectors or would lead a search astray.
        IndexFormatNotSupported: 0A000, written by another version.
    """
    vectors = check_vectors(vectors)
    name = decode_metadata(buffers)["family"]
    family = _FAMILIES.get(name)
    if family is None:
        raise DamagedIndex(f'index metadata names unknown family "{name}"')
    return family.load(buffers, vectors)
