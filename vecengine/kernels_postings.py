"""The kernel that searches inverted lists of sparse vectors: block after block of rows, term after term of the query.

Rows are taken in blocks whose sums fit the cache, as SINDI does (Li et al., 2025, "SINDI: an Efficient Index for
Approximate Maximum Inner Product Search on Sparse Vectors"). The products of a block are added up list by list, in the ascending order of the
dimensions in which a merge of two sparse vectors adds, with the same rounding: a finished sum *is* the inner product,
to the last bit. Rows without a common dimension keep the sum 0 and are rows like all others.

A block is passed over where the sum of its lists' best products cannot enter the answer (block-max bounds: Ding and
Suel, 2011, "Faster Top-k Document Retrieval Using Block-Max Indexes"). That sum is taken in the order and with the rounding of
the products it bounds; rounding is monotonic, so it is a bound without a margin.

Expectation: 1.1 ns a product, and 0.1 ns a row to look for sums that enter the answer.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from foundation.sparse import HEADER_WORDS
from vecengine.kernels_heap import push_worst, replace_worst, sort_ascending
from vecengine.kernels_key import query_norm, row_start
from vecengine.kernels_memory import (
    byte_address,
    data_pointer,
    fused_multiply_add,
    read_big_endian,
    read_big_endian_float,
    read_word,
)
from vecengine.kernels_reduce import cosine_key
from vecengine.kernels_sparse import sparse_key, sparse_norm
from vecengine.kernels_types import (
    CANCEL,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    COUNT_RERANKED,
    OUTPUT,
    POSTING_SCRATCH,
    POSTINGS,
    QUERIES,
    REQUEST,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

_L2, _IP, _COSINE = int(Metric.L2), int(Metric.IP), int(Metric.COSINE)
_WORD = 4
_HEADER = HEADER_WORDS * _WORD
_LANES = 16
_INT16 = ir.IntType(16)
_INT32 = ir.IntType(32)
_FLOAT = ir.FloatType()

_COSINE_MARGIN = 1e-6
"""Relative: what rounding may add to a sum times the inverse of a norm, some units in the last place of float32."""

_ROUNDING = 2.0**-22
"""Four units of rounding of float32: see `_norm_share`."""


@intrinsic
def _first_lane_above(typing_context: Any, numbers: Any, begin: Any, gate: Any) -> Any:
    """Which of 16 float32 numbers from `begin` on is the first above the gate, or NaN; 16 where none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        numbers, begin, gate = arguments
        position = builder.mul(begin, ir.Constant(begin.type, _WORD))
        pointer = data_pointer(context, builder, signature.args[0], numbers, position)
        lanes_type = ir.VectorType(_FLOAT, _LANES)
        lanes = builder.load(builder.bitcast(pointer, lanes_type.as_pointer()), align=_WORD)
        single = builder.insert_element(ir.Constant(lanes_type, ir.Undefined), gate, ir.Constant(_INT32, 0))
        spread = builder.shuffle_vector(
            single, single, ir.Constant(ir.VectorType(_INT32, _LANES), [0] * _LANES)
        )
        above = builder.bitcast(builder.fcmp_unordered(">", lanes, spread), _INT16)
        bits = builder.or_(builder.zext(above, _INT32), ir.Constant(_INT32, 1 << _LANES))
        return builder.zext(builder.cttz(bits, ir.Constant(ir.IntType(1), 1)), ir.IntType(64))

    return types.int64(numbers, types.int64, types.float32), generate


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
first_lane_above: Any = _first_lane_above


@compile_function
def next_above(numbers, begin, end, gate):
    """The first position in [begin, end) whose number is above the gate, or NaN; `end` where there is none."""
    while begin + _LANES <= end:
        lane = first_lane_above(numbers, begin, gate)
        if lane < _LANES:
            return begin + lane
        begin += _LANES
    while begin < end and numbers[begin] <= gate:
        begin += 1
    return begin


