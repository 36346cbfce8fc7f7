"""The codes of a graph's nodes: made, carried over to a larger graph, stored, and handed to kernels.

A graph is linked by integers of 8 bits, or by the vectors where these do not tell neighbours apart, and walked by what
`quantizer` says. Integers (sq8) serve for both; shorter numbers (fp16, bf16) are walked only: distances between two of them are no
cheaper than those between integers, and the links are the same in all but a few lists. Coarser codes (`table_codes`) are walked only, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import ml_dtypes
import numpy as np

from vecengine.arrays import CancelWord, check_cancel
from vecengine.buffers import Metadata, take_array
from vecengine.codes import (
    Codebook,
    CodeVectors,
    centred_numbers,
    code_bytes,
    drawn_rows,
    load_codebook,
    tells_apart,
    train_codebook,
)
from vecengine.coverage import Coverage, Offsets
from vecengine.element_types import Numbers
from vecengine.errors import DamagedIndex
from vecengine.exact import kernel_space
from vecengine.hnsw.graph import Int32s
from vecengine.hnsw.parameters import HnswParameters, Quantizer
from vecengine.index import Buffers
from vecengine.metrics import Float32s, Metric, Vectors
from vecengine.stored_vectors import ELEMENT_CODE, StoredVectors

ROWS_MIN = 500
"""Fewer rows are scanned, which reads no codes."""

DIMENSIONS_MIN = 64
"""Of vectors with fewer dimensions a walk reads its nodes and links, hardly the numbers: codes save less than a tenth."""

METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
_SCALE_DRIFT = 1.25
_MEAN_DRIFT = 16
"""By how much, in scales, the mean may move before rows are encoded anew: an eighth of what integers reach."""

_EMPTY_SPACE = (
    int(Metric.L2),
    ELEMENT_CODE,
    0,
    0,
    0,
    np.zeros(0, dtype=np.uint8),
    np.zeros(0, dtype=np.int64),
)
NO_MEAN = np.zeros(0, dtype=np.float32)
NO_TABLES = np.zeros((0, 0), dtype=np.float32)
NO_CODES: tuple[object, ...] = (_EMPTY_SPACE, NO_MEAN, 0.0, 1, NO_TABLES)
"""What kernels take for "the graph has no codes"."""

_HALF_BLOCK_ROWS = 8192
_NUMBER_TYPES: dict[Quantizer, np.dtype[np.generic]] = {
    Quantizer.FP16: np.dtype(np.float16),
    Quantizer.BF16: np.dtype(ml_dtypes.bfloat16),
}


class GraphCodes(ABC):
    """Codes of n nodes, in the order of the nodes.

    Attributes:
        refined: how many times k of the nearest by codes are reranked.
        dimension_ns: time that a dimension adds to a step of a walk; see `vecengine.hnsw.strategy`.
        needs_norms: whether a graph under cosine keeps the norms of its vectors beside them.
        needs_tables: whether `query_tables` makes what they are compared with, which of others the kernel does.
    """

    refined: int
    dimension_ns: float
    needs_norms: bool
    needs_tables: ClassVar[bool] = False

    @property
    @abstractmethod
    def dimensions(self) -> int: ...

    @property
    @abstractmethod
    def size_bytes(self) -> int: ...

    @property
    @abstractmethod
    def query_words(self) -> int:
        """Width of a query that they are compared with."""

    @abstractmethod
    def bundle(self) -> tuple[object, ...]:
        """As kernels take it, without tables: `vecengine.kernels_types.Codes`."""

    def query_tables(self, queries: Float32s) -> Float32s:
        """(nq, `query_words`) float32, what they are compared with for (nq, d) queries."""
        return NO_TABLES

    @abstractmethod
    def to_buffers(self) -> Buffers: ...

    @abstractmethod
    def metadata(self) -> Metadata:
        """What `load_codes` has to know."""


@dataclass(frozen=True, eq=False)
class IntegerCodes(GraphCodes):
    """Integers of 8 bits, and the codebook by which a query becomes such."""

    book: Codebook
    vectors: CodeVectors
    refined: int

    dimension_ns = 0.11
    needs_norms = False

    @property
    def dimensions(self) -> int:
        return self.vectors.shape[1]

    @property
    def size_bytes(self) -> int:
        return self.vectors.nbytes

    @property
    def query_words(self) -> int:
        return self.vectors.query_words

    def bundle(self) -> tuple[object, ...]:
        return (
            kernel_space(Metric.L2, self.vectors),
            self.book.mean,
            self.book.scale,
            self.refined,
            NO_TABLES,
        )

    def to_buffers(self) -> Buffers:
        return {"codes": self.vectors.bytes(), "code_mean": self.book.mean}

    def metadata(self) -> Metadata:
        return {"code_scale": self.book.scale}


@dataclass(frozen=True, eq=False)
class NumberCodes(GraphCodes):
    """Shorter numbers, found by their row offset: `starts` says where they are if the graph covers some rows only.

    Attributes:
        numbers: (n, d) float16 or bfloat16.
        starts: (rows of the vectors,) int64 first byte of each; (0,) when all rows are covered.
    """

    metric: Metric
    numbers: Numbers
    starts: Offsets
    refined: int

    dimension_ns = 0.2
    needs_norms = True

    @property
    def dimensions(self) -> int:
        return int(self.numbers.shape[1])

    @property
    def size_bytes(self) -> int:
        return int(self.numbers.nbytes)

    @property
    def query_words(self) -> int:
        return self.dimensions

    def bundle(self) -> tuple[object, ...]:
        *numbers, _ = kernel_space(self.metric, self.numbers)
        return ((*numbers, self.starts), NO_MEAN, 0.0, self.refined, NO_TABLES)

    def to_buffers(self) -> Buffers:
        return {"codes": self.numbers.view(np.uint16)}

    def metadata(self) -> Metadata:
        return {"code_numbers": self.numbers.dtype.name}


def number_codes(
    metric: Metric,
    vectors: Vectors,
    coverage: Coverage,
    parameters: HnswParameters,
    cancel: CancelWord | None = None,
) -> NumberCodes | None:
    """The covered rows as numbers of half the size; None where they are that small or would not tell neighbours apart.

    Raises:
        QueryCanceled: 57014.
    """
    dtype = _NUMBER_TYPES.get(parameters.quantizer)
    if (
        dtype is None
        or isinstance(vectors, StoredVectors)
        or vectors.dtype != np.float32
        or coverage.row_count < ROWS_MIN
        or vectors.shape[1] < DIMENSIONS_MIN
    ):
        return None
    rows = coverage.row_offsets()
    sample = vectors[drawn_rows(rows, vectors.shape[1])]
    if not _are_told_apart(metric, sample, _halved(sample, dtype)):
        return None
    numbers = np.empty((rows.size, vectors.shape[1]), dtype=dtype)
    for begin in range(0, rows.size, _HALF_BLOCK_ROWS):
        check_cancel(cancel)
        block = rows[begin : begin + _HALF_BLOCK_ROWS]
        numbers[begin : begin + block.size] = halved = _halved(vectors[block], dtype)
        if not np.isfinite(halved).all():
            return None
    return NumberCodes(metric, numbers, _starts(coverage, numbers), parameters.refined)


def _halved(vectors: Numbers, dtype: np.dtype[np.generic]) -> Numbers:
    with np.errstate(over="ignore"):
        return vectors.astype(dtype)


def _are_told_apart(metric: Metric, sample: Numbers, halved: Numbers) -> bool:
    with np.errstate(all="ignore"):
        decoded = centred_numbers(metric, halved, np.zeros(sample.shape[1], dtype=np.float32))
        # Neighbours under l1 are tried by l2: it is rows that have to be told apart, not metrics.
        tried = Metric.L2 if metric is Metric.L1 else metric
        return bool(np.isfinite(decoded).all()) and tells_apart(tried, sample, decoded)


def _starts(coverage: Coverage, numbers: Numbers) -> Offsets:
    if coverage.bits is None:
        return np.zeros(0, dtype=np.int64)
    starts = np.zeros(coverage.vector_rows, dtype=np.int64)
    starts[coverage.offsets] = np.arange(coverage.row_count) * numbers[:1].nbytes
    return starts


def encode_nodes(
    metric: Metric,
    vectors: Vectors,
    coverage: Coverage,
    parameters: HnswParameters,
    *,
    source: GraphCodes | None = None,
    renamed: Int32s | None = None,
    cancel: CancelWord | None = None,
) -> IntegerCodes | None:
    """Integers of the covered rows; None where the parameters want no codes or the vectors have no use for them.

    Args:
        source: codes of a graph that some of the rows come from. They are kept while its codebook suits all rows.
        renamed: (nodes of that graph,) which node each has become, -1 for one that is gone.

    Raises:
        QueryCanceled: 57014.
    """
    if (
        parameters.quantizer is Quantizer.NONE
        or isinstance(vectors, StoredVectors)
        or metric not in METRICS
        or coverage.row_count < ROWS_MIN
        or vectors.shape[1] < DIMENSIONS_MIN
    ):
        return None
    rows = coverage.row_offsets()
    book = train_codebook(metric, vectors, rows, cancel)
    if book is None:
        return None
    if not isinstance(source, IntegerCodes) or renamed is None or not _is_near(source.book, book):
        codes = book.encode(vectors, None if coverage.bits is None else rows, cancel)
        return IntegerCodes(book, codes, parameters.refined)
    is_missing = np.ones(rows.size, dtype=np.bool_)
    alive = renamed >= 0
    is_missing[renamed[alive]] = False
    data = np.empty((rows.size, code_bytes(vectors.shape[1])), dtype=np.uint8)
    data[renamed[alive]] = source.vectors.bytes()[alive]
    data[is_missing] = source.book.encode(vectors, rows[is_missing], cancel).bytes()
    return IntegerCodes(source.book, CodeVectors(data, vectors.shape[1]), parameters.refined)


def _is_near(book: Codebook, other: Codebook) -> bool:
    """Whether codes of one serve where the other would be trained."""
    ratio = book.scale / other.scale
    shift = float(np.abs(book.mean - other.mean).max())
    return 1 / _SCALE_DRIFT < ratio < _SCALE_DRIFT and shift < _MEAN_DRIFT * book.scale


def load_codes(
    buffers: Buffers, metadata: Metadata, metric: Metric, coverage: Coverage, refined: int
) -> GraphCodes | None:
    """Take the codes of a stored graph over the covered rows; None when it has none.

    Raises:
        DamagedIndex: XX002.
    """
    dimensions, nodes = int(metadata["dimensions"]), coverage.row_count
    if metadata.get("code_numbers") is not None:
        dtypes = [dtype for dtype in _NUMBER_TYPES.values() if dtype.name == metadata["code_numbers"]]
        if not dtypes:
            raise DamagedIndex(f'index metadata field "code_numbers" is {metadata["code_numbers"]!r}')
        numbers = take_array(buffers, "codes", np.uint16, (nodes, dimensions)).view(dtypes[0])
        return NumberCodes(metric, numbers, _starts(coverage, numbers), refined)
    if metadata.get("code_scale") is None:
        return None
    book = load_codebook(buffers, metadata, metric, dimensions)
    data = take_array(buffers, "codes", np.uint8, (nodes, code_bytes(dimensions)))
    return IntegerCodes(book, CodeVectors(data, dimensions), refined)
