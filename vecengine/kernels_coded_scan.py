"""The kernel that scans codes of 8 bits in the order of the rows, and reranks the nearest by codes by their vectors.

Queries are integers of 8 bits, too, each with a scale of its own, so that a product is one of bytes. Rows are taken in blocks
of BLOCK_ROWS, of which every query of the call sees one before the next is read; in a block a tile of rows and queries at a time (see
`kernels_tiles`). Keys follow from the products of a block in one pass, and only where one is below the worst that a query has
kept are they looked at one by one.

Expectation: one query takes the time of reading a quarter of the vectors' bytes, many at once about 10 cycles each a row of 384 dimensions.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from vecengine.kernels_coded_lists import rerank
from vecengine.kernels_codes import CODE_HEADER_BYTES
from vecengine.kernels_heap import push_worst, replace_worst, sort_ascending
from vecengine.kernels_key import query_norm
from vecengine.kernels_lists import is_allowed
from vecengine.kernels_memory import byte_address, read_float, read_word
from vecengine.kernels_tiles import (
    PRODUCT_SHIFT,
    SINGLE_ROWS,
    TILE_ROWS_MAX,
    WIDE_QUERIES,
    WIDE_ROWS,
    single_tile,
    wide_tile,
)
from vecengine.kernels_types import (
    BLOCK_ROWS,
    CANCEL,
    COUNT_DISTANCES,
    COUNT_RERANKED,
    OFFSETS,
    OUTPUT,
    REQUEST,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    Pool,
    Space,
    compile_function,
)

_WORD_BYTES = 4


class ScannedCodes(NamedTuple):
    """Codes of rows, and queries as integers of 8 bits.

    Attributes:
        space: the codes, as vectors.
        offsets: (n,) int64 ascending row offset of each; (0,) when place and row offset are the same.
        terms: (nq, 2) float64: what keys of a query have besides, and the factor of its products; NaN for one that codes cannot weigh.
        integers: (nq, w) int8, w a multiple of 64, zeros behind the last.
    """

    space: Space
    offsets: npt.NDArray[np.int64]
    terms: npt.NDArray[np.float64]
    integers: npt.NDArray[np.int8]


class ScanScratch(NamedTuple):
    """Working memory of a scan, and the nearest by codes of every query.

    Attributes:
        rows, starts: (BLOCK_ROWS + 8,) int64 allowed rows of a block, and the addresses of their integers.
        norms, keys: (BLOCK_ROWS,) float64.
        products: (4, BLOCK_ROWS + 8) int32.
        shifts: (nq,) int64, by how much the products of a query are too large.
        found: (nq,) int64, how many rows a pool has.
        pool_keys, pool_rows: (nq, p) float64 and int64, max-heaps; in the end ascending.
    """

    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float64]
    keys: npt.NDArray[np.float64]
    products: npt.NDArray[np.int32]
    shifts: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    pool_keys: npt.NDArray[np.float64]
    pool_rows: npt.NDArray[np.int64]


@compile_function
def gather_block(codes, allowed, begin, scratch):
    """The allowed rows of a block, from place `begin` on; how many there are. What tiles read behind them repeats the last."""
    space = codes.space
    size = 0
    first = byte_address(space.rows, 0)
    for place in range(begin, min(begin + BLOCK_ROWS, space.row_count)):
        row = codes.offsets[place] if codes.offsets.shape[0] else place
        if is_allowed(allowed, row):
            start = first + place * space.row_bytes
            scratch.rows[size] = row
            scratch.starts[size] = start + CODE_HEADER_BYTES
            size += 1
    if size > 0:
        for place in range(size, min(size + TILE_ROWS_MAX, scratch.starts.shape[0])):
            scratch.starts[place] = scratch.starts[size - 1]
    return size


@compile_function
def multiply_block(codes, scratch, size, query, query_count):
    """Products of a block with `query_count` queries, WIDE_QUERIES or one."""
    width = codes.integers.shape[1]
    count = codes.space.row_bytes - CODE_HEADER_BYTES
    asked = byte_address(codes.integers, query * width)
    starts, out = byte_address(scratch.starts, 0), byte_address(scratch.products, 0)
    out_bytes = scratch.products.shape[1] * _WORD_BYTES
    if query_count == WIDE_QUERIES:
        for place in range(0, size, WIDE_ROWS):
            wide_tile(starts + 8 * place, asked, width, count, out + _WORD_BYTES * place, out_bytes)
    else:
        for place in range(0, size, SINGLE_ROWS):
            single_tile(starts + 8 * place, asked, width, count, out + _WORD_BYTES * place, out_bytes)


@compile_function
def read_norms(scratch, size):
    """What keys of a block have besides; after its products, so that memory is read in the order of its bytes."""
    for place in range(size):
        scratch.norms[place] = np.float64(read_float(scratch.starts[place] - CODE_HEADER_BYTES))


@compile_function
def offer_block(codes, scratch, size, query, number):
    """Keep of a block what is nearer than the worst that a query has; `number` is that of the query in the tile."""
    keys, rows = scratch.pool_keys[query], scratch.pool_rows[query]
    width = keys.shape[0]
    found = scratch.found[query]
    norm, factor = codes.terms[query, 0], codes.terms[query, 1]
    shift = scratch.shifts[query]
    below = 0
    bound = keys[0] if found == width else np.inf
    for place in range(size):
        product = np.float64(np.int64(scratch.products[number, place]) - shift)
        key = (scratch.norms[place] + norm) - factor * product
        scratch.keys[place] = key
        below += np.int64(key < bound)
    if found == width and below == 0:
        return
    for place in range(size):
        key, row = scratch.keys[place], scratch.rows[place]
        # Rows come in ascending order, so an equal key is always the worse one.
        if found == width:
            if key < keys[0]:
                replace_worst(keys, rows, width, key, row)
        elif key == key:
            push_worst(keys, rows, found, key, row)
            found += 1
    scratch.found[query] = found


def scan_codes(space, codes, request, scratch, output, cancel):
    """The k best allowed rows, of the pool nearest by codes, of every query into `output`; fewer where keys by codes are NaN.

    Of the request it reads queries, allowed and budget. Afterwards the pools hold what was found by codes, ascending.
    """
    queries = request.queries
    query_count = queries.shape[0]
    scratch.found[:] = 0
    output.found[:] = -1
    for query in range(query_count):
        total = 0
        for place in range(codes.integers.shape[1]):
            total += np.int64(codes.integers[query, place])
        scratch.shifts[query] = PRODUCT_SHIFT * total
    for begin in range(0, codes.space.row_count, BLOCK_ROWS):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        size = gather_block(codes, request.allowed, begin, scratch)
        if size == 0:
            continue
        output.counts[COUNT_DISTANCES] += size * query_count
        if request.budget > 0 and output.counts[COUNT_DISTANCES] > request.budget:
            return STATUS_BUDGET_SPENT
        query = 0
        while query + WIDE_QUERIES <= query_count:
            multiply_block(codes, scratch, size, query, WIDE_QUERIES)
            if query == 0:
                read_norms(scratch, size)
            for number in range(WIDE_QUERIES):
                offer_block(codes, scratch, size, query + number, number)
            query += WIDE_QUERIES
        while query < query_count:
            multiply_block(codes, scratch, size, query, 1)
            if query == 0:
                read_norms(scratch, size)
            offer_block(codes, scratch, size, query, 0)
            query += 1
    for query in range(query_count):
        found = scratch.found[query]
        pool = Pool(scratch.pool_keys[query], scratch.pool_rows[query])
        sort_ascending(pool.keys, pool.rows, found)
        output.counts[COUNT_DISTANCES] += found
        output.counts[COUNT_RERANKED] += found
        norm = query_norm(space, queries, query)
        output.found[query] = rerank(
            space, queries, query, norm, pool, found, output.keys[query], output.offsets[query]
        )
    return STATUS_DONE


SCANNED_CODES = types.NamedTuple(
    (
        SPACE,
        OFFSETS,
        types.Array(types.float64, 2, "C", readonly=True),
        types.Array(types.int8, 2, "C", readonly=True),
    ),
    ScannedCodes,
)
SCAN_SCRATCH = types.NamedTuple(
    (
        types.int64[::1],
        types.int64[::1],
        types.float64[::1],
        types.float64[::1],
        types.int32[:, ::1],
        types.int64[::1],
        types.int64[::1],
        types.float64[:, ::1],
        types.int64[:, ::1],
    ),
    ScanScratch,
)

KERNELS = {
    "scan_codes": (scan_codes, types.int64(SPACE, SCANNED_CODES, REQUEST, SCAN_SCRATCH, OUTPUT, CANCEL)),
}
