"""Vectors of numbers as codes of 8 bits, which a graph is walked by in a quarter of the memory.

One scale for all dimensions, because then the product of two codes is a whole number and a key the same both ways; what the
integers mean and how a row is laid out stands in `vecengine.kernels_codes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.buffers import Metadata, take_array
from vecengine.element_types import Numbers
from vecengine.errors import DamagedIndex
from vecengine.index import Buffers
from vecengine.metrics import Float32s, Float64s, Metric
from vecengine.stored_vectors import ELEMENT_CODE, Offsets, Rows, StoredVectors

LARGEST = 127
HEADER_BYTES = 8
LANES = 32
_QUERY_LARGEST = 32767
"""Equal to those of `kernels_codes`, which cannot be imported without numba."""

_BLOCK_BYTES = 4 << 20
_SAMPLE_NUMBERS = 1 << 20
_SEED = 20180406
_CUTS = (0.999, 0.9999, 0.99999, 1.0)
"""Shares of the sample's numbers that the integers reach; what lies beyond is cut."""

_TRIED_QUERIES = 128
_TRIED_K = 10
_TRIED_RECALL = 0.98

_NO_STARTS: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)


class CodeVectors(StoredVectors):
    """n rows of codes for d dimensions, one after another.

    Args:
        data: (n, row_bytes) uint8.
        dimensions: d.
    """

    element = ELEMENT_CODE

    def __init__(self, data: npt.NDArray[np.uint8], dimensions: int) -> None:
        row_bytes = code_bytes(dimensions)
        if data.ndim != 2 or data.shape[1] != row_bytes:
            raise ValueError(f"codes of {dimensions} dimensions must be (n, {row_bytes}) uint8")
        data = np.ascontiguousarray(data)
        super().__init__((data.shape[0], dimensions), data.reshape(-1), _NO_STARTS, row_bytes)

    def __getitem__(self, rows: Rows) -> CodeVectors:
        return CodeVectors(self.bytes()[rows], self.shape[1])

    def bytes(self) -> npt.NDArray[np.uint8]:
        """(n, row_bytes) uint8."""
        return self.data.reshape(self.shape[0], self.row_bytes)

    def integers(self) -> npt.NDArray[np.int8]:
        """(n, d) int8."""
        return self.bytes()[:, HEADER_BYTES : HEADER_BYTES + self.shape[1]].view(np.int8)

    def headers(self) -> Float32s:
        """(n, 2) float32: norms, and factors of the products with other codes."""
        return np.ascontiguousarray(self.bytes()[:, :HEADER_BYTES]).view(np.float32)

    @property
    def query_words(self) -> int:
        return query_words(self.shape[1])

    def queries(self) -> Float32s:
        data = self.bytes()
        out = np.empty((self.shape[0], self.query_words), dtype=np.float32)
        out[:, :2] = self.headers()
        out[:, 2:] = data[:, HEADER_BYTES:].view(np.int8).astype(np.int16).view(np.float32)
        return out


