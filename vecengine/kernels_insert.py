"""Linking nodes into a hierarchical graph: choose links of a batch, then link back, then carry links over.

Malkov and Yashunin (2018), algorithms 1, 2 and 4, for a batch of nodes at a time: `choose_links` searches the graph
as it was before the batch, and weighs the earlier nodes of the batch besides, so no neighbour is missed;
`link_back` adds the links to the lists of the chosen. Parts of either may run on several threads: the first writes
only what belongs to its nodes, the second only lists of nodes that are `part` modulo `part_count`. The result does
not depend on the number of threads.

A list is shortened as faiss does it (`shrink_neighbor_list`): a candidate is kept when it is nearer to the node than
to all that were kept before. What was kept once stays so among itself, therefore a full list that gets one link more is
weighed against that link alone and not pair by pair: 70 distances in place of up to 560, with the same result.

Expectation: about 100 us a node at 128 dimensions, m 16, ef 64, in a graph of 100,000.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type"
from __future__ import annotations

import numpy as np
from numba import njit, types

from vecengine.kernels_graph import prefetch_node, row_of, visit
from vecengine.kernels_heap import (
    drop_nearest,
    push_nearest,
    push_worst,
    replace_worst,
    sort_ascending,
)
from vecengine.kernels_key import row_key, unpack_row
from vecengine.kernels_memory import read_word
from vecengine.kernels_types import (
    CANCEL,
    GRAPH,
    GROWING_GRAPH,
    GROWTH,
    OPTIONS,
    PRUNING,
    SCRATCH,
    SPACE,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)

_LOOK_AHEAD = 3


@compile_function
def norm_of(graph, node):
    return graph.norms[node] if graph.norms.shape[0] else np.float32(0)


@compile_function
def key_to(space, graph, node, queries, position, norm):
    """Key of a node against row `position` of queries; NaN (sums beyond float32) counts as farthest."""
    key = row_key(space, row_of(graph, node), queries, position, norm_of(graph, node), norm)
    return key if key == key else np.inf


@compile_function
def unpack_node(space, graph, node, out, position):
    unpack_row(space, row_of(graph, node), out, position)


# Without numba's runtime a function cannot return a view, so this one is inlined before it is typed.
@njit(inline="always", **OPTIONS)
def list_of(graph, node, level):
    """The links of a node on a level, as a view of the graph's array."""
    links = graph.links[node]
    if level > 0:
        links = graph.upper_links[graph.upper_rows[node] + level - 1]
    return links


@compile_function
def descend_to(space, graph, growth, position, norm, level):
    """The node nearest to the batch's node that greedy steps reach on the levels above `level`, and its key."""
    node = np.int64(growth.entry)
    key = key_to(space, graph, node, growth.queries, position, norm)
    for above in range(growth.level_max, level, -1):
        moved = True
        while moved:
            moved = False
            links = list_of(graph, node, above)
            for rank in range(links.shape[0]):
                neighbour = np.int64(links[rank])
                if neighbour < 0:
                    break
                neighbour_key = key_to(space, graph, neighbour, growth.queries, position, norm)
                if neighbour_key < key:
                    key, node, moved = neighbour_key, neighbour, True
    return node, key


@compile_function
def beam(space, graph, growth, scratch, position, norm, level, start, start_key):
    """Algorithm 2 on one level: the `ef` nearest nodes as a max-heap in `scratch`; returns how many."""
    scratch.visited[:] = 0
    visit(scratch.visited, start)
    push_nearest(scratch.candidate_keys, scratch.candidate_nodes, 0, start_key, start)
    push_worst(scratch.result_keys, scratch.result_nodes, 0, start_key, start)
    waiting, found = 1, 1
    while waiting > 0:
        if found == growth.ef and scratch.candidate_keys[0] > scratch.result_keys[0]:
            break
        node = np.int64(scratch.candidate_nodes[0])
        drop_nearest(scratch.candidate_keys, scratch.candidate_nodes, waiting)
        waiting -= 1
        links = list_of(graph, node, level)
        size = 0
        for rank in range(links.shape[0]):
            neighbour = np.int64(links[rank])
            if neighbour < 0:
                break
            if visit(scratch.visited, neighbour):
                scratch.batch[size] = neighbour
                size += 1
        for rank in range(min(_LOOK_AHEAD, size)):
            prefetch_node(space, graph, scratch.batch[rank])
        for rank in range(size):
            if rank + _LOOK_AHEAD < size:
                prefetch_node(space, graph, scratch.batch[rank + _LOOK_AHEAD])
            neighbour = np.int64(scratch.batch[rank])
            scratch.batch_keys[rank] = key_to(space, graph, neighbour, growth.queries, position, norm)
        for rank in range(size):
            key = scratch.batch_keys[rank]
            neighbour = np.int64(scratch.batch[rank])
            if found < growth.ef:
                push_worst(scratch.result_keys, scratch.result_nodes, found, key, neighbour)
                found += 1
            elif key < scratch.result_keys[0]:
                replace_worst(scratch.result_keys, scratch.result_nodes, found, key, neighbour)
            else:
                continue
            push_nearest(scratch.candidate_keys, scratch.candidate_nodes, waiting, key, neighbour)
            waiting += 1
    return found


