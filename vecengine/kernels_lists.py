"""The kernel that searches inverted lists.

Expectation: a query computes l distances to centroids and then those of the rows of the lists it visits. These lie
scattered in memory: with the next rows asked for ahead, one of 384 float32 took 145 ns where it took 180 without and
110 in a sequential scan.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_bits import bit_keys
from vecengine.kernels_heap import (
    drop_nearest,
    is_worse,
    push_nearest,
    push_worst,
    replace_worst,
    sort_ascending,
)
from vecengine.kernels_key import prefetch_row, query_norm, row_key
from vecengine.kernels_memory import byte_address, read_float, read_word
from vecengine.kernels_types import (
    BLOCK,
    BLOCK_ROWS,
    CANCEL,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    ELEMENT_BIT,
    LIST_SCRATCH,
    LISTS,
    OUTPUT,
    REQUEST,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

_COSINE = int(Metric.COSINE)
_ROWS_AHEAD = 4
_WORD_BYTES = 4

ELEMENT_RANKED = 15
"""Of centroids whose keys were computed elsewhere: in place of them stand (nq, l) float32 keys. Equal to that of `vecengine.ivf.search`."""


@compile_function
def centre_key(centre_space, number, queries, query):
    """Key of a centroid against a query."""
    if centre_space.element == ELEMENT_RANKED:
        place = query * centre_space.row_count + number
        return np.float64(read_float(byte_address(centre_space.rows, place * _WORD_BYTES)))
    return row_key(centre_space, number, queries, query, np.float32(0), np.float32(0))


@compile_function
def is_allowed(allowed, row):
    return allowed.shape[0] == 0 or (allowed[row >> 3] >> (row & 7)) & 1 != 0


@compile_function
def weigh_bits(space, block, size, queries, query):
    """Keys of the bit strings at `size` row offsets of `block` against a query into its keys, and the least."""
    return bit_keys(
        (
            space.metric,
            byte_address(space.rows, 0),
            byte_address(space.starts, 0) if space.starts.shape[0] else 0,
            space.row_bytes,
            byte_address(block.rows, 0),
            size,
            byte_address(queries, query * queries.shape[1] * _WORD_BYTES),
            byte_address(block.keys, 0),
        )
    )


@compile_function
def rank_bit_lists(centre_space, queries, query, block, scratch):
    """All lists as a heap of those that wait, by the keys of their centroids, which are bit strings."""
    for begin in range(0, centre_space.row_count, BLOCK_ROWS):
        size = min(BLOCK_ROWS, centre_space.row_count - begin)
        for place in range(size):
            block.rows[place] = begin + place
        weigh_bits(centre_space, block, size, queries, query)
        for place in range(size):
            push_nearest(scratch.keys, scratch.lists, begin + place, block.keys[place], begin + place)


@compile_function
def scan_bit_list(space, lists, request, number, query, block, keys, rows, found):
    """Offer the allowed rows of a list of bit strings to the best, a block at a time; most blocks need no look at their keys.

    Returns how many the best are then, and how many rows were weighed.
    """
    k = keys.shape[0]
    weighed = 0
    size = 0
    end = lists.starts[number + 1]
    for position in range(lists.starts[number], end):
        row = lists.rows[position]
        if is_allowed(request.allowed, row):
            prefetch_row(space, row)
            block.rows[size] = row
            size += 1
        if size < BLOCK_ROWS and position + 1 < end:
            continue
        nearest = weigh_bits(space, block, size, request.queries, query)
        weighed += size
        # Of equal keys one of a lower row offset may be the better.
        if found < k or nearest <= keys[0]:
            for place in range(size):
                key = block.keys[place]
                row = block.rows[place]
                if found < k:
                    push_worst(keys, rows, found, key, row)
                    found += 1
                elif is_worse(keys[0], rows[0], key, row):
                    replace_worst(keys, rows, k, key, row)
        size = 0
    return found, weighed


def search_lists(space, centre_space, lists, request, scratch, block, output, cancel):
    """The k best allowed rows of the lists nearest to every query into `output`, k being its width.

    The nearest lists are scanned, `ef` of those that hold an allowed row and at least as many rows as `ef` lists of mean
    size have, and then one after another until the answer is full: only a query that ran out of lists finds less. `centre_space` holds the centroids under the metric that
    ranks lists, or their keys. Of the request it reads queries, allowed, ef and budget; `block` lends row offsets and keys. Rows with a NaN key are no match.
    """
    k = output.keys.shape[1]
    list_count = centre_space.row_count
    allowed = request.allowed
    is_bits = space.element == ELEMENT_BIT
    # A query among small lists would see less than its share.
    rows_least = request.ef * lists.rows.shape[0] // list_count
    output.found[:] = -1
    for query in range(request.queries.shape[0]):
        norm = query_norm(space, request.queries, query)
        output.counts[COUNT_DISTANCES] += list_count
        if centre_space.element == ELEMENT_BIT:
            rank_bit_lists(centre_space, request.queries, query, block, scratch)
        else:
            for number in range(list_count):
                key = centre_key(centre_space, number, request.queries, query)
                push_nearest(scratch.keys, scratch.lists, number, key, number)
        waiting = list_count
        keys = output.keys[query]
        rows = output.offsets[query]
        found = 0
        probed = 0
        probed_rows = 0
        row_norm = np.float32(0)
        while waiting > 0 and (probed < request.ef or probed_rows < rows_least or found < k):
            if read_word(cancel) != 0:
                return STATUS_CANCELLED
            number = scratch.lists[0]
            drop_nearest(scratch.keys, scratch.lists, waiting)
            waiting -= 1
            output.counts[COUNT_EXPANSIONS] += 1
            before = output.counts[COUNT_DISTANCES]
            begin = lists.starts[number]
            end = lists.starts[number + 1]
            if is_bits:
                found, weighed = scan_bit_list(space, lists, request, number, query, block, keys, rows, found)
                output.counts[COUNT_DISTANCES] += weighed
                begin = end
            for position in range(begin, end):
                ahead = position + _ROWS_AHEAD
                if ahead < end:
                    row = lists.rows[ahead]
                    if allowed.shape[0] == 0 or (allowed[row >> 3] >> (row & 7)) & 1:
                        prefetch_row(space, row)
                row = lists.rows[position]
                if allowed.shape[0] > 0 and not (allowed[row >> 3] >> (row & 7)) & 1:
                    continue
                if space.metric == _COSINE:
                    row_norm = lists.norms[position]
                key = row_key(space, row, request.queries, query, row_norm, norm)
                output.counts[COUNT_DISTANCES] += 1
                if key != key:
                    continue
                if found < k:
                    push_worst(keys, rows, found, key, row)
                    found += 1
                elif is_worse(keys[0], rows[0], key, row):
                    replace_worst(keys, rows, k, key, row)
            if output.counts[COUNT_DISTANCES] > before:
                probed += 1
                probed_rows += end - lists.starts[number]
            if request.budget > 0 and output.counts[COUNT_DISTANCES] > request.budget:
                return STATUS_BUDGET_SPENT
        sort_ascending(keys, rows, found)
        keys[found:] = np.inf
        rows[found:] = -1
        output.found[query] = found
    return STATUS_DONE


KERNELS = {
    "search_lists": (
        search_lists,
        types.int64(SPACE, SPACE, LISTS, REQUEST, LIST_SCRATCH, BLOCK, OUTPUT, CANCEL),
    ),
}
