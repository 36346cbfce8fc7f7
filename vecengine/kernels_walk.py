"""A beam search of a graph that can be gone on with: its state lies in arrays of the caller between the calls.

Algorithm 2 of Malkov and Yashunin as in `kernels_graph`, but for what it throws away: candidates that are farther than the beam
wait in their heap, and results that are pushed out of the beam wait in one of their own. The caller takes the nearest results
out of the beam and calls again; the beam fills up from those that wait, and the walk goes on until the nearest candidate is
farther than all of the beam. So each batch is what a search with that beam would find among the rows that did not come yet.
(Knowhere keeps the same two heaps: thirdparty/faiss/faiss/cppcontrib/knowhere/impl/HnswSearcher.h, iterators.)

Expectation: a search's time for a batch, but each node is met once in all of them. Measured (29,950 embeddings of 384 float32, cosine,
codes of 8 bits; one thread, processor time on a busy machine, one after the other): ten batches of 10 and of 100 take half and a third of ten searches
for 10, 20, 30 ... and for 100, 200, 300 ...; three of 1,000 two thirds. One batch of 10 takes 0.15 ms where a search takes 0.08, most of it
Python. A range of 11, 66, 661 and 3,461 rows takes 0.1, 0.2, 0.8 and 2.8 times a scan, at recall 0.984, 0.984, 0.996 and 1.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_graph import code_query, descend, gather, is_allowed, row_of, visit, weigh_batch
from vecengine.kernels_heap import drop_nearest, is_worse, push_nearest, push_worst, replace_worst
from vecengine.kernels_key import query_norm
from vecengine.kernels_memory import read_word
from vecengine.kernels_types import (
    CANCEL,
    CODES,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    GRAPH,
    REQUEST,
    SCRATCH,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    WALK,
    WALK_BEGUN,
    WALK_BY_CODES,
    WALK_BY_VECTORS,
    WALK_FOUND,
    WALK_RESTING,
    WALK_WAITING,
    compile_function,
)


@compile_function
def begin_walk(space, graph, codes, request, scratch, walk):
    """Make the query what nodes are compared with, and descend to the node the walk begins at."""
    scratch.visited[:] = 0
    is_coded = code_query(space.metric, codes, request.queries, 0, scratch.query)
    walked = codes.space if is_coded else space
    norm = query_norm(space, request.queries, 0)
    node, key = descend(walked, graph, scratch, norm, walk.counts)
    visit(scratch.visited, node)
    push_nearest(scratch.candidate_keys, scratch.candidate_nodes, 0, key if key == key else np.inf, node)
    walk.state[WALK_WAITING] = 1
    walk.state[WALK_FOUND] = 0
    walk.state[WALK_RESTING] = 0
    if is_allowed(graph, request.allowed, node) and key == key:
        push_nearest(walk.keys, walk.rows, 0, key, row_of(graph, node))
        walk.state[WALK_RESTING] = 1
    walk.state[WALK_BEGUN] = WALK_BY_CODES if is_coded else WALK_BY_VECTORS


def walk_graph(space, graph, codes, request, scratch, walk, cancel):
    """Fill the beam, `scratch.result_keys` and `result_nodes`, a max-heap of row offsets, with the `ef` nearest that wait or are met.

    `walk.state` says how many there are; fewer than `ef` only when the walk is at its end, cancelled or out of budget. The caller may
    take any out and leaves a max-heap. The budget is that of all calls. Queries are one.
    """
    if walk.state[WALK_BEGUN] == 0:
        begin_walk(space, graph, codes, request, scratch, walk)
    walked = codes.space if walk.state[WALK_BEGUN] == WALK_BY_CODES else space
    norm = query_norm(space, request.queries, 0)
    beam_keys, beam_rows = scratch.result_keys, scratch.result_nodes
    waiting = walk.state[WALK_WAITING]
    found = walk.state[WALK_FOUND]
    resting = walk.state[WALK_RESTING]
    status = STATUS_DONE
    while found < request.ef and resting > 0:
        push_worst(beam_keys, beam_rows, found, walk.keys[0], walk.rows[0])
        found += 1
        drop_nearest(walk.keys, walk.rows, resting)
        resting -= 1
    while waiting > 0:
        if found == request.ef and scratch.candidate_keys[0] > beam_keys[0]:
            break
        if read_word(cancel) != 0:
            status = STATUS_CANCELLED
            break
        if walk.counts[COUNT_DISTANCES] >= request.budget:
            status = STATUS_BUDGET_SPENT
            break
        node = np.int64(scratch.candidate_nodes[0])
        drop_nearest(scratch.candidate_keys, scratch.candidate_nodes, waiting)
        waiting -= 1
        size = gather(graph, request, scratch, node, found == request.ef)
        walk.counts[COUNT_EXPANSIONS] += 1
        walk.counts[COUNT_DISTANCES] += size
        weigh_batch(walked, graph, scratch, norm, size)
        for position in range(size):
            neighbour = np.int64(scratch.batch[position])
            key = scratch.batch_keys[position]
            is_ordered = key == key
            push_nearest(
                scratch.candidate_keys,
                scratch.candidate_nodes,
                waiting,
                key if is_ordered else np.inf,
                neighbour,
            )
            waiting += 1
            if not is_ordered or not is_allowed(graph, request.allowed, neighbour):
                continue
            row = row_of(graph, neighbour)
            if found < request.ef:
                push_worst(beam_keys, beam_rows, found, key, row)
                found += 1
                continue
            if is_worse(beam_keys[0], beam_rows[0], key, row):
                push_nearest(walk.keys, walk.rows, resting, beam_keys[0], beam_rows[0])
                replace_worst(beam_keys, beam_rows, found, key, row)
            else:
                push_nearest(walk.keys, walk.rows, resting, key, row)
            resting += 1
    walk.state[WALK_WAITING] = waiting
    walk.state[WALK_FOUND] = found
    walk.state[WALK_RESTING] = resting
    return status


KERNELS = {
    "walk_graph": (walk_graph, types.int64(SPACE, GRAPH, CODES, REQUEST, SCRATCH, WALK, CANCEL)),
}
