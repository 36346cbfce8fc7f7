"""Exact kernels: distances of all rows, of some rows and of pairs of rows, the top k and the rows in range among the allowed ones.

Expectation: one query over n rows takes the time of reading n * d * element size bytes once (about 10 GB/s and
core); a second query in the same call finds the block of rows in cache.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_bits import bit_keys
from vecengine.kernels_heap import push_worst, replace_worst, sort_ascending
from vecengine.kernels_key import prefetch_row, query_norm, row_key, row_norm
from vecengine.kernels_memory import byte_address, read_word
from vecengine.kernels_types import (
    BLOCK,
    BLOCK_ROWS,
    CANCEL,
    COUNT_DISTANCES,
    ELEMENT_BIT,
    FLOAT64_OUT,
    FLOAT64_ROWS_OUT,
    MATCHES,
    OFFSETS,
    OUTPUT,
    QUERIES,
    REQUEST,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
)
from vecengine.metrics import Metric

_L2, _COSINE = int(Metric.L2), int(Metric.COSINE)
_ROWS_AHEAD = 4
_WORD_BYTES = 4


def scan_distances(space, query, out, cancel):
    """Operator values of every row against query (1, w) into out (n,) float64."""
    other_norm = query_norm(space, query, 0)
    norm = np.float32(0)
    for row in range(space.row_count):
        if row % BLOCK_ROWS == 0 and read_word(cancel) != 0:
            return STATUS_CANCELLED
        if space.metric == _COSINE:
            norm = row_norm(space, row)
        key = row_key(space, row, query, 0, norm, other_norm)
        out[row] = np.sqrt(key) if space.metric == _L2 else key
    return STATUS_DONE


def offset_distances(space, queries, offsets, out, cancel):
    """Operator values of the rows at offsets (m,) against queries (nq, w) into out (nq, m) float64."""
    norm = np.float32(0)
    for query in range(queries.shape[0]):
        other_norm = query_norm(space, queries, query)
        for place in range(offsets.shape[0]):
            if place % BLOCK_ROWS == 0 and read_word(cancel) != 0:
                return STATUS_CANCELLED
            if place + _ROWS_AHEAD < offsets.shape[0]:
                prefetch_row(space, offsets[place + _ROWS_AHEAD])
            row = offsets[place]
            if space.metric == _COSINE:
                norm = row_norm(space, row)
            key = row_key(space, row, queries, query, norm, other_norm)
            out[query, place] = np.sqrt(key) if space.metric == _L2 else key
    return STATUS_DONE


def pair_distances(space, right, out, cancel):
    """Operator values of row i against right[i], right (n, w), into out (n,) float64."""
    norm = np.float32(0)
    right_norm = np.float32(0)
    for row in range(space.row_count):
        if row % BLOCK_ROWS == 0 and read_word(cancel) != 0:
            return STATUS_CANCELLED
        if space.metric == _COSINE:
            norm = row_norm(space, row)
            right_norm = query_norm(space, right, row)
        key = row_key(space, row, right, row, norm, right_norm)
        out[row] = np.sqrt(key) if space.metric == _L2 else key
    return STATUS_DONE


def row_norms(space, out, cancel):
    """Squared norm of every row into out (n,) float32."""
    for row in range(space.row_count):
        if row % BLOCK_ROWS == 0 and read_word(cancel) != 0:
            return STATUS_CANCELLED
        out[row] = row_norm(space, row)
    return STATUS_DONE


def scan_top_k(space, request, block, output, cancel):
    """The k best allowed rows of every query into `output`, k being its width; rows with a NaN key are no match.

    Of the request it reads queries, allowed and budget. `block` lends BLOCK_ROWS row offsets, norms and keys, and a norm
    for each query.
    """
    row_count = space.row_count
    k = output.keys.shape[1]
    queries = request.queries
    query_count = queries.shape[0]
    allowed = request.allowed
    block_rows = block.rows
    block_norms = block.norms
    block_keys = block.keys
    is_bits = space.element == ELEMENT_BIT
    query_norms = block.query_norms
    output.found[:] = 0
    for query in range(query_count):
        query_norms[query] = query_norm(space, queries, query)
    for begin in range(0, row_count, BLOCK_ROWS):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        size = 0
        if is_bits and allowed.shape[0] == 0:
            size = min(BLOCK_ROWS, row_count - begin)
            for place in range(size):
                block_rows[place] = begin + place
        for row in range(begin + size, min(begin + BLOCK_ROWS, row_count)):
            if allowed.shape[0] == 0 or (allowed[row >> 3] >> (row & 7)) & 1:
                block_rows[size] = row
                if space.metric == _COSINE:
                    block_norms[size] = row_norm(space, row)
                size += 1
        if size == 0:
            continue
        output.counts[COUNT_DISTANCES] += size * query_count
        if request.budget > 0 and output.counts[COUNT_DISTANCES] > request.budget:
            return STATUS_BUDGET_SPENT
        for query in range(query_count):
            keys = output.keys[query]
            rows = output.offsets[query]
            found = output.found[query]
            if is_bits:
                nearest = bit_keys(
                    (
                        space.metric,
                        byte_address(space.rows, 0),
                        byte_address(space.starts, 0) if space.starts.shape[0] else 0,
                        space.row_bytes,
                        byte_address(block_rows, 0),
                        size,
                        byte_address(queries, query * queries.shape[1] * _WORD_BYTES),
                        byte_address(block_keys, 0),
                    )
                )
                if found == k and nearest >= keys[0]:
                    continue
            for position in range(size):
                row = block_rows[position]
                if is_bits:
                    key = block_keys[position]
                else:
                    key = row_key(space, row, queries, query, block_norms[position], query_norms[query])
                # Rows come in ascending order, so an equal key is always the worse one.
                if found == k:
                    if key < keys[0]:
                        replace_worst(keys, rows, k, key, row)
                elif key == key:
                    push_worst(keys, rows, found, key, row)
                    found += 1
            output.found[query] = found
    for query in range(query_count):
        found = output.found[query]
        sort_ascending(output.keys[query], output.offsets[query], found)
        output.keys[query, found:] = np.inf
        output.offsets[query, found:] = -1
    return STATUS_DONE


def scan_range(space, request, bounds, block, matches, cancel):
    """The allowed rows whose operator value is at least bounds[0] and less than bounds[1], into `matches`, as they come.

    It stops where the matches of one more block of rows might not fit, or behind the last row, and `matches.state` says where.
    Of the request it reads queries and allowed. `block` is that of `scan_top_k`.
    """
    queries = request.queries
    query_count = queries.shape[0]
    allowed = request.allowed
    size = 0
    begin = matches.state[0]
    for query in range(query_count):
        block.query_norms[query] = query_norm(space, queries, query)
    while begin < space.row_count and size + BLOCK_ROWS * query_count <= matches.offsets.shape[0]:
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        count = 0
        for row in range(begin, min(begin + BLOCK_ROWS, space.row_count)):
            if allowed.shape[0] == 0 or (allowed[row >> 3] >> (row & 7)) & 1:
                block.rows[count] = row
                if space.metric == _COSINE:
                    block.norms[count] = row_norm(space, row)
                count += 1
        matches.state[2] += count * query_count
        for query in range(query_count):
            for position in range(count):
                row = block.rows[position]
                key = row_key(space, row, queries, query, block.norms[position], block.query_norms[query])
                value = np.sqrt(key) if space.metric == _L2 else key
                if bounds[0] <= value < bounds[1]:
                    matches.queries[size] = query
                    matches.distances[size] = value
                    matches.offsets[size] = row
                    size += 1
        begin += BLOCK_ROWS
    matches.state[0] = begin
    matches.state[1] = size
    return STATUS_DONE


KERNELS = {
    "scan_distances": (scan_distances, types.int64(SPACE, QUERIES, FLOAT64_OUT, CANCEL)),
    "pair_distances": (pair_distances, types.int64(SPACE, QUERIES, FLOAT64_OUT, CANCEL)),
    "row_norms": (row_norms, types.int64(SPACE, types.Array(types.float32, 1, "C"), CANCEL)),
    "offset_distances": (
        offset_distances,
        types.int64(SPACE, QUERIES, OFFSETS, FLOAT64_ROWS_OUT, CANCEL),
    ),
    "scan_top_k": (scan_top_k, types.int64(SPACE, REQUEST, BLOCK, OUTPUT, CANCEL)),
    "scan_range": (scan_range, types.int64(SPACE, REQUEST, FLOAT64_OUT, BLOCK, MATCHES, CANCEL)),
}
