"""Goal: product codes stand for the words nearest to rows, and kernels compute with them what the formulas say.

Method: codes and tables against NumPy, keys against the float64 distance of what codes stand for; numbers that are hard to encode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.codes_product import (
    ProductBook,
    ProductVectors,
    load_product_book,
    nearest_words,
    packed,
    piece_starts,
    product_bytes,
    query_words,
    train_product,
)
from vecengine.errors import DamagedIndex
from vecengine.exact import exact_keys
from vecengine.metrics import Metric
from vecengine.residuals import Centres

METRICS = (Metric.L2, Metric.IP, Metric.COSINE)


def normal(seed: int, rows: int, dimensions: int) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def book_of(
    metric: Metric, vectors: Any, pieces: int, bits: int, centres: Centres | None = None
) -> ProductBook:
    rows = np.arange(len(vectors), dtype=np.int64)
    book = train_product(metric, vectors, rows, (pieces, bits), centres=centres)
    assert book is not None
    return book


def keys_of(codes: ProductVectors, tables: Any) -> Any:
    """(nq, n) keys of the kernel, by row."""
    count = codes.shape[0]
    keys, offsets, _ = exact_keys(Metric.L2, codes, tables, count, None)
    by_row = np.empty_like(keys)
    np.put_along_axis(by_row, offsets, keys, axis=1)
    return by_row


def expected_keys(metric: Metric, queries: Any, rows: Any) -> Any:
    """Keys of (nq, d) queries against the rows that codes stand for, in float64; a row under cosine may be shorter than one."""
    queries, rows = queries.astype(np.float64), rows.astype(np.float64)
    if metric is Metric.IP:
        return -queries @ rows.T
    if metric is Metric.COSINE:
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    squares = ((queries[:, None] - rows[None]) ** 2).sum(axis=2)
    return squares if metric is Metric.L2 else squares / 2


@pytest.mark.parametrize("bits", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("metric", METRICS)
def test_kernels_weigh_codes_as_the_decoded_rows(metric: Metric, bits: int) -> None:
    for dimensions, pieces in ((1, 1), (7, 3), (30, 30), (50, 13)):
        vectors = normal(dimensions, 400, dimensions) + 0.5
        book = book_of(metric, vectors, pieces, bits)
        codes = book.encode(vectors)
        decoded = book.decode(codes.codes()) + book.mean
        queries = normal(99, 5, dimensions) + 0.5
        found = keys_of(codes, book.query_tables(queries))
        np.testing.assert_allclose(found, expected_keys(metric, queries, decoded), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_rows_coded_relative_to_centres(metric: Metric) -> None:
    """The bias of a list is the key of its centre; term and tables are the rest."""
    vectors = normal(1, 600, 24) + 2
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if metric is Metric.COSINE else vectors
    centres = Centres(
        units[:9] * np.float32(1.1), np.random.default_rng(2).integers(0, 9, 600).astype(np.int32)
    )
    book = book_of(metric, vectors, 6, 8, centres)
    codes = book.encode(vectors, centres=centres)
    decoded = book.decode(codes.codes()) + centres.numbers[centres.of_rows]
    queries = normal(3, 4, 24) + 2
    tables = book.query_tables(queries)
    tables[:, 0] = 0
    biases = expected_keys(metric, queries, centres.numbers)[:, centres.of_rows]
    expected = expected_keys(metric, queries, decoded)
    np.testing.assert_allclose(keys_of(codes, tables) + biases, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_the_nearest_words(bits: int, without_kernels: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, words, starts = normal(4, 200, 20), normal(5, 20, 1 << bits), piece_starts(20, 6)
    plain = nearest_words(rows, words, starts, None)
    book = ProductBook(Metric.L2, np.zeros(20, np.float32), words, 6)
    tables = book.query_tables(rows)
    monkeypatch.undo()
    compiled = nearest_words(rows, words, starts, None)
    assert (plain == compiled).mean() > 0.999
    piece_of = np.repeat(np.arange(6), np.diff(starts))
    for codes in (plain, compiled):
        gaps = np.add.reduceat((words[np.arange(20), codes[:, piece_of]] - rows) ** 2, starts[:-1], axis=1)
        all_gaps = np.add.reduceat((words.T[None] - rows[:, None]) ** 2, starts[:-1], axis=2)
        np.testing.assert_allclose(gaps, all_gaps.min(axis=1), rtol=1e-4)
    np.testing.assert_allclose(tables, book.query_tables(rows), rtol=1e-5, atol=1e-5)


def test_equally_near_words_and_numbers_that_are_none() -> None:
    words = np.tile(np.asarray([[1, 2, 1, 2] * 4], np.float32), (2, 1))
    rows = np.asarray([[1, 1], [2, 2], [np.nan, 1], [np.inf, 1]], np.float32)
    codes = nearest_words(rows, words, piece_starts(2, 1), None)
    assert codes[:2, 0].tolist() == [0, 1] and (codes < 16).all()


def test_words_are_means_and_tell_clusters_apart() -> None:
    centres = normal(6, 16, 8) * 10
    vectors = centres[np.arange(1600) % 16] + normal(7, 1600, 8) * np.float32(0.01)
    book = book_of(Metric.L2, vectors, 2, 8)
    error = book.decode(book.encode(vectors).codes()) + book.mean - vectors
    assert np.abs(error).max() < 0.1


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing_and_some_rows_are_encoded_as_all_are(threads: int) -> None:
    vectors = normal(8, 5000, 300)
    book = book_of(Metric.COSINE, vectors[:500], 10, 4)
    everything = book.encode(vectors)
    np.testing.assert_array_equal(book.encode(vectors, threads=threads).bytes(), everything.bytes())
    rows = np.arange(3, 5000, 7)
    np.testing.assert_array_equal(book.encode(vectors, rows).bytes(), everything[rows].bytes())


def test_half_precision_rows_are_encoded() -> None:
    vectors = normal(9, 500, 16).astype(np.float16)
    book = book_of(Metric.L2, vectors, 4, 8)
    np.testing.assert_array_equal(
        book.encode(vectors).bytes(), book.encode(vectors.astype(np.float32)).bytes()
    )


@pytest.mark.parametrize("bits", [4, 5, 8])
@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_the_stored_form(pieces: int, bits: int) -> None:
    codes = np.random.default_rng(10).integers(0, 1 << bits, (9, pieces)).astype(np.uint8)
    data = np.zeros((9, product_bytes(pieces, bits)), np.uint8)
    data[:, :4] = np.arange(9, dtype=np.float32)[:, None].view(np.uint8)
    data[:, 4:] = packed(codes, bits)
    for row in range(9):
        number = int.from_bytes(data[row, 4:].tobytes(), "little")
        assert [number >> bits * piece & (1 << bits) - 1 for piece in range(pieces)] == codes[row].tolist()
    vectors = ProductVectors(data, pieces, bits)
    np.testing.assert_array_equal(vectors.codes(), codes)
    assert vectors[2:4].terms().tolist() == [2, 3] and vectors.query_words == query_words(pieces, bits)
    with pytest.raises(ValueError, match="must be"):
        ProductVectors(data[:, 1:], pieces, bits)
    with pytest.raises(TypeError, match="tables"):
        vectors.queries()


def test_a_book_is_stored_and_damage_found() -> None:
    book = book_of(Metric.L2, normal(11, 300, 12), 5, 4)
    buffers = book.to_buffers()
    again = load_product_book(buffers, Metric.L2, 12, 5, 4)
    np.testing.assert_array_equal(again.words, book.words)
    assert again.bits == 4
    with pytest.raises(DamagedIndex, match="expected"):
        load_product_book(buffers, Metric.L2, 12, 5, 8)
    broken = {**buffers, "code_words": np.where(book.words == book.words[0, 0], np.nan, book.words)}
    with pytest.raises(DamagedIndex, match="not finite"):
        load_product_book(broken, Metric.L2, 12, 5, 4)


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((300, 8), np.float32),
        np.zeros((300, 8), np.float32),
        normal(12, 300, 8) * np.float32(1e25),
        normal(12, 300, 8) * np.float32(1e-25),
        np.full((300, 8), np.nan, np.float32),
        np.zeros((0, 8), np.float32),
    ],
    ids=["equal", "zero", "huge", "tiny", "not a number", "no rows"],
)
def test_no_book_for_numbers_that_cannot_be_weighed(vectors: Any) -> None:
    rows = np.arange(len(vectors), dtype=np.int64)
    assert train_product(Metric.L2, vectors, rows, (2, 8)) is None


def test_fewer_rows_than_words() -> None:
    vectors = normal(13, 5, 6)
    book = book_of(Metric.L2, vectors, 3, 8)
    codes = book.encode(vectors)
    np.testing.assert_allclose(book.decode(codes.codes()) + book.mean, vectors, atol=1e-5)


def test_a_cancelled_training() -> None:
    token = CancelToken()
    token.cancel()
    vectors = normal(14, 300, 6)
    book = book_of(Metric.L2, vectors, 3, 4)
    with pytest.raises(QueryCanceled):
        train_product(Metric.L2, vectors, np.arange(300), (3, 4), cancel=token.word)
    with pytest.raises(QueryCanceled):
        book.encode(vectors, cancel=token.word)
