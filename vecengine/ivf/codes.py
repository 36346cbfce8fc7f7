"""The codes of the rows of lists: made for a build, kept by an extension, stored, and handed to the kernel.

Codes lie in the order of the lists. Where a kind of codes gains by it, a row is coded by what it differs from a multiple of its
list's centroid: under l2 from the centroid itself; under inner product and cosine, whose centroids have length one, from as much
of it as the rows of the list have in the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.buffers import Metadata, take_array
from vecengine.codes import centred_numbers
from vecengine.errors import DamagedIndex
from vecengine.exact import Offsets, kernel_space
from vecengine.family import BuildHooks
from vecengine.index import Buffers
from vecengine.ivf.kinds import Book, CodeKind, CodeSource, StoredBook
from vecengine.ivf.lists import ListArrays
from vecengine.ivf.parameters import ListParameters
from vecengine.metrics import Float32s, Metric, Vectors
from vecengine.residuals import Centres
from vecengine.stored_vectors import StoredVectors

ROWS_MIN = 500
"""Fewer rows are scanned, which reads no codes."""

_SCALED_SAMPLES = 1 << 14


@dataclass(frozen=True, eq=False)
class ListCodes:
    """Codes of the rows of lists.

    Attributes:
        vectors: codes of the n rows in the order of the lists, as the kernel takes them.
        scales: (l,) float32, the multiple of each centroid that codes are relative to; (0,) where they are to none.
    """

    kind: CodeKind
    book: Book
    vectors: StoredVectors
    scales: Float32s

    @property
    def size_bytes(self) -> int:
        return self.vectors.nbytes + sum(buffer.nbytes for buffer in self.book.to_buffers().values())

    def data(self) -> npt.NDArray[np.uint8]:
        """(n, row_bytes) uint8."""
        return self.kind.row_data(self.vectors)

    def bundle(self, queries: Float32s) -> tuple[object, ...]:
        """As the kernel takes them, with what (nq, d) queries are to codes: `vecengine.kernels_types.CodedLists`."""
        tables = self.book.query_tables(queries)
        if self.scales.size:
            # The bias is the list's.
            tables[:, 0] = 0
        return kernel_space(Metric.L2, self.vectors), tables, self.scales

    def to_buffers(self) -> Buffers:
        return {"codes": self.vectors.data, "code_scales": self.scales, **self.book.to_buffers()}


def encode_lists(
    kind: CodeKind,
    metric: Metric,
    vectors: Vectors,
    lists: ListArrays,
    parameters: ListParameters,
    *,
    hooks: BuildHooks,
) -> ListCodes | None:
    """Codes of all rows of lists; None where they are few or their numbers have no use for codes.

    Raises:
        QueryCanceled: 57014.
    """
    if lists.rows.size < ROWS_MIN or isinstance(vectors, StoredVectors):
        return None
    scales, centres = np.zeros(0, dtype=np.float32), None
    if kind.is_relative(parameters):
        scales = _centre_scales(metric, vectors, lists)
        centres = code_centres(lists, scales)
    book = kind.train(CodeSource(metric, vectors, lists.rows, centres), parameters, hooks.cancel)
    if book is None:
        return None
    codes = book.encode(vectors, lists.rows, centres=centres, threads=hooks.threads, cancel=hooks.cancel)
    return ListCodes(kind, book, kind.arranged(codes, lists.starts), scales)


def moved_codes(
    source: ListCodes, vectors: Vectors, lists: ListArrays, moves: Moves, hooks: BuildHooks
) -> ListCodes:
    """Codes of lists of which some rows had codes before: these are kept, the others made by the same book.

    Raises:
        QueryCanceled: 57014.
    """
    assert not isinstance(vectors, StoredVectors)
    book, scales = source.book, source.scales[moves.lists] if source.scales.size else source.scales
    data = np.empty((lists.rows.size, book.row_bytes), dtype=np.uint8)
    is_kept = moves.places >= 0
    data[is_kept] = source.data()[moves.places[is_kept]]
    centres = code_centres(lists, scales, ~is_kept) if scales.size else None
    rows = lists.rows[~is_kept]
    added = book.encode(vectors, rows, centres=centres, threads=hooks.threads, cancel=hooks.cancel)
    data[~is_kept] = added.data.reshape(rows.size, book.row_bytes)
    return ListCodes(source.kind, book, source.kind.arranged(book.wrap(data), lists.starts), scales)


@dataclass(frozen=True, eq=False)
class Moves:
    """Where lists come from.

    Attributes:
        lists: (l,) the number each list had.
        places: (n,) the place each row had in the order of the lists, -1 for a row that is new.
    """

    lists: npt.NDArray[np.int32]
    places: Offsets


def code_centres(lists: ListArrays, scales: Float32s, chosen: npt.NDArray[np.bool_] | None = None) -> Centres:
    _, of_rows = lists.assignment()
    assert isinstance(lists.centroids, np.ndarray)
    return Centres(lists.centroids * scales[:, None], of_rows if chosen is None else of_rows[chosen])


def _centre_scales(metric: Metric, vectors: Vectors, lists: ListArrays) -> Float32s:
    """(l,) how much of its centroid the rows of each list have in the mean, by a sample of them; ones under l2."""
    if metric is Metric.L2:
        return np.ones(lists.list_count, dtype=np.float32)
    step = max(1, lists.rows.size // _SCALED_SAMPLES)
    places = np.union1d(np.arange(0, lists.rows.size, step), lists.starts[:-1])
    of_places = lists.assignment()[1][places]
    assert isinstance(vectors, np.ndarray) and isinstance(lists.centroids, np.ndarray)
    with np.errstate(all="ignore"):
        sample = centred_numbers(metric, vectors[lists.rows[places]], np.zeros(1, dtype=np.float32))
        products = np.einsum("ij,ij->i", sample, lists.centroids[of_places], dtype=np.float64)
    is_finite = np.isfinite(products)
    sums = np.bincount(of_places, weights=np.where(is_finite, products, 0.0), minlength=lists.list_count)
    counts = np.bincount(of_places, weights=is_finite, minlength=lists.list_count)
    with np.errstate(all="ignore"):
        scales = (sums / np.maximum(counts, 1)).astype(np.float32)
    return np.where(np.isfinite(scales), scales, np.float32(1))


def load_codes(
    kind: CodeKind, stored: StoredBook, starts: Offsets, parameters: ListParameters
) -> ListCodes | None:
    """The codes of stored lists that begin at these places, None when they have none.

    Raises:
        DamagedIndex: XX002.
    """
    is_coded = stored.metadata.get("is_coded")
    if not isinstance(is_coded, bool):
        raise DamagedIndex(f'index metadata field "is_coded" is {is_coded!r}, expected true or false')
    if not is_coded:
        return None
    book = kind.load(stored, parameters)
    list_count = starts.size - 1
    scale_count = list_count if kind.is_relative(parameters) else 0
    scales = take_array(stored.buffers, "code_scales", np.float32, (scale_count,))
    if not np.isfinite(scales).all():
        raise DamagedIndex('index buffer "code_scales" holds a number that is not finite')
    return ListCodes(kind, book, kind.stored(book, stored.buffers, starts), scales)


def code_fields(codes: ListCodes | None) -> Metadata:
    """What metadata says of the codes."""
    return {"is_coded": False} if codes is None else {"is_coded": True, **codes.book.fields()}
