"""The kinds of codes that lists may have: how a book of each is trained and loaded, and what weighing a row costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord
from vecengine.buffers import Metadata, take_array
from vecengine.codes import Codebook, CodeVectors, code_bytes, load_codebook, train_codebook
from vecengine.codes_blocks import (
    BITS,
    BlockBook,
    BlockVectors,
    arranged_blocks,
    block_bytes,
    block_starts,
)
from vecengine.codes_product import ProductVectors, load_product_book, piece_count, train_product
from vecengine.codes_rabitq import load_rabitq_book, train_rabitq
from vecengine.codes_short import BITS as SHORT_BITS
from vecengine.codes_short import load_short_book, train_short
from vecengine.element_types import Numbers
from vecengine.errors import BuildParameterError
from vecengine.exact import Offsets
from vecengine.index import Buffers
from vecengine.ivf.parameters import ListParameters
from vecengine.metrics import Float32s, Metric
from vecengine.parameters import ParameterInfo
from vecengine.residuals import Centres
from vecengine.stored_vectors import StoredVectors

_DIMENSIONS_PER_PIECE = 4
_DIMENSIONS_PER_SHORT_PIECE = 2
"""Of codes of 8 and of 4 bits: as many bits a dimension."""

Data = npt.NDArray[np.uint8]


class Book(Protocol):
    """How numbers become codes, and queries what codes are compared with."""

    @property
    def row_bytes(self) -> int:
        """Size of a row of codes."""

    def encode(
        self,
        vectors: Numbers,
        rows: Offsets,
        *,
        centres: Centres | None = None,
        threads: int = 1,
        cancel: CancelWord | None = None,
    ) -> StoredVectors:
        """Codes of rows of (n, d) vectors. Raises QueryCanceled (57014)."""

    def wrap(self, data: Data) -> StoredVectors:
        """(n, row_bytes) uint8 as vectors of codes."""

    def query_tables(self, queries: Float32s) -> Float32s:
        """(nq, w) float32 of (nq, d) queries; the first word is a number that keys have besides."""

    def to_buffers(self) -> Buffers:
        """The book as named arrays."""

    def fields(self) -> Metadata:
        """What metadata says of the book."""


class ScalarBook:
    """Codes of 8 bits a dimension, relative to nothing but the mean of all rows; see `vecengine.codes`."""

    def __init__(self, book: Codebook) -> None:
        self.book = book

    @property
    def row_bytes(self) -> int:
        return code_bytes(self.book.mean.size)

    def encode(
        self,
        vectors: Numbers,
        rows: Offsets,
        *,
        centres: Centres | None = None,
        threads: int = 1,
        cancel: CancelWord | None = None,
    ) -> StoredVectors:
        assert centres is None
        return self.book.encode(vectors, rows, cancel)

    def wrap(self, data: Data) -> StoredVectors:
        return CodeVectors(data, self.book.mean.size)

    def query_tables(self, queries: Float32s) -> Float32s:
        return self.book.encode_queries(queries)

    def to_buffers(self) -> Buffers:
        return {"code_mean": self.book.mean}

    def fields(self) -> Metadata:
        return {"code_scale": self.book.scale}


class CodeSource(NamedTuple):
    """What will be encoded: rows of (n, d) vectors at (m,) offsets, and what each is coded relative to."""

    metric: Metric
    vectors: Numbers
    rows: Offsets
    centres: Centres | None


class StoredBook(NamedTuple):
    """What a book is loaded from."""

    buffers: Buffers
    metadata: Metadata
    metric: Metric
    dimensions: int


class CodeKind(ABC):
    """One kind of codes."""

    def is_relative(self, parameters: ListParameters) -> bool:
        """Whether rows are coded relative to their list."""
        return True

    def check(self, parameters: ListParameters) -> None:  # noqa: B027
        """Raise BuildParameterError (22023) for parameters that this kind has no codes for; most have for all."""

    @abstractmethod
    def train(self, source: CodeSource, parameters: ListParameters, cancel: CancelWord | None) -> Book | None:
        """A book of the rows; None where their numbers have no use for codes. Raises QueryCanceled (57014)."""

    @abstractmethod
    def load(self, stored: StoredBook, parameters: ListParameters) -> Book:
        """The book that was stored. Raises DamagedIndex (XX002)."""

    def arranged(self, codes: StoredVectors, starts: Offsets) -> StoredVectors:
        """Codes of rows in the order of lists as the kernel takes them; (l + 1,) where each list begins."""
        return codes

    def stored(self, book: Book, data: Buffers, starts: Offsets) -> StoredVectors:
        """What `arranged` gave, from the buffer `codes` of an index. Raises DamagedIndex (XX002)."""
        return book.wrap(take_array(data, "codes", np.uint8, (int(starts[-1]), book.row_bytes)))

    def row_data(self, codes: StoredVectors) -> Data:
        """(n, row_bytes) uint8 of what `arranged` gave."""
        return codes.data.reshape(codes.shape[0], codes.row_bytes)

    @abstractmethod
    def row_cost(self, dimensions: int, parameters: ListParameters) -> float:
        """Time to weigh a row by codes, in that of reading so many numbers in a scan of float32."""


class ScalarKind(CodeKind):
    """Codes of 8 bits a dimension, or of 6 or 4 of what rows differ by from their centroid."""

    def is_relative(self, parameters: ListParameters) -> bool:
        return parameters.nbits in SHORT_BITS

    def check(self, parameters: ListParameters) -> None:
        if parameters.nbits not in (*SHORT_BITS, 8):
            raise BuildParameterError(
                f'value {parameters.nbits} out of bounds for option "nbits"',
                detail='Valid values are "4", "6" and "8".',
            )

    def train(self, source: CodeSource, parameters: ListParameters, cancel: CancelWord | None) -> Book | None:
        if parameters.nbits in SHORT_BITS:
            return train_short(
                source.metric,
                source.vectors,
                source.rows,
                parameters.nbits,
                centres=source.centres,
                cancel=cancel,
            )
        book = train_codebook(source.metric, source.vectors, source.rows, cancel)
        return None if book is None else ScalarBook(book)

    def load(self, stored: StoredBook, parameters: ListParameters) -> Book:
        if parameters.nbits in SHORT_BITS:
            return load_short_book(stored.buffers, stored.metric, stored.dimensions, parameters.nbits)
        return ScalarBook(load_codebook(*stored))

    def row_cost(self, dimensions: int, parameters: ListParameters) -> float:
        return _CALL_NUMBERS + _SCALAR_COSTS[parameters.nbits] * dimensions


class ProductKind(CodeKind):
    """Product codes of what rows differ by from their centroid: 4 to 8 bits for each piece of the dimensions."""

    def train(self, source: CodeSource, parameters: ListParameters, cancel: CancelWord | None) -> Book | None:
        shape = piece_count(parameters.m, source.vectors.shape[1], _DIMENSIONS_PER_PIECE), parameters.nbits
        return train_product(
            source.metric, source.vectors, source.rows, shape, centres=source.centres, cancel=cancel
        )

    def load(self, stored: StoredBook, parameters: ListParameters) -> Book:
        pieces = piece_count(parameters.m, stored.dimensions, _DIMENSIONS_PER_PIECE)
        return load_product_book(stored.buffers, stored.metric, stored.dimensions, pieces, parameters.nbits)

    def row_cost(self, dimensions: int, parameters: ListParameters) -> float:
        return _CALL_NUMBERS + _NUMBERS_PER_PIECE * piece_count(
            parameters.m, dimensions, _DIMENSIONS_PER_PIECE
        )


class RabitqKind(CodeKind):
    """One bit a dimension of what rows differ by from their centroid."""

    def train(self, source: CodeSource, parameters: ListParameters, cancel: CancelWord | None) -> Book | None:
        return train_rabitq(source.metric, source.vectors, source.rows, centres=source.centres, cancel=cancel)

    def load(self, stored: StoredBook, parameters: ListParameters) -> Book:
        return load_rabitq_book(stored.buffers, stored.metric, stored.dimensions)

    def row_cost(self, dimensions: int, parameters: ListParameters) -> float:
        return _CALL_NUMBERS + dimensions / 8


class BlockKind(CodeKind):
    """Product codes of 4 bits in blocks of 32 rows, which are weighed together."""

    def train(self, source: CodeSource, parameters: ListParameters, cancel: CancelWord | None) -> Book | None:
        shape = self._pieces(source.vectors.shape[1], parameters), BITS
        book = train_product(
            source.metric, source.vectors, source.rows, shape, centres=source.centres, cancel=cancel
        )
        return None if book is None else BlockBook(book.metric, book.mean, book.words, book.pieces)

    def load(self, stored: StoredBook, parameters: ListParameters) -> Book:
        pieces = self._pieces(stored.dimensions, parameters)
        book = load_product_book(stored.buffers, stored.metric, stored.dimensions, pieces, BITS)
        return BlockBook(book.metric, book.mean, book.words, book.pieces)

    def arranged(self, codes: StoredVectors, starts: Offsets) -> StoredVectors:
        assert isinstance(codes, ProductVectors)
        return arranged_blocks(codes, starts)

    def stored(self, book: Book, data: Buffers, starts: Offsets) -> StoredVectors:
        assert isinstance(book, BlockBook)
        shape = int(block_starts(starts)[-1]), block_bytes(book.pieces)
        return BlockVectors(take_array(data, "codes", np.uint8, shape), starts, book.pieces)

    def row_data(self, codes: StoredVectors) -> Data:
        assert isinstance(codes, BlockVectors)
        return codes.row_data()

    def row_cost(self, dimensions: int, parameters: ListParameters) -> float:
        return _BLOCK_NUMBERS + self._pieces(dimensions, parameters) / 2

    @staticmethod
    def _pieces(dimensions: int, parameters: ListParameters) -> int:
        return piece_count(parameters.m, dimensions, _DIMENSIONS_PER_SHORT_PIECE)


_CALL_NUMBERS = 30
_BLOCK_NUMBERS = 15
_SCALAR_COSTS = {8: 0.5, 6: 0.8, 4: 0.6}
_NUMBERS_PER_PIECE = 5
"""Measured: what a row costs besides its bytes, a dimension by its bits, and a table entry, in numbers of a scan."""


RANKED_BY_MEANS = (Metric.L2, Metric.IP, Metric.COSINE)
"""As pgvector: it has no operator class of l1 for lists either, and means of sparse vectors are not sparse."""


@dataclass(frozen=True)
class ListKind:
    """What one family of lists has of its own.

    Attributes:
        name: of the family.
        parameters: its build parameters.
        codes: of its rows, None where lists hold whole vectors.
        metrics: those it serves.
    """

    name: str
    parameters: tuple[ParameterInfo, ...]
    codes: CodeKind | None = None
    metrics: tuple[Metric, ...] = RANKED_BY_MEANS
