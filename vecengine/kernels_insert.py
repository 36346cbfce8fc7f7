"""Linking nodes into a hierarchical graph: choose links of a batch, then link back, then carry links over.

Malkov and Yashunin (2018), algorithms 1, 2 and 4, for a batch of nodes at a time: `choose_links` searches the graph
as it was before the batch, and weighs the earlier nodes of the batch besides, so no neighbour is missed;
`link_back` adds the links to the lists of the chosen. Parts of either may run on several threads: the first writes
only what belongs to its nodes, the second only lists of nodes that are `part` modulo `part_count`. The result does
not depend on the number of threads.

A list is shortened as faiss does it (`shrink_neighbor_list`): a candidate is kept when it is nearer to the node than
to all that were kept before. What was kept once stays so among itself, therefore a full list that gets one link more is
weighed against that link alone and not pair by pair: 70 distances in place of up to 560, with the same result. With a
`slack` above 1 a candidate is kept that is a little farther from the node than from a kept one, as in Vamana.

Diverse links lead far but leave lists half empty. What `select` passes over goes into the rest of a list of level 0, its
reserve (`ListParts`), nearest first, and the node into theirs: pgvector's and the paper's "keep pruned connections".
Insertions do not follow the reserve, which would double their time, so it changes no link.

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
    LIST_PARTS,
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
def beam(space, graph, parts, growth, scratch, position, norm, level, start, start_key):
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
        linked = np.int64(parts.linked[node]) if level == 0 else links.shape[0]
        size = 0
        for rank in range(linked):
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
def select(space, graph, pruning, scratch, keys, nodes, size, width):
    """Algorithm 4: the diverse nearest of `size` ascending candidates, and the nearest others; how many of either.

    The first are in `scratch.batch` from 0 on, the others from `width` on, as many as have room in a list of that width.
    """
    links = scratch.batch
    kept = 0
    passed = 0
    for candidate in range(size):
        if kept == width:
            break
        node = np.int64(nodes[candidate])
        good = kept < width
        for rank in range(kept):
            norm = norm_of(graph, np.int64(links[rank]))
            key = key_to(space, graph, node, pruning.rows, rank, norm)
            if pruning.slack * key < keys[candidate] + pruning.tie:
                good = False
                break
        if good:
            unpack_node(space, graph, node, pruning.rows, kept)
            links[kept] = node
            kept += 1
        elif passed < width:
            links[width + passed] = node
            scratch.batch_keys[width + passed] = keys[candidate]
            passed += 1
    return kept, min(passed, width - kept)


@compile_function
def fill_list(links, chosen, kept):
    """Write a list that others may be reading: every element is a link or -1 at any time."""
    for rank in range(links.shape[0]):
        links[rank] = chosen[rank] if rank < kept else -1


@compile_function
def fill_ground_list(graph, parts, scratch, node, kept, passed):
    """Write a list of level 0 as `select` left it in `scratch`."""
    links = graph.links[node]
    width = links.shape[0]
    for rank in range(passed):
        scratch.batch[kept + rank] = scratch.batch[width + rank]
        parts.keys[node, kept + rank] = scratch.batch_keys[width + rank]
    parts.linked[node] = kept
    parts.diverse[node] = kept
    fill_list(links, scratch.batch, kept + passed)


@compile_function
def choose_for_node(space, graph, parts, growth, pruning, scratch, position):
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
            found = beam(space, graph, parts, growth, scratch, position, norm, level, start, start_key)
            # The nearest of the graph, before nodes come in that it does not lead to.
            for rank in range(found):
                if scratch.result_keys[rank] < start_key:
                    start, start_key = scratch.result_nodes[rank], scratch.result_keys[rank]
        found = add_batch_nodes(space, graph, growth, scratch, position, norm, level, found)
        sort_ascending(scratch.result_keys, scratch.result_nodes, found)
        node = np.int64(growth.nodes[position])
        own = list_of(graph, node, level)
        width = own.shape[0]
        kept, passed = select(
            space, graph, pruning, scratch, scratch.result_keys, scratch.result_nodes, found, width
        )
        if level == 0:
            fill_ground_list(graph, parts, scratch, node, kept, passed)
            growth.kept[position] = kept
        else:
            fill_list(own, scratch.batch, kept)
        for rank in range(width):
            growth.chosen[position, level, rank] = own[rank]
            if level == 0:
                growth.keys[position, rank] = parts.keys[node, rank]


def choose_links(space, graph, parts, growth, pruning, scratch, begin, end, cancel):
    """Find and write the links of the batch's nodes `begin` to `end`. The lists of other nodes stay."""
    for position in range(begin, end):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        choose_for_node(space, graph, parts, growth, pruning, scratch, position)
    return STATUS_DONE


