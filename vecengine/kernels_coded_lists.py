"""The kernel that searches inverted lists of codes, and reranks the nearest by codes by their vectors.

Codes lie in the order of the lists, so a list is read from its first byte to its last; of a row that the filter rejects nothing is read.
A key by codes is `bias of the list + key of the row's codes`: where rows are coded relative to a multiple of their centroid,
the bias is the key of that multiple, which follows from the key that ranked the list.

Expectation: the time of reading the codes, and of as many vectors far from cache as are reranked.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_blocks import (
    BLOCK_LANES,
    BLOCK_QUERY_HEADER,
    BLOCK_TERM_BYTES,
    ELEMENT_BLOCK,
    TABLE_BYTES,
    weigh_block,
)
from vecengine.kernels_heap import (
    drop_nearest,
    is_worse,
    push_nearest,
    push_worst,
    replace_worst,
    sort_ascending,
)
from vecengine.kernels_key import prefetch_row, query_norm, row_key, row_norm
from vecengine.kernels_lists import centre_key, is_allowed
from vecengine.kernels_memory import byte_address, read_word
from vecengine.kernels_types import (
    CANCEL,
    CODED_LISTS,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    COUNT_RERANKED,
    LIST_SCRATCH,
    LISTS,
    OUTPUT,
    POOL,
    REQUEST,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

_L2, _COSINE = int(Metric.L2), int(Metric.COSINE)
_ROWS_AHEAD = 4
_WORD_BYTES = 4
_WORDS_PER_PIECE = TABLE_BYTES // _WORD_BYTES


@compile_function
def list_bias(metric, coded, number, key, norm):
    """Key of the multiple of a list's centroid that its rows are coded relative to; 0 where they are not."""
    if coded.scales.shape[0] == 0:
        return 0.0
    if metric == _L2:
        return key
    scale = np.float64(coded.scales[number])
    if metric == _COSINE:
        return (1.0 + scale * scale) / 2 + scale * key / np.sqrt(np.float64(norm))
    return scale * key


@compile_function
def scan_codes(coded, lists, allowed, number, query, bias, pool, found):
    """Offer the allowed rows of a list to the pool; how many it has then, and how many were weighed."""
    size = pool.keys.shape[0]
    weighed = 0
    zero = np.float32(0)
    for position in range(lists.starts[number], lists.starts[number + 1]):
        row = lists.rows[position]
        if not is_allowed(allowed, row):
            continue
        key = bias + row_key(coded.codes, position, coded.queries, query, zero, zero)
        weighed += 1
        if found == size:
            if is_worse(pool.keys[0], pool.rows[0], key, row):
                replace_worst(pool.keys, pool.rows, size, key, row)
        elif key == key:
            push_worst(pool.keys, pool.rows, found, key, row)
            found += 1
    return found, weighed


@compile_function
def scan_blocks(coded, lists, allowed, number, query, bias, pool, found, block_keys):
    """As `scan_codes`, of codes that are weighed in blocks, whose (32,) keys `block_keys` holds."""
    size = pool.keys.shape[0]
    weighed = 0
    pieces = (coded.queries.shape[1] - BLOCK_QUERY_HEADER) // _WORDS_PER_PIECE
    block = byte_address(coded.codes.rows, coded.codes.starts[number])
    asked = byte_address(coded.queries, query * coded.queries.shape[1] * _WORD_BYTES)
    end = lists.starts[number + 1]
    for begin in range(lists.starts[number], end, BLOCK_LANES):
        weigh_block(block, asked, pieces, block_keys)
        block += BLOCK_TERM_BYTES + pieces * TABLE_BYTES
        for lane in range(min(BLOCK_LANES, end - begin)):
            key = bias + np.float64(block_keys[lane])
            if allowed.shape[0] == 0:
                weighed += 1
                if found == size and not key <= pool.keys[0]:
                    continue
            row = lists.rows[begin + lane]
            if allowed.shape[0] > 0:
                if not is_allowed(allowed, row):
                    continue
                weighed += 1
            if found == size:
                if is_worse(pool.keys[0], pool.rows[0], key, row):
                    replace_worst(pool.keys, pool.rows, size, key, row)
            elif key == key:
                push_worst(pool.keys, pool.rows, found, key, row)
                found += 1
    return found, weighed


@compile_function
def rerank(space, queries, query, norm, pool, found, keys, rows):
    """The nearest by their vectors of `found` rows of the pool; how many there are."""
    k = keys.shape[0]
    kept = 0
    own_norm = np.float32(0)
    for position in range(found):
        if position + _ROWS_AHEAD < found:
            prefetch_row(space, pool.rows[position + _ROWS_AHEAD])
        row = pool.rows[position]
        if space.metric == _COSINE:
            own_norm = row_norm(space, row)
        key = row_key(space, row, queries, query, own_norm, norm)
        if key != key:
            continue
        if kept < k:
            push_worst(keys, rows, kept, key, row)
            kept += 1
        elif is_worse(keys[0], rows[0], key, row):
            replace_worst(keys, rows, k, key, row)
    sort_ascending(keys, rows, kept)
    keys[kept:] = np.inf
    rows[kept:] = -1
    return kept


def search_coded_lists(space, centre_space, lists, coded, request, scratch, pool, block_keys, output, cancel):
    """The k best allowed rows, of the `pool` nearest by codes, of the lists nearest to every query into `output`.

    As `search_lists` visits lists. `block_keys` is working memory, (32,) float32. After a call for one query the pool holds what was found by codes, ascending.
    """
    k = output.keys.shape[1]
    list_count = centre_space.row_count
    rows_least = request.ef * lists.rows.shape[0] // list_count
    output.found[:] = -1
    for query in range(request.queries.shape[0]):
        norm = query_norm(space, request.queries, query)
        output.counts[COUNT_DISTANCES] += list_count
        for number in range(list_count):
            key = centre_key(centre_space, number, request.queries, query)
            push_nearest(scratch.keys, scratch.lists, number, key, number)
        waiting = list_count
        found, probed, probed_rows = 0, 0, 0
        while waiting > 0 and (probed < request.ef or probed_rows < rows_least or found < k):
            if read_word(cancel) != 0:
                return STATUS_CANCELLED
            number = scratch.lists[0]
            bias = list_bias(space.metric, coded, number, scratch.keys[0], norm)
            drop_nearest(scratch.keys, scratch.lists, waiting)
            waiting -= 1
            output.counts[COUNT_EXPANSIONS] += 1
            if coded.codes.element == ELEMENT_BLOCK:
                found, weighed = scan_blocks(
                    coded, lists, request.allowed, number, query, bias, pool, found, block_keys
                )
            else:
                found, weighed = scan_codes(coded, lists, request.allowed, number, query, bias, pool, found)
            output.counts[COUNT_DISTANCES] += weighed
            if weighed > 0:
                probed += 1
                probed_rows += lists.starts[number + 1] - lists.starts[number]
            if request.budget > 0 and output.counts[COUNT_DISTANCES] > request.budget:
                return STATUS_BUDGET_SPENT
        sort_ascending(pool.keys, pool.rows, found)
        output.counts[COUNT_DISTANCES] += found
        output.counts[COUNT_RERANKED] += found
        output.found[query] = rerank(
            space, request.queries, query, norm, pool, found, output.keys[query], output.offsets[query]
        )
    return STATUS_DONE


KERNELS = {
    "search_coded_lists": (
        search_coded_lists,
        types.int64(
            SPACE, SPACE, LISTS, CODED_LISTS, REQUEST, LIST_SCRATCH, POOL, types.float32[::1], OUTPUT, CANCEL
        ),
    ),
}