@compile_function
def add_batch_nodes(space, graph, growth, scratch, position, norm, level, found):
    """Weigh the batch's earlier nodes of this level, which the graph does not lead to yet."""
    for earlier in range(position):
        if growth.levels[earlier] < level:
            continue
        node = np.int64(growth.nodes[earlier])
        key = key_to(space, graph, node, growth.queries, position, norm)
        if found < growth.ef:
            push_worst(scratch.result_keys, scratch.result_nodes, found, key, node)
            found += 1
        elif key < scratch.result_keys[0]:
            replace_worst(scratch.result_keys, scratch.result_nodes, found, key, node)
    return found


@compile_function
def select(space, graph, pruning, keys, nodes, size, links):
    """Algorithm 4: write the diverse nearest of `size` ascending candidates to a list, ended by -1; how many."""
    kept = 0
    for candidate in range(size):
        if kept == links.shape[0]:
            break
        node = np.int64(nodes[candidate])
        good = True
        for rank in range(kept):
            norm = norm_of(graph, np.int64(links[rank]))
            if key_to(space, graph, node, pruning.rows, rank, norm) < keys[candidate]:
                good = False
                break
        if good:
            unpack_node(space, graph, node, pruning.rows, kept)
            links[kept] = node
            kept += 1
    if kept < links.shape[0]:
        links[kept] = -1
    return kept


@compile_function
def fill_list(links, chosen, kept):
    """Write a list that others may be reading: every element is a link or -1 at any time."""
    for rank in range(links.shape[0]):
        links[rank] = chosen[rank] if rank < kept else -1


@compile_function
def choose_for_node(space, graph, growth, pruning, scratch, position):
    """Links of one node of the batch, on all its levels."""
    norm = norm_of(graph, np.int64(growth.nodes[position]))
    has_graph = growth.entry >= 0
    top = np.int64(growth.levels[position])
    start, start_key = np.int64(-1), 0.0
    if has_graph:
        start, start_key = descend_to(space, graph, growth, position, norm, top)
    for level in range(top, -1, -1):
        found = 0
        if has_graph and level <= growth.level_max:
            found = beam(space, graph, growth, scratch, position, norm, level, start, start_key)
            # The nearest of the graph, before nodes come in that it does not lead to.
            for rank in range(found):
                if scratch.result_keys[rank] < start_key:
                    start, start_key = scratch.result_nodes[rank], scratch.result_keys[rank]
        found = add_batch_nodes(space, graph, growth, scratch, position, norm, level, found)
        sort_ascending(scratch.result_keys, scratch.result_nodes, found)
        own = list_of(graph, np.int64(growth.nodes[position]), level)
        chosen = growth.chosen[position, level, : own.shape[0]]
        kept = select(space, graph, pruning, scratch.result_keys, scratch.result_nodes, found, chosen)
        fill_list(own, chosen, kept)
        if level == 0:
            growth.diverse[growth.nodes[position]] = kept


def choose_links(space, graph, growth, pruning, scratch, begin, end, cancel):
    """Find and write the links of the batch's nodes `begin` to `end`. The lists of other nodes stay."""
    for position in range(begin, end):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        choose_for_node(space, graph, growth, pruning, scratch, position)
    return STATUS_DONE


@compile_function
def select_again(space, graph, pruning, size, links):
    """`select` among `pruning.nodes`, each doubled, odd where the links of that kind are known to be diverse.

    Two known ones are not weighed against each other. Every other pair is, against the vector of one that is not known:
    a distance is the same both ways, to the last bit.
    """
    kept = 0
    fresh = 0
    for candidate in range(size):
        if kept == links.shape[0]:
            break
        node = pruning.nodes[candidate] >> 1
        is_known = pruning.nodes[candidate] & 1
        norm = norm_of(graph, node)
        if not is_known:
            unpack_node(space, graph, node, pruning.rows, fresh)
        good = True
        passed = 0
        for rank in range(kept):
            other = pruning.nodes[rank] >> 1
            if pruning.nodes[rank] & 1 == 0:
                key = key_to(space, graph, node, pruning.rows, passed, norm_of(graph, other))
                passed += 1
            elif is_known:
                continue
            else:
                key = key_to(space, graph, other, pruning.rows, fresh, norm)
            if key < pruning.keys[candidate]:
                good = False
                break
        if good:
            pruning.nodes[kept] = pruning.nodes[candidate]
            links[kept] = node
            kept += 1
            fresh += 1 - is_known
    return kept