@compile_function
def select_again(space, graph, pruning, scratch, size, width):
    """`select` among `pruning.nodes`, each doubled, odd where the links of that kind are known to be diverse.

    Two known ones are not weighed against each other. Every other pair is, against the vector of one that is not known:
    a distance is the same both ways, to the last bit.
    """
    links = scratch.batch
    kept = 0
    fresh = 0
    others = 0
    for candidate in range(size):
        node = pruning.nodes[candidate] >> 1
        is_known = pruning.nodes[candidate] & 1
        norm = norm_of(graph, node)
        if not is_known:
            unpack_node(space, graph, node, pruning.rows, fresh)
        good = kept < width
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
            if pruning.slack * key < pruning.keys[candidate] + pruning.tie:
                good = False
                break
        if good:
            pruning.nodes[kept] = pruning.nodes[candidate]
            links[kept] = node
            kept += 1
            fresh += 1 - is_known
        elif others < width:
            links[width + others] = node
            scratch.batch_keys[width + others] = pruning.keys[candidate]
            others += 1
    return kept, min(others, width - kept)


@compile_function
def reserve_node(graph, parts, target, key, node):
    """Take a node into the reserve of a list, in its place; where there is no room the farthest falls out.

    From the end on: a reader sees a node twice for a moment, but always nodes.
    """
    links = graph.links[target]
    width = links.shape[0]
    first = np.int64(parts.linked[target])
    place = first
    while place < width and links[place] >= 0:
        place += 1
    if place == width:
        if first == width or not key < parts.keys[target, width - 1]:
            return
        place = width - 1
    while place > first and parts.keys[target, place - 1] > key:
        links[place] = links[place - 1]
        parts.keys[target, place] = parts.keys[target, place - 1]
        place -= 1
    links[place] = node
    parts.keys[target, place] = key


@compile_function
def has_room(graph, parts, target, level, node):
    """Whether a list had room for a link, and has taken it. The reserve gives way."""
    links = list_of(graph, target, level)
    width = links.shape[0]
    if level > 0:
        for rank in range(width):
            if links[rank] < 0:
                links[rank] = node
                return True
        return False
    first = np.int64(parts.linked[target])
    if first == width:
        return False
    place = first
    while place < width - 1 and links[place] >= 0:
        place += 1
    while place > first:
        links[place] = links[place - 1]
        parts.keys[target, place] = parts.keys[target, place - 1]
        place -= 1
    links[first] = node
    parts.linked[target] = first + 1
    return True


@compile_function
def add_link(space, graph, parts, pruning, scratch, target, level, node):
    """Add a link to a node's list; a full list is chosen anew."""
    if has_room(graph, parts, target, level, node):
        return
    links = list_of(graph, target, level)
    width = links.shape[0]
    norm = norm_of(graph, target)
    known = np.int64(parts.diverse[target]) if level == 0 else 0
    unpack_node(space, graph, target, pruning.rows, width)
    for rank in range(width + 1):
        linked = np.int64(links[rank]) if rank < width else np.int64(node)
        key = key_to(space, graph, linked, pruning.rows, width, norm)
        push_worst(pruning.keys, pruning.nodes, rank, key, 2 * linked + (1 if rank < known else 0))
    sort_ascending(pruning.keys, pruning.nodes, width + 1)
    kept, passed = select_again(space, graph, pruning, scratch, width + 1, width)
    if level == 0:
        fill_ground_list(graph, parts, scratch, target, kept, passed)
    else:
        fill_list(links, scratch.batch, kept)


def link_back(space, graph, parts, growth, pruning, scratch, part, part_count, cancel):
    """Add each node of the batch to the lists of those it has chosen or has in reserve, where they are of this part."""
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
                if target % part_count != part:
                    continue
                if level > 0 or rank < growth.kept[position]:
                    add_link(space, graph, parts, pruning, scratch, target, level, node)
                else:
                    reserve_node(graph, parts, target, growth.keys[position, rank], node)
    return STATUS_DONE


@compile_function
def gather_renamed(links, first, stop, renamed, visited, names, size):
    """Add the new names of the nodes at these places of a list to `names`, each once; (size, whether one has none).

    Nodes beyond the names are passed over: they joined a growing graph after it was asked for.
    """
    has_dead = False
    for rank in range(first, stop):
        linked = np.int64(links[rank])
        if linked < 0:
            break
        if linked >= renamed.shape[0]:
            continue
        name = np.int64(renamed[linked])
        if name < 0:
            has_dead = True
        elif size < names.shape[0] and visit(visited, name):
            names[size] = name
            size += 1
    return size, has_dead