@compile_function
def _norm_share(elements):
    """What of two norms is certain in |x|^2 + |q|^2 - 2 qx as a lower bound of the distance that a merge gives.

    Sums of n terms are off by n units of rounding at most, which are the norms' own, half of both norms' for the
    product, and twice both norms' for the merge: at most four times all elements of both vectors.
    """
    return 1.0 - _ROUNDING * (elements + 8)


@compile_function
def _gate(metric, worst, norm, share):
    """What a score must be above for its row to come before key `worst`; float32."""
    if metric == _IP:
        return np.float32(-worst)
    if metric == _COSINE:
        least = (1.0 - worst) * np.sqrt(np.float64(norm))
        return np.float32(least - _COSINE_MARGIN * abs(least))
    return np.float32(0.5 * (share * np.float64(norm) - worst))


@compile_function
def _score(metric, total, factor, share):
    """What ranks rows under a metric, from the inner product; never falls with it, nor with a better factor."""
    if metric == _IP:
        return total
    if metric == _COSINE:
        return np.float32(total * factor)
    return np.float32(total - np.float32(share * factor))


@compile_function
def _find_terms(postings, block, query, scratch):
    """The lists of the query's dimensions in a block, into `scratch`: their number, and the bound of the inner product."""
    size = read_big_endian(query + _WORD) * _WORD
    low = postings.block_segments[block]
    end = postings.block_segments[block + 1]
    bound = np.float32(0)
    count = 0
    for place in range(query + _HEADER, query + _HEADER + size, _WORD):
        dimension = read_big_endian(place)
        step = 1
        while low + step < end and postings.segment_dims[low + step] < dimension:
            low += step
            step += step
        high = min(low + step, end)
        while low < high:
            middle = (low + high) >> 1
            if postings.segment_dims[middle] < dimension:
                low = middle + 1
            else:
                high = middle
        if low == end:
            break
        if postings.segment_dims[low] != dimension:
            continue
        weight = read_big_endian_float(place + size)
        best = postings.highs[low] if weight > 0 else postings.lows[low]
        bound = fused_multiply_add(weight, best, bound)
        scratch.segments[count] = low
        scratch.weights[count] = weight
        count += 1
    return count, bound


@compile_function
def _add_products(postings, segment, weight, sums):
    """Add a list's products to the sums of its rows in a block; how many there are."""
    begin, end = postings.segment_starts[segment], postings.segment_starts[segment + 1]
    for place in range(np.uint64(begin), np.uint64(end)):
        row = postings.rows[place]
        sums[row] = fused_multiply_add(postings.weights[place], weight, sums[row])
    return end - begin


@compile_function
def _key_of(space, postings, position, row, query, norm, total, is_whole):
    """Key of a row whose inner product with the query is `total`, or about that where lists lack weights."""
    if space.metric == _IP:
        return np.float64(-total)
    if space.metric == _COSINE:
        return cosine_key(total, postings.norms[position], norm)
    if is_whole:
        return sparse_key(
            _L2, byte_address(space.rows, row_start(space, row)), query, np.float32(0), np.float32(0)
        )
    return np.float64(norm) + np.float64(postings.norms[position]) - 2.0 * np.float64(total)


@compile_function
def _rerank(space, query, norm, scratch, found, keys, rows):
    """The best of the rows found into (k,) keys and rows, by the vectors themselves; their number."""
    kept = 0
    row_norm = np.float32(0)
    for number in range(found):
        row = scratch.found_rows[number]
        address = byte_address(space.rows, row_start(space, row))
        if space.metric == _COSINE:
            row_norm = sparse_norm((address,))
        key = sparse_key(space.metric, address, query, row_norm, norm)
        if key != key:
            continue
        if kept < keys.shape[0]:
            push_worst(keys, rows, kept, key, row)
            kept += 1
        elif key < keys[0] or (key == keys[0] and row < rows[0]):
            replace_worst(keys, rows, kept, key, row)
    return kept


