"""The key of one row against one query, whatever the rows are made of; every search and every build is written on it.

Rows of numbers and bit strings have one width; sparse rows, and bit strings in a column with NULLs, begin where
`space.starts` says. What rows are compared with, a query or another row, lies in a matrix of words: float32 numbers,
or the bytes of the stored form. Its rows are as wide as the widest of them.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np

from vecengine.kernels_bits import bit_key
from vecengine.kernels_codes import CODE_HEADER_BYTES, code_key, unpack_codes
from vecengine.kernels_memory import byte_address, copy_bytes, prefetch
from vecengine.kernels_narrow import narrow_key, narrow_norm
from vecengine.kernels_product import product_key
from vecengine.kernels_rabitq import rabitq_key
from vecengine.kernels_reduce import (
    absolutes_16,
    absolutes_32,
    cosine_key,
    dot_16,
    dot_32,
    element_8,
    element_16,
    element_32,
    element_bfloat,
    norm_16,
    norm_32,
    squares_16,
    squares_32,
)
from vecengine.kernels_short_codes import short_code_key
from vecengine.kernels_sparse import sparse_bytes, sparse_key, sparse_norm
from vecengine.kernels_types import (
    ELEMENT_BFLOAT16,
    ELEMENT_BIT,
    ELEMENT_CODE,
    ELEMENT_FLOAT16,
    ELEMENT_FLOAT32,
    ELEMENT_PRODUCT,
    ELEMENT_RABITQ,
    ELEMENT_SPARSE,
    compile_function,
)
from vecengine.metrics import Metric

_L2, _IP, _COSINE = int(Metric.L2), int(Metric.IP), int(Metric.COSINE)
_WORD_BYTES = 4
_LINE_BYTES = 64
_PREFETCHED_BYTES_MAX = 2048


@compile_function
def row_start(space, row):
    """First byte of a row."""
    return space.starts[row] if space.starts.shape[0] else row * space.row_bytes


@compile_function
def prefetch_row(space, row):
    """Ask for the cache lines of a row; of a sparse one as many as rows have on average."""
    start = row_start(space, row)
    for byte in range(0, min(space.row_bytes, _PREFETCHED_BYTES_MAX), _LINE_BYTES):
        prefetch(space.rows, start + byte)


@compile_function
def row_norm(space, row):
    """Squared norm of a row, float32; 0 of bit strings and codes, whose keys need none."""
    start = row_start(space, row)
    if space.element == ELEMENT_FLOAT32:
        return norm_32(space.rows, start, space.dimensions)
    if space.element == ELEMENT_SPARSE:
        return sparse_norm((byte_address(space.rows, start),))
    if space.element >= ELEMENT_BIT:
        return np.float32(0)
    if space.element >= ELEMENT_BFLOAT16:
        return narrow_norm((space.element, byte_address(space.rows, start), space.dimensions))
    return norm_16(space.rows, start, space.dimensions)


@compile_function
def query_norm(space, queries, query):
    """Squared norm of a query, float32; 0 of bit strings and codes."""
    start = query * queries.shape[1] * _WORD_BYTES
    if space.element == ELEMENT_SPARSE:
        return sparse_norm((byte_address(queries, start),))
    if space.element >= ELEMENT_BIT:
        return np.float32(0)
    return norm_32(queries, start, space.dimensions)


@compile_function
def unpack_row(space, row, out, position):
    """Write a row to row `position` of `out` as a query, to compare other rows with it."""
    start = row_start(space, row)
    if space.element == ELEMENT_CODE:
        unpack_codes(
            space.rows,
            start,
            out,
            position * out.shape[1] * _WORD_BYTES,
            space.row_bytes - CODE_HEADER_BYTES,
        )
    elif space.element >= ELEMENT_BIT:
        source = byte_address(space.rows, start)
        size = (space.dimensions + 7) >> 3
        if space.element == ELEMENT_SPARSE:
            size = sparse_bytes(source)
        copy_bytes(source, byte_address(out, position * out.shape[1] * _WORD_BYTES), size)
    elif space.element == ELEMENT_FLOAT32:
        for place in range(space.dimensions):
            out[position, place] = element_32(space.rows, start + 4 * place)
    elif space.element == ELEMENT_FLOAT16:
        for place in range(space.dimensions):
            out[position, place] = element_16(space.rows, start + 2 * place)
    elif space.element == ELEMENT_BFLOAT16:
        for place in range(space.dimensions):
            out[position, place] = element_bfloat(space.rows, start + 2 * place)
    else:
        for place in range(space.dimensions):
            out[position, place] = element_8(space.rows, start + place)


@compile_function
def row_key(space, row, queries, query, norm, other_norm):
    """Key (float64) of a row against row `query` of `queries`; the norms are read under cosine only."""
    start = row_start(space, row)
    query_start = query * queries.shape[1]
    if space.element == ELEMENT_CODE:
        count = space.row_bytes - CODE_HEADER_BYTES
        return code_key(space.rows, start, queries, query_start * _WORD_BYTES, count)
    if space.element >= ELEMENT_BFLOAT16:
        left = byte_address(space.rows, start)
        right = byte_address(queries, query_start * _WORD_BYTES)
        if space.element < ELEMENT_BIT:
            return narrow_key((space.metric, space.element, left, right, space.dimensions, norm, other_norm))
        if space.element == ELEMENT_SPARSE:
            return sparse_key(space.metric, left, right, norm, other_norm)
        if space.element == ELEMENT_PRODUCT:
            return product_key((left, right, space.dimensions))
        if space.element == ELEMENT_RABITQ:
            return rabitq_key((left, right, space.dimensions))
        if space.element > ELEMENT_RABITQ:
            return short_code_key((space.element, left, right, space.dimensions))
        return bit_key((space.metric, left, right, (space.dimensions + 7) >> 3))
    narrow = space.element == ELEMENT_FLOAT32
    dimensions = space.dimensions
    if space.metric == _L2:
        if narrow:
            return np.float64(squares_32(space.rows, start, queries, query_start, dimensions))
        return np.float64(squares_16(space.rows, start, queries, query_start, dimensions))
    if space.metric == _IP or space.metric == _COSINE:
        if narrow:
            product = dot_32(space.rows, start, queries, query_start, dimensions)
        else:
            product = dot_16(space.rows, start, queries, query_start, dimensions)
        return np.float64(-product) if space.metric == _IP else cosine_key(product, norm, other_norm)
    if narrow:
        return np.float64(absolutes_32(space.rows, start, queries, query_start, dimensions))
    return np.float64(absolutes_16(space.rows, start, queries, query_start, dimensions))
