"""Goal: codes of signs estimate keys without bias, and kernels compute with them what the formulas say.

Method: the rotation against its formula and as one that keeps products; keys against float64 sums over the signs; the estimate's
mean error over many rows; numbers that are hard to encode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.codes import centred_numbers
from vecengine.codes_rabitq import (
    FACTORS,
    PLANES,
    QUERY_HEADER,
    RabitqBook,
    RabitqVectors,
    load_rabitq_book,
    padded_width,
    query_words,
    rotated_by_formula,
    tables_by_formula,
    train_rabitq,
)
from vecengine.errors import DamagedIndex
from vecengine.exact import exact_keys
from vecengine.metrics import Metric
from vecengine.residuals import Centres

METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
SHAPES = [1, 64, 65, 200, 384]


def normal(seed: int, rows: int, dimensions: int) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def book_of(metric: Metric, vectors: Any, centres: Centres | None = None) -> RabitqBook:
    book = train_rabitq(metric, vectors, np.arange(len(vectors), dtype=np.int64), centres=centres)
    assert book is not None
    return book


def keys_of(codes: RabitqVectors, tables: Any) -> Any:
    """(nq, n) keys of the kernel, by row."""
    keys, offsets, _ = exact_keys(Metric.L2, codes, tables, codes.shape[0], None)
    by_row = np.empty_like(keys)
    np.put_along_axis(by_row, offsets, keys, axis=1)
    return by_row


def rows_and_queries(metric: Metric, vectors: Any, queries: Any) -> tuple[Any, Any]:
    """Both in float64, under cosine of length one."""
    vectors, queries = vectors.astype(np.float64), queries.astype(np.float64)
    if metric is Metric.COSINE:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    return vectors, queries


def true_keys(metric: Metric, vectors: Any, queries: Any) -> Any:
    vectors, queries = rows_and_queries(metric, vectors, queries)
    if metric is Metric.IP:
        return -queries @ vectors.T
    squares = ((queries[:, None] - vectors[None]) ** 2).sum(axis=2)
    return squares if metric is Metric.L2 else squares / 2


def of_lists(metric: Metric, vectors: Any) -> Centres:
    rows, _ = rows_and_queries(metric, vectors, vectors[:1])
    lists = np.random.default_rng(2).integers(0, 9, len(vectors)).astype(np.int32)
    return Centres((rows[:9] * 0.9).astype(np.float32), lists)


@pytest.mark.parametrize("dimensions", SHAPES)
def test_the_rotation(dimensions: int) -> None:
    vectors = normal(1, 50, dimensions)
    book = book_of(Metric.IP, vectors)
    turned = book.rotate(vectors)
    padded = np.zeros((50, padded_width(dimensions)), np.float32)
    padded[:, :dimensions] = vectors
    np.testing.assert_allclose(turned, rotated_by_formula(padded, book.signs), atol=1e-5)
    np.testing.assert_allclose(turned @ turned.T, vectors @ vectors.T, rtol=1e-4, atol=1e-4 * dimensions)
    # One large number is spread over all.
    lonely = np.zeros((1, dimensions), np.float32)
    lonely[0, 0] = 1
    assert np.abs(book.rotate(lonely)).max() < 6 / np.sqrt(padded_width(dimensions))


@pytest.mark.parametrize("is_relative", [False, True])
@pytest.mark.parametrize("dimensions", SHAPES)
@pytest.mark.parametrize("metric", METRICS)
def test_kernels_weigh_signs_as_the_formula_does(metric: Metric, dimensions: int, is_relative: bool) -> None:
    vectors, queries = normal(3, 400, dimensions) + 0.5, normal(4, 5, dimensions) + 0.5
    centres = of_lists(metric, vectors) if is_relative else None
    book = book_of(metric, vectors, centres)
    codes, tables = book.encode(vectors, centres=centres), book.query_tables(queries)
    _, asked = rows_and_queries(metric, vectors, queries)
    turned = book.rotate((asked - book.mean).astype(np.float32)).astype(np.float64)
    steps = np.abs(turned).max(axis=1, keepdims=True) / 127
    products = (np.rint(turned / steps) * steps) @ codes.signs().astype(np.float64).T
    terms, factors = codes.headers().astype(np.float64).T
    slope = -2 if metric is Metric.L2 else -1
    biases = 0 if metric is Metric.IP else ((asked - book.mean) ** 2).sum(axis=1, keepdims=True)
    biases = biases / 2 if metric is Metric.COSINE else biases
    # A number between two integers may be rounded to either.
    allowed = np.abs(factors).max() * steps.max() * 2.1
    expected = biases + terms + slope * factors * products
    np.testing.assert_allclose(keys_of(codes, tables), expected, rtol=1e-4, atol=allowed)


@pytest.mark.parametrize("metric", METRICS)
def test_estimates_have_no_bias_and_a_bounded_error(metric: Metric) -> None:
    vectors, queries = normal(5, 2000, 128) + 0.5, normal(6, 30, 128) + 0.5
    centres = of_lists(metric, vectors)
    book = book_of(metric, vectors, centres)
    tables = book.query_tables(queries)
    tables[:, 0] = 0
    biases = true_keys(metric, centres.numbers, queries) if metric is not Metric.COSINE else None
    if biases is None:
        _, asked = rows_and_queries(metric, vectors, queries)
        biases = ((asked[:, None] - centres.numbers[None].astype(np.float64)) ** 2).sum(axis=2) / 2
    estimated = keys_of(book.encode(vectors, centres=centres), tables) + biases[:, centres.of_rows]
    errors = estimated - true_keys(metric, vectors, queries)
    rows, asked = rows_and_queries(metric, vectors, queries)
    own = centres.numbers[centres.of_rows].astype(np.float64)
    lengths = np.linalg.norm(rows - own, axis=1)
    reaches = np.sqrt(((asked[:, None] - own[None]) ** 2).sum(axis=2))
    relative = errors / (lengths * reaches)
    factor = 2 if metric is Metric.L2 else 1
    # The paper's theorem 3.2: the error is of the order of one by the root of the dimensions.
    assert relative.std() < factor * 1.1 / np.sqrt(128)
    assert abs(relative.mean()) < factor * 0.01


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing_and_some_rows_are_encoded_as_all_are(threads: int) -> None:
    vectors = normal(8, 5000, 200)
    book = book_of(Metric.COSINE, vectors)
    everything = book.encode(vectors)
    np.testing.assert_array_equal(book.encode(vectors, threads=threads).bytes(), everything.bytes())
    rows = np.arange(3, 5000, 7)
    np.testing.assert_array_equal(book.encode(vectors, rows).bytes(), everything[rows].bytes())


@pytest.mark.parametrize("dimensions", SHAPES)
@pytest.mark.parametrize("metric", METRICS)
def test_the_kernel_makes_tables_as_the_formula_does(metric: Metric, dimensions: int) -> None:
    queries = np.concatenate([normal(11, 7, dimensions), np.zeros((1, dimensions), np.float32)])
    queries[2] *= np.float32(1e25)
    queries[3] *= np.float32(1e-25)
    queries[4, 0] = np.nan
    book = book_of(metric, normal(12, 100, dimensions) + 0.5)
    with np.errstate(all="ignore"):
        asked = centred_numbers(metric, queries, book.mean)
        squares = np.einsum("ij,ij->i", asked, asked, dtype=np.float64)
        expected = np.empty((8, query_words(book.width)), np.float32)
        tables_by_formula(book.rotate(asked), squares, *FACTORS[metric], expected)
    tables = book.query_tables(queries)
    np.testing.assert_array_equal(tables[:, :QUERY_HEADER], expected[:, :QUERY_HEADER])
    np.testing.assert_array_equal(tables.view(np.int64)[:, 2:], expected.view(np.int64)[:, 2:])
    assert np.isnan(tables[4, 1])


def test_the_stored_form() -> None:
    vectors = normal(10, 9, 70)
    book = book_of(Metric.L2, vectors)
    codes = book.encode(vectors)
    assert (
        codes.bytes().shape == (9, 8 + 16)
        and codes.query_words == query_words(128) == 4 + 2 * 64 * PLANES // 32
    )
    turned = book.rotate(vectors - book.mean)
    np.testing.assert_array_equal(codes.signs() > 0, turned > 0)
    planes = book.query_tables(vectors)[0, QUERY_HEADER:].view(np.uint8).reshape(2, 8, 8)
    bits = np.unpackbits(planes, axis=2, bitorder="little")
    weights = np.asarray([1, 2, 4, 8, 16, 32, 64, -128])
    integers = (bits * weights[None, :, None]).sum(axis=1).reshape(-1)
    np.testing.assert_array_equal(integers, np.rint(turned[0] / (np.abs(turned[0]).max() / np.float64(127))))
    with pytest.raises(ValueError, match="must be"):
        RabitqVectors(codes.bytes()[:, 1:], 128)
    with pytest.raises(TypeError, match="planes"):
        codes.queries()


def test_a_book_is_stored_and_damage_found() -> None:
    book = book_of(Metric.L2, normal(11, 300, 12))
    buffers = book.to_buffers()
    np.testing.assert_array_equal(load_rabitq_book(buffers, Metric.L2, 12).signs, book.signs)
    with pytest.raises(DamagedIndex, match="expected"):
        load_rabitq_book(buffers, Metric.L2, 100)
    with pytest.raises(DamagedIndex, match="not finite"):
        load_rabitq_book({**buffers, "code_mean": book.mean * np.float32(np.inf)}, Metric.L2, 12)


@pytest.mark.parametrize("factor", [0, 1e25, 1e-25, np.nan])
def test_no_book_for_numbers_that_cannot_be_weighed(factor: float) -> None:
    vectors = normal(12, 300, 8) * np.float32(factor)
    assert train_rabitq(Metric.L2, vectors, np.arange(300)) is None


def test_rows_that_equal_their_centre_and_queries_without_length() -> None:
    vectors = np.repeat(normal(13, 2, 16), 20, axis=0)
    centres = Centres(vectors[:1].copy(), np.zeros(40, np.int32))
    book = book_of(Metric.L2, vectors, centres)
    codes = book.encode(vectors, centres=centres)
    assert (codes.headers()[:20] == 0).all()
    cosine = book_of(Metric.COSINE, vectors)
    tables = cosine.query_tables(np.zeros((1, 16), np.float32))
    _, offsets, _ = exact_keys(Metric.L2, cosine.encode(vectors), tables, 5, None)
    assert (offsets == -1).all()


def test_a_cancelled_encoding() -> None:
    token = CancelToken()
    token.cancel()
    vectors = normal(14, 300, 6)
    book = book_of(Metric.L2, vectors)
    with pytest.raises(QueryCanceled):
        book.encode(vectors, cancel=token.word)