def search_postings(space, postings, request, listed, scratch, output, cancel):
    """The k best allowed rows of every query into `output`, k being its width; rows with a NaN key are no match.

    Of the request it reads queries, allowed, budget and `ef`, how many rows are found by the lists: k where these have
    all weights of `listed`, the queries as they are looked up, and `listed` all of the queries; else more, which are
    reranked by their vectors.
    A distance is counted for every key, and for as many products as a row has elements on average.
    """
    allowed = request.allowed
    width = request.ef
    is_whole = postings.is_whole != 0
    block_count = postings.block_segments.shape[0] - 1
    row_count = postings.row_count
    output.found[:] = 0
    for query in range(request.queries.shape[0]):
        whole_query = byte_address(request.queries, query * request.queries.shape[1] * _WORD)
        listed_query = byte_address(listed, query * listed.shape[1] * _WORD)
        norm = query_norm(space, request.queries, query)
        share = _norm_share(postings.elements_max + read_big_endian(whole_query + _WORD))
        gate = np.float32(-np.inf)
        found = 0
        products = 0
        for block in range(block_count):
            if read_word(cancel) != 0:
                return STATUS_CANCELLED
            terms, bound = _find_terms(postings, block, listed_query, scratch)
            if found == width and _score(space.metric, bound, postings.block_factors[block], share) <= gate:
                continue
            begin = block * postings.block_rows
            size = min(postings.block_rows, row_count - begin)
            scratch.sums[:size] = 0
            for term in range(terms):
                products += _add_products(
                    postings, scratch.segments[term], scratch.weights[term], scratch.sums
                )
            output.counts[COUNT_EXPANSIONS] += terms
            if space.metric == _IP:
                scores = scratch.sums
            else:
                scores = scratch.scores
                for place in range(size):
                    scores[place] = _score(
                        space.metric, scratch.sums[place], postings.factors[begin + place], share
                    )
            output.counts[COUNT_DISTANCES] += products // postings.elements_mean
            products %= postings.elements_mean
            place = 0
            while place < size:
                if found == width:
                    place = next_above(scores, place, size, gate)
                    if place == size:
                        break
                position = begin + place
                row = postings.offsets[position] if postings.offsets.shape[0] else position
                place += 1
                if allowed.shape[0] and not (allowed[row >> 3] >> (row & 7)) & 1:
                    continue
                total = scratch.sums[place - 1]
                key = _key_of(space, postings, position, row, whole_query, norm, total, is_whole)
                output.counts[COUNT_DISTANCES] += 1
                # Rows come in ascending order, so an equal key is always the worse one.
                if key != key or (found == width and key >= scratch.found_keys[0]):
                    continue
                if found < width:
                    push_worst(scratch.found_keys, scratch.found_rows, found, key, row)
                    found += 1
                else:
                    replace_worst(scratch.found_keys, scratch.found_rows, width, key, row)
                if found == width:
                    gate = _gate(space.metric, scratch.found_keys[0], norm, share)
            if request.budget > 0 and output.counts[COUNT_DISTANCES] > request.budget:
                return STATUS_BUDGET_SPENT
        keys = output.keys[query]
        rows = output.offsets[query]
        if is_whole:
            for number in range(found):
                keys[number] = scratch.found_keys[number]
                rows[number] = scratch.found_rows[number]
        else:
            output.counts[COUNT_RERANKED] += found
            found = _rerank(space, whole_query, norm, scratch, found, keys, rows)
        sort_ascending(keys, rows, found)
        keys[found:] = np.inf
        rows[found:] = -1
        output.found[query] = found
    return STATUS_DONE


KERNELS = {
    "search_postings": (
        search_postings,
        types.int64(SPACE, POSTINGS, REQUEST, QUERIES, POSTING_SCRATCH, OUTPUT, CANCEL),
    ),
}
