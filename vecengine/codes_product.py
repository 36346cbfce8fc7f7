"""Vectors of numbers as product codes: a row is a few bytes, a query stays exact and becomes tables.

The dimensions are divided into m pieces as even as can be (m need not divide d), and k-means over a sample of rows gives each piece
its 2 ** bits words: Jégou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search" (2011). What the bytes of a row mean and
what a key is made of stands in `vecengine.kernels_product`. Rows may be coded as what they differ by from a centre of their own, such
as the centroid of their list (section IV there, "residuals").

Keys order rows roughly: who searches by them reranks the best by the vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vecengine.arrays import NO_CANCEL, CancelWord, check_cancel
from vecengine.buffers import Metadata, take_array
from vecengine.codes import centred_numbers
from vecengine.compiled import kernels
from vecengine.element_types import Numbers
from vecengine.errors import BuildParameterError, DamagedIndex
from vecengine.exact import raise_for_status
from vecengine.index import Buffers
from vecengine.metrics import Float32s, Metric
from vecengine.residuals import Centres, ResidualBook, draw_sample
from vecengine.stored_vectors import ELEMENT_PRODUCT, Offsets, Rows, StoredVectors

HEADER_BYTES = 4
QUERY_HEADER = 2
"""Bytes before a row's codes, and words before a query's tables, as in `kernels_product`, which cannot be imported without numba."""

BITS_MIN, BITS_MAX = 4, 8
ITERATIONS_MAX = 12
_SAMPLES_PER_WORD = 64
_SAMPLES_MIN = 4096
_SAMPLE_NUMBERS_MAX = 1 << 24
_SETTLED_SHARE = 0.001
_SEED = 20110117
_NO_STARTS: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

Codes = npt.NDArray[np.uint8]


class ProductVectors(StoredVectors):
    """n rows of product codes, one after another; `shape` is (n, m).

    Args:
        data: (n, row_bytes) uint8.
        pieces: m.
        bits: of a code.
    """

    element = ELEMENT_PRODUCT

    def __init__(self, data: Codes, pieces: int, bits: int) -> None:
        row_bytes = product_bytes(pieces, bits)
        if data.ndim != 2 or data.shape[1] != row_bytes:
            raise ValueError(f"{pieces} codes of {bits} bits must be (n, {row_bytes}) uint8")
        data = np.ascontiguousarray(data)
        super().__init__((data.shape[0], pieces), data.reshape(-1), _NO_STARTS, row_bytes)
        self.bits = bits

    def __getitem__(self, rows: Rows) -> ProductVectors:
        return ProductVectors(self.bytes()[rows], self.shape[1], self.bits)

    def bytes(self) -> Codes:
        """(n, row_bytes) uint8."""
        return self.data.reshape(self.shape[0], self.row_bytes)

    def codes(self) -> Codes:
        """(n, m) uint8, one code each."""
        bits = np.unpackbits(self.bytes()[:, HEADER_BYTES:], axis=1, bitorder="little")
        places = bits[:, : self.shape[1] * self.bits].reshape(self.shape[0], self.shape[1], self.bits)
        return np.packbits(places, axis=2, bitorder="little")[:, :, 0]

    def terms(self) -> Float32s:
        """(n,) float32, what keys consist of besides bias and table entries."""
        return np.ascontiguousarray(self.bytes()[:, :HEADER_BYTES]).view(np.float32)[:, 0]

    @property
    def query_words(self) -> int:
        return query_words(self.shape[1], self.bits)

    def queries(self) -> Float32s:
        """No row of codes is compared with another: `ProductBook.query_tables` makes what they are compared with."""
        raise TypeError("product codes are compared with tables of queries")


def product_bytes(pieces: int, bits: int) -> int:
    """Size of a row of codes."""
    return HEADER_BYTES + (pieces * bits + 7 >> 3)


def query_words(pieces: int, bits: int) -> int:
    """Width of a query that codes are compared with, in float32 words."""
    return QUERY_HEADER + (pieces << bits)


def packed(codes: Codes, bits: int) -> Codes:
    """(n, m) codes as (n, ceil(m * bits / 8)) bytes, one behind the other from the lowest bit on."""
    places = np.unpackbits(codes[:, :, None], axis=2, count=bits, bitorder="little")
    return np.packbits(places.reshape(codes.shape[0], -1), axis=1, bitorder="little")


@dataclass(frozen=True, eq=False)
class ProductBook(ResidualBook[ProductVectors]):
    """How numbers become product codes, and queries tables.

    Attributes:
        metric: l2, ip or cosine.
        mean: (d,) float32, taken away from rows and queries; zeros under ip.
        words: (d, 2 ** bits) float32, column c of the dimensions of a piece is its word c.
        pieces: m.
    """

    metric: Metric
    mean: Float32s
    words: Float32s
    pieces: int

    @property
    def bits(self) -> int:
        """Of a code."""
        return int(self.words.shape[1]).bit_length() - 1

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """(m + 1,) first dimension of each piece, and d."""
        return piece_starts(self.words.shape[0], self.pieces)

    def encoder(
        self, centres: Centres | None, cancel: CancelWord | None
    ) -> Callable[[Float32s, Centres | None], Codes]:
        def coded(residuals: Float32s, of_rows: Centres | None) -> Codes:
            codes = nearest_words(residuals, self.words, self.starts, cancel)
            terms = self.terms(self.decode(codes), of_rows)
            return np.concatenate([terms[:, None].view(np.uint8), packed(codes, self.bits)], axis=1)

        return coded

    @property
    def row_bytes(self) -> int:
        return product_bytes(self.pieces, self.bits)

    def wrap(self, data: Codes) -> ProductVectors:
        return ProductVectors(data, self.pieces, self.bits)

    def decode(self, codes: Codes) -> Float32s:
        """(n, d) float32 that (n, m) codes stand for: residuals where rows have centres, else rows less the mean."""
        piece_of = np.repeat(np.arange(self.pieces), np.diff(self.starts))
        return np.asarray(self.words[np.arange(piece_of.size), codes[:, piece_of]])

    def query_tables(self, queries: Float32s) -> Float32s:
        """(nq, d) float32 queries as (nq, `query_words`) float32 that codes without centres are compared with.

        A query that has no length under cosine gets tables of NaN.
        """
        asked, biases = self._asked(queries)
        out = np.empty((queries.shape[0], query_words(self.pieces, self.bits)), dtype=np.float32)
        out[:, 0], out[:, 1] = biases, self.bits
        factor = -2.0 if self.metric is Metric.L2 else -1.0
        compiled = kernels()
        if compiled is not None:
            compiled.product_tables(asked, self.words, self.starts, factor, out)
        else:
            out[:, QUERY_HEADER:] = self._tables_by_formula(asked, factor)
        return out

    def _asked(self, queries: Float32s) -> tuple[Float32s, Float32s]:
        """Queries as rows are: of length one under cosine, less the mean; and their biases."""
        with np.errstate(all="ignore"):
            asked = centred_numbers(self.metric, queries, self.mean)
            if self.metric is Metric.IP:
                return asked, np.zeros(asked.shape[0], dtype=np.float32)
            squares = np.einsum("ij,ij->i", asked, asked, dtype=np.float64)
            return asked, (squares if self.metric is Metric.L2 else squares / 2).astype(np.float32)

    def _tables_by_formula(self, asked: Float32s, factor: float) -> Float32s:
        with np.errstate(all="ignore"):
            tables = [
                np.float32(factor) * asked[:, low:high] @ self.words[low:high]
                for low, high in pairwise(self.starts.tolist())
            ]
        return np.concatenate(tables, axis=1)

    def to_buffers(self) -> Buffers:
        """`code_words` and `code_mean`."""
        return {"code_words": self.words, "code_mean": self.mean}

    def fields(self) -> Metadata:
        """Nothing: the pieces are a build parameter, and the bits tell from the words."""
        return {}


def piece_count(asked: int, dimensions: int, dimensions_per_piece: int, *, option: str = "m") -> int:
    """How many pieces vectors of so many dimensions have: as many as asked for, or of the width given where 0 are.

    Raises:
        BuildParameterError: 22023, more pieces than dimensions.
    """
    if asked > dimensions:
        raise BuildParameterError(
            f'value {asked} out of bounds for option "{option}"',
            detail=f'Valid values for {dimensions} dimensions are between "0" and "{dimensions}".',
        )
    return asked or -(-dimensions // dimensions_per_piece)


def piece_starts(dimensions: int, pieces: int) -> npt.NDArray[np.int64]:
    """(m + 1,) where each of m pieces of the dimensions begins, and their end; widths differ by one at most."""
    return np.arange(pieces + 1, dtype=np.int64) * dimensions // pieces


def load_product_book(
    buffers: Buffers, metric: Metric, dimensions: int, pieces: int, bits: int
) -> ProductBook:
    """The book that `to_buffers` gave.

    Raises:
        DamagedIndex: XX002.
    """
    words = take_array(buffers, "code_words", np.float32, (dimensions, 1 << bits))
    mean = take_array(buffers, "code_mean", np.float32, (dimensions,))
    if not np.isfinite(words).all() or not np.isfinite(mean).all():
        raise DamagedIndex("the words of product codes hold numbers that are not finite")
    return ProductBook(metric, mean, words, pieces)


def nearest_words(
    rows: Float32s, words: Float32s, starts: npt.NDArray[np.int64], cancel: CancelWord | None
) -> Codes:
    """(n, m) codes of the nearest word of each piece of (n, d) numbers; the first of equally near ones.

    Raises:
        QueryCanceled: 57014.
    """
    codes = np.zeros((rows.shape[0], starts.size - 1), dtype=np.uint8)
    compiled = kernels()
    if compiled is not None:
        word = NO_CANCEL if cancel is None else cancel
        scratch = np.empty(words.shape[1], dtype=np.float32)
        raise_for_status(compiled.product_codes(rows, words, starts, scratch, codes, word), word)
        return codes
    for piece, (low, high) in enumerate(pairwise(starts.tolist())):
        check_cancel(cancel)
        gaps = np.zeros((rows.shape[0], words.shape[1]), dtype=np.float32)
        for place in range(low, high):
            gaps += (rows[:, place : place + 1] - words[place]) ** 2
        codes[:, piece] = gaps.argmin(axis=1)
    return codes


def train_product(
    metric: Metric,
    vectors: Numbers,
    rows: Offsets,
    shape: tuple[int, int],
    *,
    centres: Centres | None = None,
    cancel: CancelWord | None = None,
) -> ProductBook | None:
    """The words of some rows of (n, d) vectors; None where their numbers cannot be multiplied in float32.

    Args:
        rows: (m,) row offsets that will be encoded; under cosine none of them is a zero vector.
        shape: (pieces, bits), at most d pieces.
        centres: what each of the rows is coded relative to, None for nothing.

    Raises:
        QueryCanceled: 57014.
    """
    pieces, bits = shape
    dimensions = vectors.shape[1]
    rng = np.random.default_rng(_SEED)
    wanted = max(_SAMPLES_MIN, _SAMPLES_PER_WORD << bits)
    wanted = min(wanted, max(2 << bits, _SAMPLE_NUMBERS_MAX // dimensions))
    sample = draw_sample(metric, vectors, rows, centres, wanted, rng=rng)
    if sample is None:
        return None
    words = _trained_words(sample.residuals, piece_starts(dimensions, pieces), 1 << bits, rng, cancel=cancel)
    return ProductBook(metric, sample.mean, words, pieces)


def _trained_words(
    sample: Float32s,
    starts: npt.NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
    *,
    cancel: CancelWord | None,
) -> Float32s:
    """k-means (Lloyd 1982) in each piece, from rows drawn at random: (d, count) words."""
    drawn = rng.choice(sample.shape[0], count, replace=sample.shape[0] < count)
    words = np.ascontiguousarray(sample[drawn].T)
    codes = np.zeros((0, starts.size - 1), dtype=np.uint8)
    for _ in range(ITERATIONS_MAX):
        before, codes = codes, nearest_words(sample, words, starts, cancel)
        for piece, (low, high) in enumerate(pairwise(starts.tolist())):
            check_cancel(cancel)
            words[low:high] = _means(sample[:, low:high], codes[:, piece], words[low:high])
        if before.size and np.count_nonzero(before != codes) <= _SETTLED_SHARE * codes.size:
            break
    return words


def _means(numbers: Float32s, codes: Codes, words: Float32s) -> Float32s:
    """(w, count) means of the samples of each word; words without any start again from samples far from theirs."""
    count = words.shape[1]
    sizes = np.bincount(codes, minlength=count)
    sums = [np.bincount(codes, weights=column, minlength=count) for column in numbers.T]
    means = np.where(sizes > 0, np.stack(sums) / np.maximum(sizes, 1), words).astype(np.float32)
    empty = np.flatnonzero(sizes == 0)
    if empty.size:
        errors = ((numbers - words[:, codes].T) ** 2).sum(axis=1)
        farthest = np.argsort(-errors, kind="stable")[: empty.size]
        means[:, empty[: farthest.size]] = numbers[farthest].T
    return means
