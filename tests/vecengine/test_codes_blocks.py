"""Goal: blocks hold the codes of their rows, and every form of the shuffle weighs them as the rounded tables say.

Method: layout against single rows; keys of blocks by every width of shuffle and one by one against NumPy, and against exact tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit, types

from vecengine import kernels_blocks
from vecengine.codes_blocks import (
    LANES,
    QUERY_HEADER,
    TABLE_BYTES,
    BlockBook,
    BlockVectors,
    arranged_blocks,
    block_bytes,
    block_starts,
    padded_pieces,
)
from vecengine.codes_product import ProductVectors, packed, product_bytes, train_product
from vecengine.kernels_types import OPTIONS
from vecengine.metrics import Metric

LISTS = np.asarray([0, 1, 1, 34, 66, 131])
WIDTHS = [width for width in (64, 32, 16) if width <= kernels_blocks._WIDTH]


def rows_of(pieces: int, count: int = 131) -> ProductVectors:
    rng = np.random.default_rng(pieces)
    data = np.empty((count, product_bytes(pieces, 4)), np.uint8)
    data[:, :4] = rng.normal(size=(count, 1)).astype(np.float32).view(np.uint8)
    data[:, 4:] = packed(rng.integers(0, 16, (count, pieces)).astype(np.uint8), 4)
    return ProductVectors(data, pieces, 4)


@pytest.mark.parametrize("pieces", [1, 4, 7, 192])
def test_rows_come_back_from_blocks(pieces: int) -> None:
    rows = rows_of(pieces)
    blocks = arranged_blocks(rows, LISTS)
    assert block_starts(LISTS).tolist() == [0, 1, 1, 3, 4, 7] and blocks.shape == (131, pieces)
    assert blocks.blocks().shape == (7, block_bytes(pieces))
    np.testing.assert_array_equal(blocks.row_data(), rows.bytes())
    terms = blocks.blocks()[:, : 4 * LANES].copy().view(np.float32)
    assert np.isnan(terms).sum() == 7 * LANES - 131
    with pytest.raises(ValueError, match="blocks of"):
        BlockVectors(blocks.blocks()[1:], LISTS, pieces)
    with pytest.raises(TypeError, match="tables"):
        blocks.queries()


def weigher(width: int) -> Any:
    signature = types.void(types.int64, types.int64, types.int64, types.float32[::1])
    if width == 0:
        return njit([signature], **OPTIONS)(kernels_blocks.weigh_one_by_one.py_func)
    weigh = kernels_blocks.block_weigher(width)

    @njit([signature], **OPTIONS)
    def weigh_block(block: int, query: int, pieces: int, keys: Any) -> None:
        weigh(block, query, pieces, kernels_blocks.byte_address(keys, 0))

    return weigh_block


@pytest.mark.slow
@pytest.mark.parametrize("width", [*WIDTHS, 0])
def test_every_shuffle_weighs_alike(width: int) -> None:
    weigh = weigher(width)
    for pieces in (1, 4, 7, 192, 257, 900):
        rows = rows_of(pieces, LANES)
        blocks = arranged_blocks(rows, np.asarray([0, LANES]))
        rng = np.random.default_rng(1)
        query = np.zeros(QUERY_HEADER + 4 * padded_pieces(pieces), np.float32)
        query[:3] = 0.5, -2, 0.25
        limit = min(255, 65535 // pieces)
        entries = rng.integers(0, limit + 1, (pieces, TABLE_BYTES)).astype(np.uint8)
        query[QUERY_HEADER:].view(np.uint8)[: entries.size] = entries.reshape(-1)
        keys = np.empty(LANES, np.float32)
        weigh(blocks.data.ctypes.data, query.ctypes.data, padded_pieces(pieces), keys)
        sums = entries[np.arange(pieces), rows.codes()].astype(np.int64).sum(axis=1)
        np.testing.assert_allclose(keys, sums * 0.25 - 1.5 + rows.terms(), rtol=1e-6)


@pytest.mark.parametrize("pieces", [1, 5, 40, 300])
def test_rounded_tables_are_near_the_exact_ones(pieces: int) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(400, max(pieces, 10))).astype(np.float32)
    exact = train_product(Metric.L2, vectors, np.arange(400), (pieces, 4))
    assert exact is not None
    book = BlockBook(exact.metric, exact.mean, exact.words, exact.pieces)
    queries = rng.normal(size=(3, vectors.shape[1])).astype(np.float32)
    tables, rounded = exact.query_tables(queries), book.query_tables(queries)
    for query in range(3):
        entries = rounded[query, QUERY_HEADER:].view(np.uint8)[: pieces * TABLE_BYTES].reshape(pieces, -1)
        assert entries.max(axis=1).astype(np.int64).sum() <= 65535
        found = entries * rounded[query, 2].astype(np.float64)
        expected = tables[query, 2:].reshape(pieces, TABLE_BYTES).astype(np.float64)
        least = expected.min(axis=1, keepdims=True)
        assert np.abs(found + least - expected).max() <= rounded[query, 2] * 0.51
        np.testing.assert_allclose(rounded[query, 1], least.sum(), rtol=1e-5)
    huge = book.query_tables(np.full((1, vectors.shape[1]), 1e38, np.float32))
    assert np.isnan(huge[0, 2]) or np.isfinite(huge[0]).all()
