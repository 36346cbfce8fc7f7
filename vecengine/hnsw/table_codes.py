"""Coarse codes of a graph's nodes: product codes (pq) or one bit a dimension (rabitq), compared with tables that a query becomes.

Jégou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search" (2011); Gao and Long, "RaBitQ" (SIGMOD 2024): `codes_product`,
`codes_rabitq`. A row has no centre but the mean of all rows. Such codes are walked only: no row is compared with another by them. A walk finds
with a beam of some width about what the codes put among so many nearest; what of it is reranked by the vectors is `refine_k`, all by default.

Expectation: 100 and 56 bytes a row of 384 dimensions where integers take 392.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from vecengine.arrays import CancelWord, queries_from
from vecengine.buffers import Metadata, take_array
from vecengine.codes import drawn_rows
from vecengine.codes_product import piece_count
from vecengine.coverage import Coverage, Offsets
from vecengine.element_types import Numbers
from vecengine.errors import DamagedIndex
from vecengine.exact import distances_at, exact_keys, kernel_space
from vecengine.hnsw.codes import DIMENSIONS_MIN, METRICS, NO_MEAN, NO_TABLES, ROWS_MIN, GraphCodes
from vecengine.hnsw.graph import Int32s
from vecengine.hnsw.parameters import REFINED, HnswParameters, Quantizer
from vecengine.index import Buffers
from vecengine.ivf.kinds import Book, CodeKind, CodeSource, ProductKind, RabitqKind, StoredBook
from vecengine.ivf.parameters import ListParameters
from vecengine.metrics import Float32s, Metric, Vectors
from vecengine.stored_vectors import StoredVectors

_KINDS: dict[Quantizer, CodeKind] = {Quantizer.PQ: ProductKind(), Quantizer.RABITQ: RabitqKind()}

_DIMENSIONS_PER_PIECE = 4
_PIECE_NS = 0.65
_BIT_NS = 0.06
"""Time that a piece of product codes and a dimension of one bit add to a step of a walk."""

_ASKED_MIN, _ASKED_MAX = 1e-15, 1e15
"""Between these the largest number of a query has to be, for tables in float32 to say something of it."""

_TRIED_QUERIES = 128
_TRIED_K = 11
_TRIED_RECALL = 0.9


@dataclass(frozen=True, eq=False)
class TableCodes(GraphCodes):
    """Codes in the order of the nodes, and the book that makes tables of queries."""

    quantizer: Quantizer
    book: Book
    vectors: StoredVectors
    refined: int
    coded_dimensions: int
    dimension_ns: float

    needs_norms = False
    needs_tables = True

    @property
    def dimensions(self) -> int:
        return self.coded_dimensions

    @property
    def size_bytes(self) -> int:
        return sum(buffer.nbytes for buffer in self.to_buffers().values())

    @property
    def query_words(self) -> int:
        return self.vectors.query_words

    def bundle(self) -> tuple[object, ...]:
        return (kernel_space(Metric.L2, self.vectors), NO_MEAN, 0.0, self.refined, NO_TABLES)

    def query_tables(self, queries: Float32s) -> Float32s:
        tables = self.book.query_tables(queries)
        largest = np.abs(queries).max(axis=1)
        is_usable = (largest > _ASKED_MIN) & (largest < _ASKED_MAX) & np.isfinite(tables[:, 0])
        tables[~is_usable, 0] = np.nan
        return tables

    def to_buffers(self) -> Buffers:
        data = self.vectors.data.reshape(len(self.vectors), self.book.row_bytes)
        return {"codes": data, **self.book.to_buffers()}

    def metadata(self) -> Metadata:
        return {"coded_by": self.quantizer.name.lower(), **self.book.fields()}


def table_codes(
    metric: Metric,
    vectors: Vectors,
    coverage: Coverage,
    parameters: HnswParameters,
    *,
    source: GraphCodes | None = None,
    renamed: Int32s | None = None,
    threads: int = 1,
    cancel: CancelWord | None = None,
) -> TableCodes | None:
    """Codes of the covered rows; None where the parameters want others or the vectors have no use for such codes.

    Args:
        source: codes of a graph that some of the rows come from. They are kept while its book tells all rows apart.
        renamed: (nodes of that graph,) which node each has become, -1 for one that is gone.
        threads: that share the rows; the result does not depend on them.

    Raises:
        BuildParameterError: 22023, more pieces than dimensions.
        QueryCanceled: 57014.
    """
    kind = _KINDS.get(parameters.quantizer)
    if kind is None or isinstance(vectors, StoredVectors):
        return None
    shape = _code_shape(parameters, vectors.shape[1])
    if metric not in METRICS or coverage.row_count < ROWS_MIN or vectors.shape[1] < DIMENSIONS_MIN:
        return None
    rows = coverage.row_offsets()
    sample = vectors[drawn_rows(rows, vectors.shape[1])]
    wrap = partial(_coded, parameters=parameters, dimensions=vectors.shape[1])
    if (
        isinstance(source, TableCodes)
        and renamed is not None
        and _serves(source.book, metric, sample, parameters)
    ):
        encode = partial(source.book.encode, vectors, threads=threads, cancel=cancel)
        return wrap(source.book, _carried(source, encode, rows, renamed))
    book = kind.train(CodeSource(metric, vectors, rows, None), shape, cancel)
    if book is None or not _serves(book, metric, sample, parameters):
        return None
    return wrap(book, book.encode(vectors, rows, threads=threads, cancel=cancel))


def _code_shape(parameters: HnswParameters, dimensions: int) -> ListParameters:
    """The parameters of codes as kinds of codes take them. Raises BuildParameterError (22023)."""
    pieces = piece_count(parameters.pq_m, dimensions, _DIMENSIONS_PER_PIECE, option="pq_m")
    return ListParameters(m=pieces, nbits=parameters.nbits)


def _coded(book: Book, codes: StoredVectors, *, parameters: HnswParameters, dimensions: int) -> TableCodes:
    added_ns = _BIT_NS
    if parameters.quantizer is Quantizer.PQ:
        added_ns = _PIECE_NS * _code_shape(parameters, dimensions).m / dimensions
    return TableCodes(parameters.quantizer, book, codes, parameters.refined, dimensions, added_ns)


def _carried(
    source: TableCodes, encode: Callable[[Offsets], StoredVectors], rows: Offsets, renamed: Int32s
) -> StoredVectors:
    """The codes that nodes had before, and those of the other rows."""
    alive = renamed >= 0
    is_missing = np.ones(rows.size, dtype=np.bool_)
    is_missing[renamed[alive]] = False
    data = np.empty((rows.size, source.book.row_bytes), dtype=np.uint8)
    data[renamed[alive]] = source.to_buffers()["codes"][alive]
    data[is_missing] = encode(rows[is_missing]).data.reshape(-1, source.book.row_bytes)
    return source.book.wrap(data)


def _serves(book: Book, metric: Metric, sample: Numbers, parameters: HnswParameters) -> bool:
    """Whether codes tell (n, d) rows apart: of the nearest most are among the nearest by codes, as many as are reranked by default.

    Who asks for fewer gets fewer. Rows that differ by less than codes can say are what fails here.
    """
    count = sample.shape[0]
    queries = queries_from(sample[:: max(1, count // _TRIED_QUERIES)])
    k = min(_TRIED_K, count)
    with np.errstate(all="ignore"):
        distances = distances_at(metric, sample, queries, np.arange(count))
        tables = book.query_tables(queries)
    distances[np.isnan(distances)] = np.inf
    width = min(REFINED[parameters.quantizer] * k, count)
    _, near, _ = exact_keys(Metric.L2, book.encode(sample, np.arange(count)), tables, width, None)
    found = np.where(near >= 0, np.take_along_axis(distances, near, axis=1), np.inf)
    bound = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
    hits = np.minimum((found <= bound).sum(axis=1), k)
    return bool(hits.mean() >= _TRIED_RECALL * k)


def load_table_codes(
    buffers: Buffers, metadata: Metadata, metric: Metric, coverage: Coverage, parameters: HnswParameters
) -> TableCodes | None:
    """Take the codes of a stored graph over the covered rows; None when it has none.

    Raises:
        DamagedIndex: XX002.
    """
    name, dimensions = metadata.get("coded_by"), int(metadata["dimensions"])
    if name is None:
        return None
    kind = _KINDS.get(parameters.quantizer)
    if kind is None or name != parameters.quantizer.name.lower() or parameters.pq_m > dimensions:
        raise DamagedIndex(f'index metadata field "coded_by" is {name!r}')
    book = kind.load(StoredBook(buffers, metadata, metric, dimensions), _code_shape(parameters, dimensions))
    data = take_array(buffers, "codes", np.uint8, (coverage.row_count, book.row_bytes))
    return _coded(book, book.wrap(data), parameters=parameters, dimensions=dimensions)