def code_bytes(dimensions: int) -> int:
    """Size of a row of codes."""
    return HEADER_BYTES + -(-dimensions // LANES) * LANES


def query_words(dimensions: int) -> int:
    """Width of a query that codes of so many dimensions are compared with, in float32 words."""
    return 2 + -(-dimensions // LANES) * LANES // 2


@dataclass(frozen=True)
class Codebook:
    """How numbers become codes.

    Attributes:
        mean: (d,) float32, zeros under inner product.
        scale: the number that the integer 1 stands for.
    """

    metric: Metric
    mean: Float32s
    scale: float

    def encode(
        self, vectors: Numbers, rows: Offsets | None = None, cancel: CancelWord | None = None
    ) -> CodeVectors:
        """Codes of (n, d) vectors, or of some of them; under cosine none of those is zero.

        Args:
            rows: (m,) row offsets, None for all.

        Raises:
            QueryCanceled: 57014.
        """
        dimensions = vectors.shape[1]
        count = vectors.shape[0] if rows is None else rows.size
        data = np.zeros((count, code_bytes(dimensions)), dtype=np.uint8)
        integers = data[:, HEADER_BYTES : HEADER_BYTES + dimensions].view(np.int8)
        header = np.zeros((count, 2), dtype=np.float32)
        unit = self.scale**2 * (2.0 if self.metric is Metric.L2 else 1.0)
        header[:, 1] = unit
        step = max(1, _BLOCK_BYTES // (4 * dimensions))
        for begin in range(0, count, step):
            check_cancel(cancel)
            block = slice(begin, begin + step)
            integers[block] = self._integers(vectors[block] if rows is None else vectors[rows[block]])
            if self.metric is not Metric.IP:
                wide = integers[block].astype(np.float64)
                header[block, 0] = np.einsum("ij,ij->i", wide, wide) * (unit / 2)
        data[:, :HEADER_BYTES] = header.view(np.uint8)
        return CodeVectors(data, dimensions)

    def encode_queries(self, queries: Float32s) -> Float32s:
        """(nq, d) float32 queries as (nq, `query_words`) float32 that codes are compared with, in integers of 16 bits.

        A query whose squares leave float32, and one without length under cosine, has keys of NaN.
        """
        dimensions = queries.shape[1]
        out = np.zeros((queries.shape[0], query_words(dimensions)), dtype=np.float32)
        largest = min(_QUERY_LARGEST, (2**31 - 1) // (LARGEST * (code_bytes(dimensions) - HEADER_BYTES)))
        out[:, :2], out[:, 2:].view(np.int16)[:, :dimensions] = self._asked(queries, largest)
        return out

    def encode_short_queries(self, queries: Float32s) -> tuple[Float64s, npt.NDArray[np.int8]]:
        """(nq, d) float32 queries as integers of 8 bits.

        Returns:
            (nq, 2) float64: what keys have besides, NaN as of `encode_queries`, and the factor of products;
            (nq, w) int8, zeros behind the last, w a multiple of 64.
        """
        dimensions = queries.shape[1]
        integers = np.zeros((queries.shape[0], -(-dimensions // (2 * LANES)) * 2 * LANES), dtype=np.int8)
        terms, integers[:, :dimensions] = self._asked(queries, LARGEST)
        return terms, integers

    def _asked(self, queries: Float32s, largest: int) -> tuple[Float64s, Float64s]:
        """(nq, 2) terms of keys and factors of products, and (nq, d) integers, none larger than `largest`."""
        with np.errstate(all="ignore"):
            wide = queries.astype(np.float64)
            if self.metric is Metric.COSINE:
                wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
            wide -= self.mean
            norms = np.einsum("ij,ij->i", wide, wide)
            sizes = np.abs(wide).max(axis=1, initial=0.0)
            fineness = np.where(sizes > 0, largest / sizes, 1.0)
            usable = norms < np.finfo(np.float32).max
            wide = np.where(usable[:, None], np.rint(wide * fineness[:, None]), 0.0)
            norms = np.where(usable, norms, np.nan)
            share = {Metric.L2: 1.0, Metric.COSINE: 0.5}.get(self.metric, 0.0)
            factors = (2.0 if self.metric is Metric.L2 else 1.0) * self.scale / fineness
        return np.stack([share * norms, factors], axis=1), wide

    def decode(self, codes: CodeVectors) -> Float32s:
        """(n, d) float32 that the integers stand for: under cosine about of length one."""
        return codes.integers().astype(np.float32) * np.float32(self.scale) + self.mean

    def _integers(self, vectors: Numbers) -> Float32s:
        centred = centred_numbers(self.metric, vectors, self.mean)
        np.multiply(centred, np.float32(1 / self.scale), out=centred)
        np.rint(centred, out=centred)
        return np.clip(centred, -LARGEST, LARGEST, out=centred)


def load_codebook(buffers: Buffers, metadata: Metadata, metric: Metric, dimensions: int) -> Codebook:
    """The codebook of stored codes: `code_mean`, and `code_scale` in the metadata.

    Raises:
        DamagedIndex: XX002.
    """
    scale = metadata.get("code_scale")
    if not isinstance(scale, float) or not 0 < scale < np.inf:
        raise DamagedIndex(f'index metadata field "code_scale" is {scale!r}, expected a positive number')
    mean = take_array(buffers, "code_mean", np.float32, (dimensions,))
    if not np.isfinite(mean).all():
        raise DamagedIndex('index buffer "code_mean" holds numbers that are not finite')
    return Codebook(metric, mean, scale)


def centred_numbers(metric: Metric, vectors: Numbers, mean: Float32s) -> Float32s:
    """(n, d) float32 to round: of length one under cosine, less the mean."""
    numbers = vectors.astype(np.float32)
    if metric is Metric.COSINE:
        numbers /= np.sqrt(np.einsum("ij,ij->i", numbers, numbers))[:, None]
    numbers -= mean
    return numbers


def train_codebook(
    metric: Metric, vectors: Numbers, rows: Offsets, cancel: CancelWord | None = None
) -> Codebook | None:
    """The codebook of some rows of (n, d) vectors; None where codes would not serve.

    Args:
        rows: (m,) row offsets that will be encoded; under cosine none of them is a zero vector.

    Raises:
        QueryCanceled: 57014.
    """
    sample = vectors[drawn_rows(rows, vectors.shape[1])]
    with np.errstate(all="ignore"):
        centred = centred_numbers(metric, sample, np.zeros(vectors.shape[1], dtype=np.float32))
        mean = np.zeros(vectors.shape[1], dtype=np.float32)
        if metric is not Metric.IP:
            mean = centred.mean(axis=0, dtype=np.float64).astype(np.float32)
            centred -= mean
        scale = _best_scale(np.abs(centred), cancel)
    if scale is None:
        return None
    check_cancel(cancel)
    book = Codebook(metric, mean, scale)
    return book if tells_apart(metric, sample, book.decode(book.encode(sample))) else None


def drawn_rows(rows: Offsets, dimensions: int) -> Offsets:
    """Of (m,) ascending row offsets those to train and to try codes with: about a million numbers, drawn by a seed."""
    sample_rows = max(_TRIED_QUERIES, _SAMPLE_NUMBERS // dimensions)
    if rows.size <= sample_rows:
        return rows
    return np.sort(np.random.default_rng(_SEED).choice(rows, sample_rows, replace=False))


def _best_scale(sizes: Float32s, cancel: CancelWord | None) -> float | None:
    """The scale by which rows of (n, d) absolute numbers are displaced least in the mean; one row far out hardly counts."""
    best, least = None, np.inf
    for cut in np.quantile(sizes, _CUTS):
        scale = float(cut) / LARGEST
        check_cancel(cancel)
        # The square of the largest number has to be a float32, and that of the scale no subnormal one.
        if not 1e-18 < scale < 1e16:
            continue
        rounded = np.minimum(np.rint(sizes / np.float32(scale)), LARGEST) * np.float32(scale)
        error = float(np.linalg.norm(rounded - sizes, axis=1).mean())
        if error < least:
            best, least = scale, error
    return best


def tells_apart(metric: Metric, sample: Numbers, decoded: Float32s) -> bool:
    """Whether codes tell the neighbours of rows apart: in a sample nearly all of the nearest are among the nearest by codes.

    Rows that differ by less than codes can say, in a table that reaches far beyond them, are what fails here.

    Args:
        sample: (n, d).
        decoded: (n, d) what their codes stand for, under cosine about of length one.
    """
    count = sample.shape[0]
    asked = slice(0, count, max(1, count // _TRIED_QUERIES))
    zero = np.zeros(sample.shape[1], dtype=np.float32)
    exact = centred_numbers(metric, sample, zero).astype(np.float64)
    coded = decoded.astype(np.float64)
    k = min(_TRIED_K, count - 1)
    if k < 1:
        return False
    true_keys = _keys(metric, exact[asked], exact)
    near = _keys(metric, exact[asked], coded)
    # Its own row says nothing of a query.
    own = np.arange(count)[asked]
    places = np.arange(own.size)
    true_keys[places, own] = near[places, own] = np.inf
    bound = np.partition(true_keys, k - 1, axis=1)[:, k - 1 : k]
    chosen = np.argpartition(near, min(2 * k, count) - 1, axis=1)[:, : 2 * k]
    found = (np.take_along_axis(true_keys, chosen, axis=1) <= bound).sum(axis=1)
    return bool(np.minimum(found, k).mean() >= _TRIED_RECALL * k)


def _keys(metric: Metric, queries: Float64s, rows: Float64s) -> Float64s:
    """(nq, n) keys that order rows as the metric does; under cosine all are of length one."""
    products = queries @ rows.T
    if metric is Metric.IP:
        return -products
    squares: Float64s = np.einsum("ij,ij->i", rows, rows)
    return np.asarray(squares[None, :] - 2 * products)