@compile_function
def add_link(space, graph, diverse, pruning, scratch, target, level, node):
    """Add a link to a node's list; a full list is chosen anew."""
    links = list_of(graph, target, level)
    width = links.shape[0]
    for rank in range(width):
        if links[rank] < 0:
            links[rank] = node
            return
    norm = norm_of(graph, target)
    known = np.int64(diverse[target]) if level == 0 else 0
    unpack_node(space, graph, target, pruning.rows, width)
    for rank in range(width + 1):
        linked = np.int64(links[rank]) if rank < width else np.int64(node)
        key = key_to(space, graph, linked, pruning.rows, width, norm)
        push_worst(pruning.keys, pruning.nodes, rank, key, 2 * linked + (1 if rank < known else 0))
    sort_ascending(pruning.keys, pruning.nodes, width + 1)
    kept = select_again(space, graph, pruning, width + 1, scratch.batch[:width])
    fill_list(links, scratch.batch, kept)
    if level == 0:
        diverse[target] = kept


def link_back(space, graph, growth, pruning, scratch, part, part_count, cancel):
    """Add each node of the batch to the lists of those it has chosen, where they are of this part."""
    for position in range(growth.nodes.shape[0]):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        node = np.int64(growth.nodes[position])
        for level in range(growth.levels[position] + 1):
            width = list_of(graph, node, level).shape[0]
            for rank in range(width):
                target = np.int64(growth.chosen[position, level, rank])
                if target < 0:
                    break
                if target % part_count == part:
                    add_link(space, graph, growth.diverse, pruning, scratch, target, level, node)
    return STATUS_DONE


@compile_function
def gather_renamed(links, renamed, scratch, size, limit):
    """Add the new names of a list's nodes to `scratch.batch`, each once; (size, whether one has none).

    Nodes beyond the names are passed over: they joined a growing graph after it was asked for.
    """
    has_dead = False
    for rank in range(links.shape[0]):
        linked = np.int64(links[rank])
        if linked < 0:
            break
        if linked >= renamed.shape[0]:
            continue
        name = np.int64(renamed[linked])
        if name < 0:
            has_dead = True
        elif size < limit and visit(scratch.visited, name):
            scratch.batch[size] = name
            size += 1
    return size, has_dead


@compile_function
def carry_list(space, graph, old, renamed, pruning, scratch, old_node, level):
    """One list under new names. Nodes that are gone are replaced by what they led to, the best of it."""
    node = np.int64(renamed[old_node])
    target = list_of(graph, node, level)
    source = list_of(old, old_node, level)
    # Room for the list itself is kept whatever the lists of the dead hold.
    limit = min(scratch.batch.shape[0], pruning.keys.shape[0])
    visit(scratch.visited, node)
    size, has_dead = gather_renamed(source, renamed, scratch, 0, limit)
    if has_dead:
        for rank in range(source.shape[0]):
            linked = np.int64(source[rank])
            if linked < 0:
                break
            if linked < renamed.shape[0] and renamed[linked] < 0:
                size, _ = gather_renamed(list_of(old, linked, level), renamed, scratch, size, limit)
    for rank in range(size):
        name = np.int64(scratch.batch[rank])
        scratch.visited[name >> 3] &= ~(1 << (name & 7))
    scratch.visited[node >> 3] &= ~(1 << (node & 7))
    if not has_dead:
        fill_list(target, scratch.batch, size)
        return
    norm = norm_of(graph, node)
    unpack_node(space, graph, node, pruning.rows, target.shape[0])
    for rank in range(size):
        name = np.int64(scratch.batch[rank])
        push_worst(
            pruning.keys,
            pruning.nodes,
            rank,
            key_to(space, graph, name, pruning.rows, target.shape[0], norm),
            name,
        )
    sort_ascending(pruning.keys, pruning.nodes, size)
    kept = select(space, graph, pruning, pruning.keys, pruning.nodes, size, scratch.batch[: target.shape[0]])
    fill_list(target, scratch.batch, kept)


def carry_links(space, graph, old, old_levels, renamed, pruning, scratch, begin, end, cancel):
    """Write the lists of the old nodes `begin` to `end` under the names `renamed` gives them (-1: gone)."""
    scratch.visited[:] = 0
    for old_node in range(begin, end):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        if renamed[old_node] >= 0:
            for level in range(old_levels[old_node] + 1):
                carry_list(space, graph, old, renamed, pruning, scratch, np.int64(old_node), level)
    return STATUS_DONE


_NAMES = types.Array(types.int32, 1, "C", readonly=True, aligned=True)

KERNELS = {
    "choose_links": (
        choose_links,
        types.int64(SPACE, GROWING_GRAPH, GROWTH, PRUNING, SCRATCH, types.int64, types.int64, CANCEL),
    ),
    "link_back": (
        link_back,
        types.int64(SPACE, GROWING_GRAPH, GROWTH, PRUNING, SCRATCH, types.int64, types.int64, CANCEL),
    ),
    "carry_links": (
        carry_links,
        types.int64(
            SPACE, GROWING_GRAPH, GRAPH, _NAMES, _NAMES, PRUNING, SCRATCH, types.int64, types.int64, CANCEL
        ),
    ),
}
