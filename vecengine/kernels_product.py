"""Product codes: rows as the numbers of the nearest of a few words, one number for each piece of their dimensions.

Jégou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search" (2011), section III: a query stays exact and becomes a
table of what each word of each piece adds to its key; the key of a row is a sum of table entries (asymmetric distance).

A row is x = centre + mean + r, r standing for itself by its words. What the words add that depends on the row alone is its
`term`, so that tables depend on the query alone, whatever centre a row was coded by:

    l2      |q - x|^2 = |q - mean - centre|^2  +  |r|^2 + 2 centre . r  -  2 (q - mean) . r
    cosine  half of that, all vectors of length one before
    ip      -q . x    = -q . centre  -  q . r, the mean being zero
                        bias            term                  tables

So a key is `bias of the query + term of the row + sum of table entries`, whatever the metric. A row's bytes are its term (float32)
and its codes of `bits` bits, one behind the other from the lowest bit on. A query's words are its bias, `bits` as a number, and the
tables, 2 ** bits entries a piece.

Expectation: a table entry a piece, two loads; 96 pieces of 8 bits take 50 ns with tables in the second cache.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_memory import float_bits, fused_multiply_add, read_byte, read_float, read_word
from vecengine.kernels_types import (
    CANCEL,
    QUERIES,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
    compile_outlined,
)

PRODUCT_HEADER_BYTES = 4
PRODUCT_QUERY_HEADER = 2
_WORD_BYTES = 4
_CANCEL_ROWS = 64
_PLACES = 255
_LARGEST = np.iinfo(np.int32).max


@compile_function
def packed_code(codes, last, piece, bits):
    """The code of a piece: `bits` bits of the bytes from address `codes` to `last`."""
    position = piece * bits
    low = codes + (position >> 3)
    both = read_byte(low) | (read_byte(min(low + 1, last)) << 8)
    return (both >> (position & 7)) & ((1 << bits) - 1)


@compile_function
def product_sum(codes, tables, pieces, bits):
    """Sum of the table entries of codes, both by their address; four sums, because an addition waits for the one before."""
    first, second, third, fourth = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    step = np.int64(_WORD_BYTES) << bits
    whole = pieces & ~3
    if bits == 8:
        for piece in range(0, whole, 4):
            table, code = tables + piece * step, codes + piece
            first += read_float(table + (read_byte(code) << 2))
            second += read_float(table + step + (read_byte(code + 1) << 2))
            third += read_float(table + 2 * step + (read_byte(code + 2) << 2))
            fourth += read_float(table + 3 * step + (read_byte(code + 3) << 2))
    elif bits == 4:
        for piece in range(0, whole, 4):
            table, code = tables + piece * step, codes + (piece >> 1)
            low, high = read_byte(code), read_byte(code + 1)
            first += read_float(table + ((low & 15) << 2))
            second += read_float(table + step + ((low >> 4) << 2))
            third += read_float(table + 2 * step + ((high & 15) << 2))
            fourth += read_float(table + 3 * step + ((high >> 4) << 2))
    else:
        whole = 0
    last = codes + ((pieces * bits - 1) >> 3)
    for piece in range(whole, pieces):
        first += read_float(tables + piece * step + (packed_code(codes, last, piece, bits) << 2))
    return (first + second) + (third + fourth)


@compile_outlined(types.float64, (types.int64, types.int64, types.int64))
def product_key(row, query, pieces):
    """Key of a row of product codes against a query, both by their address."""
    bits = np.int64(read_float(query + _WORD_BYTES))
    tables = query + PRODUCT_QUERY_HEADER * _WORD_BYTES
    entries = product_sum(row + PRODUCT_HEADER_BYTES, tables, pieces, bits)
    return np.float64(read_float(query)) + np.float64(read_float(row)) + np.float64(entries)


@compile_function
def least_place(values, size):
    """Place of the least among up to 256 numbers that are not negative, of those equal in 15 bits of their mantissa the first.

    The bits of such numbers ascend as they do; with the place in their lowest bits LLVM compares 16 at a time.
    """
    least = np.int32(_LARGEST)
    for place in range(size):
        least = min(least, (float_bits(values[place]) & np.int32(~_PLACES)) | np.int32(place))
    return least & _PLACES


def product_codes(rows, words, starts, scratch, out, cancel):
    """The nearest word of each piece of (n, d) numbers into (n, m) codes; of equally near ones the first.

    Args:
        words: (d, w) float32, column c of the dimensions of a piece is its word c.
        starts: (m + 1,) int64, where the dimensions of each piece begin.
        scratch: (w,) float32.
    """
    count = words.shape[1]
    for row in range(rows.shape[0]):
        if row % _CANCEL_ROWS == 0 and read_word(cancel) != 0:
            return STATUS_CANCELLED
        for piece in range(starts.shape[0] - 1):
            for code in range(count):
                scratch[code] = np.float32(0)
            for place in range(starts[piece], starts[piece + 1]):
                value = rows[row, place]
                for code in range(count):
                    gap = value - words[place, code]
                    scratch[code] = fused_multiply_add(gap, gap, scratch[code])
            out[row, piece] = least_place(scratch, count)
    return STATUS_DONE


def product_tables(queries, words, starts, factor, out):
    """What each word adds to a key, from word PRODUCT_QUERY_HEADER of (nq, w) `out` on: `factor` times its product with the query."""
    count = words.shape[1]
    for query in range(queries.shape[0]):
        for piece in range(starts.shape[0] - 1):
            table = out[
                query, PRODUCT_QUERY_HEADER + piece * count : PRODUCT_QUERY_HEADER + (piece + 1) * count
            ]
            for code in range(count):
                table[code] = np.float32(0)
            for place in range(starts[piece], starts[piece + 1]):
                value = np.float32(factor) * queries[query, place]
                for code in range(count):
                    table[code] = fused_multiply_add(value, words[place, code], table[code])
    return STATUS_DONE


_STARTS = types.Array(types.int64, 1, "C", readonly=True, aligned=True)

KERNELS = {
    "product_codes": (
        product_codes,
        types.int64(QUERIES, QUERIES, _STARTS, types.float32[::1], types.uint8[:, ::1], CANCEL),
    ),
    "product_tables": (
        product_tables,
        types.int64(QUERIES, QUERIES, _STARTS, types.float64, types.float32[:, ::1]),
    ),
}
