"""Goal: codes of 6 and 4 bits stand for the integers nearest to rows, and kernels compute with them what the formulas say.

Method: packing there and back, codes and terms against NumPy, keys against the float64 distance of what codes stand for; numbers that are
hard to encode; lists that hold such codes against a scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.checking import index_faults
from vecengine.codes_short import (
    ShortBook,
    ShortCodeVectors,
    largest_integer,
    load_short_book,
    packed,
    short_code_bytes,
    short_query_words,
    train_short,
    unpacked,
)
from vecengine.errors import BuildParameterError, DamagedIndex
from vecengine.exact import exact_keys
from vecengine.ivf.index import ListIndex
from vecengine.metrics import Metric
from vecengine.residuals import Centres

METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
every_bits = pytest.mark.parametrize("bits", [4, 6])
every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def normal(seed: int, rows: int, dimensions: int) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def book_of(metric: Metric, vectors: Any, bits: int, centres: Centres | None = None) -> ShortBook:
    book = train_short(metric, vectors, np.arange(len(vectors)), bits, centres=centres)
    assert book is not None
    return book


def keys_of(codes: ShortCodeVectors, tables: Any) -> Any:
    """(nq, n) keys of the kernel, by row."""
    keys, offsets, _ = exact_keys(Metric.L2, codes, tables, codes.shape[0], None)
    by_row = np.empty_like(keys)
    np.put_along_axis(by_row, offsets, keys, axis=1)
    return by_row


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@every_bits
@pytest.mark.parametrize("dimensions", [1, 15, 16, 17, 31, 32, 33, 64, 100])
def test_packing_there_and_back(bits: int, dimensions: int) -> None:
    largest = largest_integer(bits)
    integers = np.random.default_rng(dimensions).integers(-largest, largest + 1, (9, dimensions))
    integers[0], integers[1] = largest, -largest
    data = packed(integers.astype(np.int8), bits)
    assert data.shape[1] == short_code_bytes(dimensions, bits) - 4
    np.testing.assert_array_equal(unpacked(data, dimensions, bits), integers)


@every_bits
def test_the_layout_of_a_group(bits: int) -> None:
    integers = np.full((1, 32), -(1 << (bits - 1)), dtype=np.int8)
    integers[0, 17] += 5
    data = packed(integers, bits)[0]
    assert data[1] == 5 << 4 and np.count_nonzero(data) == 1
    if bits == 6:
        integers[0, 17] += 32
        assert packed(integers, bits)[0, 16 + 1] == 2 << 4


@every_bits
@every_metric
@pytest.mark.parametrize("dimensions", [1, 3, 32, 77])
def test_keys_are_those_of_what_codes_stand_for(bits: int, metric: Metric, dimensions: int) -> None:
    vectors, queries = normal(1, 300, dimensions), normal(2, 5, dimensions)
    book = book_of(metric, vectors, bits)
    codes = book.encode(vectors)
    rows = book.decode(codes.integers()).astype(np.float64) + book.mean
    asked = unit(queries.astype(np.float64)) if metric is Metric.COSINE else queries.astype(np.float64)
    expected = -asked @ rows.T
    if metric is not Metric.IP:
        expected = np.square(asked[:, None] - rows).sum(axis=2) / (2 if metric is Metric.COSINE else 1)
    tables = book.query_tables(queries)
    assert tables.shape == (5, short_query_words(dimensions))
    np.testing.assert_allclose(
        keys_of(codes, tables), expected, rtol=1e-4, atol=1e-3 * np.abs(expected).mean()
    )


@every_bits
@every_metric
def test_keys_relative_to_centres(bits: int, metric: Metric) -> None:
    vectors, queries = normal(3, 400, 40), normal(4, 4, 40)
    centres = Centres(normal(5, 6, 40), np.random.default_rng(6).integers(0, 6, 400).astype(np.int32))
    book = book_of(metric, vectors, bits, centres)
    codes = book.encode(vectors, centres=centres)
    of_rows = centres.numbers[centres.of_rows].astype(np.float64)
    rows = book.decode(codes.integers()) + of_rows
    asked = unit(queries.astype(np.float64)) if metric is Metric.COSINE else queries.astype(np.float64)
    tables = book.query_tables(queries)
    tables[:, 0] = 0
    if metric is Metric.IP:
        bias, expected = -asked @ of_rows.T, -asked @ rows.T
    else:
        half = 2 if metric is Metric.COSINE else 1
        bias = np.square(asked[:, None] - of_rows).sum(axis=2) / half
        expected = np.square(asked[:, None] - rows).sum(axis=2) / half
    np.testing.assert_allclose(bias + keys_of(codes, tables), expected, rtol=1e-3, atol=1e-2)


@every_bits
def test_rows_become_the_nearest_integers(bits: int) -> None:
    vectors = normal(7, 500, 33) * np.linspace(0.001, 1000, 33, dtype=np.float32)
    book = book_of(Metric.L2, vectors, bits)
    integers = book.encode(vectors).integers()
    largest = largest_integer(bits)
    nearest = np.clip(np.rint((vectors - book.mean) / book.steps), -largest, largest)
    assert (np.abs(integers - nearest) <= 1).all() and (integers == nearest).mean() > 0.999
    displaced = np.abs(book.decode(integers) + book.mean - vectors).mean(axis=0)
    # Each dimension has the precision of its own numbers.
    assert (displaced < vectors.std(axis=0) * (0.2 if bits == 4 else 0.05)).all()


@every_bits
def test_rows_do_not_depend_on_threads_or_on_which_are_encoded(bits: int) -> None:
    vectors = normal(8, 3000, 48)
    book = book_of(Metric.COSINE, vectors, bits)
    whole = book.encode(vectors)
    np.testing.assert_array_equal(whole.data, book.encode(vectors, threads=3).data)
    some = np.array([2, 5, 2999])
    np.testing.assert_array_equal(whole[some].data, book.encode(vectors, some).data)


def test_hard_numbers() -> None:
    vectors = normal(9, 100, 20)
    vectors[:, 3] = 7
    vectors[5] = np.nan
    vectors[6, 0] = np.inf
    vectors[7] = 1e30
    book = book_of(Metric.L2, normal(9, 100, 20), 4)
    codes = book.encode(vectors)
    assert np.abs(codes.integers()).max() <= 7
    queries = np.stack([vectors[0], np.zeros(20), np.full(20, 1e25), np.full(20, np.nan)]).astype(np.float32)
    keys, _, _ = exact_keys(Metric.L2, codes, book.query_tables(queries), 5, None)
    assert np.isfinite(keys[:2]).all() and not np.isfinite(keys[2:]).any()
    with np.errstate(all="ignore"):
        assert train_short(Metric.L2, np.full((9, 4), np.nan, np.float32), np.arange(9), 4) is None
    same = np.ones((50, 8), np.float32)
    assert train_short(Metric.L2, same, np.arange(50), 6) is None


def test_damage_is_found() -> None:
    book = book_of(Metric.L2, normal(10, 100, 8), 4)
    assert load_short_book(book.to_buffers(), Metric.L2, 8, 4).steps.shape == (8,)
    for bad in (0.0, -1.0, np.nan, np.inf):
        steps = book.steps.copy()
        steps[2] = bad
        with pytest.raises(DamagedIndex):
            load_short_book({**book.to_buffers(), "code_steps": steps}, Metric.L2, 8, 4)
    with pytest.raises(ValueError, match="must be"):
        ShortCodeVectors(np.zeros((3, 5), np.uint8), 8, 4)


def test_an_encoding_is_cancelled() -> None:
    vectors = normal(11, 100, 8)
    book = book_of(Metric.L2, vectors, 4)
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCanceled):
        book.encode(vectors, cancel=token.word)


@pytest.mark.slow
@every_bits
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_lists_of_short_codes(bits: int, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ListIndex, "is_scan_cheaper", lambda *_: False)
    vectors, queries = normal(12, 4000, 48), normal(13, 20, 48)
    vectors[:40] = vectors[40]
    index = vecengine.build_index("ivf_sq8", vectors, metric=metric, lists=20, nbits=bits, refine_k=8)
    scanned = vecengine.build_index("flat", vectors, metric=metric)
    stats = vecengine.SearchStats()
    found = index.search(queries, 10, None, 20, stats=stats)
    expected = scanned.search(queries, 10)
    assert stats.reranked > 0
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(found[1], expected[1], strict=True)]) > 9.5
    again = vecengine.load_index(index.to_buffers(), vectors)
    np.testing.assert_array_equal(again.search(queries, 10, None, 20)[1], found[1])
    wanted = {"lists": 20, "nbits": bits, "refine_k": 8}

    def faults(buffers: Any) -> list[str]:
        given = {"family": "ivf_sq8", "metric": metric, "parameters": wanted}
        return list(index_faults(buffers, vectors, None, **given))

    buffers = index.to_buffers()
    assert faults(buffers) == []
    damaged = buffers["codes"].copy()
    damaged[4 + 5] ^= 0xFF
    assert faults({**buffers, "codes": damaged})
    grown = np.concatenate([vectors, normal(14, 100, 48)])
    longer = vecengine.extend_index(index, np.arange(4000), grown)
    assert longer.row_count == 4100 and longer.size_bytes > index.size_bytes
    whole = vecengine.build_index("ivf_sq8", vectors, metric=metric, lists=20)
    assert index.size_bytes < 0.85 * whole.size_bytes


def test_other_bits_are_refused() -> None:
    with pytest.raises(BuildParameterError, match="nbits") as error:
        vecengine.build_index("ivf_sq8", normal(15, 10, 4), metric="l2", nbits=5)
    assert error.value.detail == 'Valid values are "4", "6" and "8".'