@compile_function
def gather_behind_dead(old, links, stop, level, old_linked, renamed, visited, names, size):
    """Add the links of the nodes that are gone among the first `stop` of a list."""
    for rank in range(stop):
        linked = np.int64(links[rank])
        if linked < 0:
            break
        if linked < renamed.shape[0] and renamed[linked] < 0:
            behind = list_of(old, linked, level)
            end = min(np.int64(old_linked[linked]), behind.shape[0]) if level == 0 else behind.shape[0]
            size, _ = gather_renamed(behind, 0, end, renamed, visited, names, size)
    return size


@compile_function
def choose_carried(space, graph, pruning, scratch, names, size, norm, width):
    """`select` among names, for the node whose vector is row `width` of `pruning.rows`."""
    for rank in range(size):
        name = np.int64(names[rank])
        key = key_to(space, graph, name, pruning.rows, width, norm)
        push_worst(pruning.keys, pruning.nodes, rank, key, name)
    sort_ascending(pruning.keys, pruning.nodes, size)
    return select(space, graph, pruning, scratch, pruning.keys, pruning.nodes, size, width)


@compile_function
def carry_list(space, graph, parts, old, old_linked, renamed, pruning, scratch, old_node, level):
    """One list under new names. Links to nodes that are gone are replaced by the best of what those led to."""
    node = np.int64(renamed[old_node])
    target = list_of(graph, node, level)
    source = list_of(old, old_node, level)
    width = target.shape[0]
    stop = min(np.int64(old_linked[old_node]), width) if level == 0 else width
    # Behind what `select` writes. Room for the list itself is left whatever the lists of the dead hold.
    names = scratch.batch[2 * width : min(scratch.batch.shape[0], 2 * width + pruning.keys.shape[0])]
    visited = scratch.visited
    visit(visited, node)
    size, has_dead = gather_renamed(source, 0, stop, renamed, visited, names, 0)
    if has_dead:
        size = gather_behind_dead(old, source, stop, level, old_linked, renamed, visited, names, size)
    norm = norm_of(graph, node)
    if has_dead or level == 0:
        unpack_node(space, graph, node, pruning.rows, width)
    if has_dead:
        kept, passed = choose_carried(space, graph, pruning, scratch, names, size, norm, width)
    else:
        kept, passed = size, 0
        for rank in range(size):
            scratch.batch[rank] = names[rank]
    if level == 0:
        fill_ground_list(graph, parts, scratch, node, kept, passed)
        parts.diverse[node] = 0
        end, _ = gather_renamed(source, stop, width, renamed, visited, names, size)
        for rank in range(size, end):
            name = np.int64(names[rank])
            reserve_node(graph, parts, node, key_to(space, graph, name, pruning.rows, width, norm), name)
        size = end
    else:
        fill_list(target, scratch.batch, kept)
    for rank in range(size):
        name = np.int64(names[rank])
        visited[name >> 3] &= ~(1 << (name & 7))
    visited[node >> 3] &= ~(1 << (node & 7))


def carry_links(
    space, graph, parts, old, old_levels, old_linked, renamed, pruning, scratch, begin, end, cancel
):
    """Write the lists of the old nodes `begin` to `end` under the names `renamed` gives them (-1: gone)."""
    scratch.visited[:] = 0
    for old_node in range(begin, end):
        if read_word(cancel) != 0:
            return STATUS_CANCELLED
        if renamed[old_node] >= 0:
            for level in range(old_levels[old_node] + 1):
                carry_list(
                    space, graph, parts, old, old_linked, renamed, pruning, scratch, np.int64(old_node), level
                )
    return STATUS_DONE


_NAMES = types.Array(types.int32, 1, "C", readonly=True, aligned=True)
_COUNTS = types.Array(types.uint8, 1, "C", readonly=True, aligned=True)
_RANGE = (types.int64, types.int64, CANCEL)

KERNELS = {
    "choose_links": (
        choose_links,
        types.int64(SPACE, GROWING_GRAPH, LIST_PARTS, GROWTH, PRUNING, SCRATCH, *_RANGE),
    ),
    "link_back": (
        link_back,
        types.int64(SPACE, GROWING_GRAPH, LIST_PARTS, GROWTH, PRUNING, SCRATCH, *_RANGE),
    ),
    "carry_links": (
        carry_links,
        types.int64(
            SPACE, GROWING_GRAPH, LIST_PARTS, GRAPH, _NAMES, _COUNTS, _NAMES, PRUNING, SCRATCH, *_RANGE
        ),
    ),
}
