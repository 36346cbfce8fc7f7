"""Whether stored buffers are the index that somebody thinks they are: the engine's part of a data check.

Loading refuses what no search may follow; here every statement of the buffers is compared with its source. Links have
none: a graph with wrong neighbours finds less, never something wrong, and recall is measured elsewhere. Lists have one:
each row belongs to its nearest centroid, and a sparse vector's elements are in the lists of their dimensions. So do leaves of trees: planes lead each row to one. Codes have one: their
book makes them of the vectors, whose codes are made anew and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from vecengine.annoy.forest import TreeArrays
from vecengine.annoy.index import AnnoyIndex
from vecengine.arrays import queries_from
from vecengine.code_checking import Mask, Originals, are_own_codes
from vecengine.coverage import Offsets, choose_rows, square_norms
from vecengine.diskann.index import DiskannIndex
from vecengine.element_types import Numbers
from vecengine.families import load_index
from vecengine.flat import FlatIndex
from vecengine.formulas import formula_pair_keys
from vecengine.hnsw.codes import IntegerCodes, NumberCodes
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.table_codes import TableCodes
from vecengine.index import Buffers, VectorIndex
from vecengine.ivf.centroids import Assigner
from vecengine.ivf.codes import ListCodes, code_centres
from vecengine.ivf.index import ListIndex
from vecengine.ivf.lists import ListArrays
from vecengine.metrics import Float32s, Metric, Vectors, parse_metric
from vecengine.sparse_inverted.index import SparseInvertedIndex
from vecengine.sparse_inverted.postings import block_postings
from vecengine.stored_vectors import SparseVectors, StoredVectors

_NORM_TOLERANCE = 1e-4
"""Relative: kernels and NumPy sum in different orders."""

_NEAREST_TOLERANCE = 1e-3
"""Of the largest distance to a centroid: matrix products lose digits that the formula keeps."""

_BLOCK_ROWS = 16_384
_CODED_ROWS_MAX = 1 << 17
"""Encoding so many rows of 384 numbers anew takes seconds."""

_LED_ROWS_MAX = 2048
_MARGIN_TOLERANCE = 1e-4
"""Of the lengths of a row and of the way to the plane: products lose digits."""

_SEED = 20180406


def index_faults(
    buffers: Buffers,
    vectors: Vectors,
    offsets: Offsets | None,
    *,
    family: str,
    metric: str,
    parameters: Mapping[str, int],
) -> Iterator[str]:
    """What is wrong with the buffers of an index, one sentence each.

    Args:
        buffers: as stored.
        vectors: (n, d) what the index was built for.
        offsets: (m,) ascending int64, the rows it was to cover; None for all.
        family, metric, parameters: what it should be of.

    Raises:
        DamagedIndex: XX002, the buffers cannot be loaded for these vectors.
        IndexFormatNotSupported: 0A000, another version wrote them.
    """
    index = load_index(buffers, vectors)
    if (index.family, index.metric) != (family, metric):
        yield f"it is a {index.family} index for {index.metric}, expected {family} for {metric}"
        return
    if not isinstance(
        index, FlatIndex | HnswIndex | ListIndex | AnnoyIndex | DiskannIndex | SparseInvertedIndex
    ):
        return
    for name, value in parameters.items():
        found = getattr(index.parameters, name)
        if found != value:
            yield f"it was built with {name} = {found}, expected {value}"
    expected = choose_rows(parse_metric(metric), vectors, offsets).row_offsets()
    if not np.array_equal(index.coverage.row_offsets(), expected):
        yield f"it covers {index.row_count} rows, which are not the {expected.size} it should"
        return
    rows = expected
    norms = np.zeros(0, dtype=np.float32)
    if isinstance(index, ListIndex):
        yield from _list_faults(index, vectors)
        rows, norms = index.lists.rows, index.lists.norms
    elif isinstance(index, SparseInvertedIndex):
        yield from _posting_faults(index, vectors[expected])
        norms = index.norms
    elif isinstance(index, DiskannIndex):
        yield from _link_faults(index)
    elif isinstance(index, AnnoyIndex):
        yield from _leaf_faults(index, vectors)
        norms = index.norms
    elif not isinstance(index, FlatIndex):
        norms = index.graph.norms
    if norms.size and not np.allclose(norms, square_norms(vectors)[rows], rtol=_NORM_TOLERANCE, atol=0):
        yield "its norms are not those of the vectors"
    yield from _code_faults(index, vectors, rows)


def _code_faults(index: VectorIndex, vectors: Vectors, rows: Offsets) -> Iterator[str]:
    """Rows whose codes are not what their numbers become; of many, a sample that is the same each time."""
    are_own = _code_check(index)
    if are_own is None:
        return
    assert not isinstance(vectors, StoredVectors)
    places = np.arange(rows.size, dtype=np.int64)
    if places.size > _CODED_ROWS_MAX:
        places = np.sort(np.random.default_rng(_SEED).choice(rows.size, _CODED_ROWS_MAX, replace=False))
    foreign = 0
    for begin in range(0, places.size, _BLOCK_ROWS):
        block = places[begin : begin + _BLOCK_ROWS]
        foreign += int(np.count_nonzero(~are_own(vectors[rows[block]], block)))
    if foreign:
        yield f"the codes of {foreign} rows are not those of their vectors"


def _code_check(index: VectorIndex) -> Callable[[Numbers, Offsets], Mask] | None:
    """What tells of (n, d) numbers and (n,) places among the codes of an index whether these are theirs; None where it has no codes."""
    if isinstance(index, HnswIndex) and isinstance(index.codes, NumberCodes):
        stored = index.codes.numbers
        return lambda numbers, block: (stored[block] == numbers.astype(stored.dtype)).all(axis=1)
    if isinstance(index, HnswIndex) and isinstance(index.codes, IntegerCodes | TableCodes):
        book, codes = index.codes.book, index.codes.vectors
        return lambda numbers, block: are_own_codes(book, Originals(numbers), codes[block])
    if isinstance(index, DiskannIndex) and index.walked is not None:
        row_codes = index.walked.codes
        return lambda numbers, block: are_own_codes(
            row_codes.book, Originals(numbers), row_codes.vectors[block]
        )
    if isinstance(index, FlatIndex) and index.coded is not None:
        scanned = index.coded.codes
        return lambda numbers, block: are_own_codes(scanned.book, Originals(numbers), scanned.vectors[block])
    if isinstance(index, ListIndex) and index.codes is not None:
        return _list_code_check(index.lists, index.codes)
    return None


def _list_code_check(lists: ListArrays, codes: ListCodes) -> Callable[[Numbers, Offsets], Mask]:
    data = codes.data()
    centres = code_centres(lists, codes.scales) if codes.scales.size else None

    def are_own(numbers: Numbers, block: Offsets) -> Mask:
        rows = Originals(numbers, None if centres is None else centres.at(block))
        return are_own_codes(codes.book, rows, codes.book.wrap(data[block]))

    return are_own


def _link_faults(index: DiskannIndex) -> Iterator[str]:
    """Lists of links that no build makes, and a walk that its first node leads nowhere."""
    if index.walked is None:
        return
    nodes = index.walked.nodes
    malformed = 0
    for begin in range(0, len(nodes.links), _BLOCK_ROWS):
        links = nodes.links[begin : begin + _BLOCK_ROWS]
        is_link = links >= 0
        counts = is_link.sum(axis=1)
        own = np.arange(begin, begin + len(links))[:, None]
        ordered = np.sort(links, axis=1)
        is_repeated = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
        is_malformed = (is_link != (np.arange(links.shape[1]) < counts[:, None])).any(axis=1)
        is_malformed |= (links == own).any(axis=1) | is_repeated.any(axis=1)
        is_malformed |= nodes.linked[begin : begin + len(links)] > counts
        malformed += int(np.count_nonzero(is_malformed))
    if malformed:
        yield f"the links of {malformed} rows are no list of other rows, each once"
    if index.row_count > 1 and not (nodes.links[nodes.entry] >= 0).any():
        yield "the row where walks begin has no links"


def _leaf_faults(index: AnnoyIndex, vectors: Vectors) -> Iterator[str]:
    """Rows, of a sample that is the same each time, in other leaves than where the planes lead them.

    Under inner product planes divide rows by their lifts, too, which change with the longest row: nothing can be said.
    """
    if index.metric_kind is Metric.IP or isinstance(vectors, StoredVectors):
        return
    count = index.row_count
    nodes = np.random.default_rng(_SEED).choice(count, min(count, _LED_ROWS_MAX), replace=False)
    numbers = vectors[index.coverage.row_offsets()[nodes]].astype(np.float32)
    is_misled = np.zeros(nodes.size, dtype=np.bool_)
    for tree in index.forest.trees():
        is_misled |= _are_misled(tree, nodes, numbers)
    if is_misled.any():
        yield f"{np.count_nonzero(is_misled)} rows are not in the leaves that the planes lead to"


def _are_misled(tree: TreeArrays, nodes: Offsets, numbers: Float32s) -> Mask:
    """(m,) whether a node, of numbers (m, d), is on the other side of a plane than its leaf."""
    leaves = np.repeat(np.arange(tree.leaf_starts.size - 1), np.diff(tree.leaf_starts))
    leaf_of = np.empty(tree.leaf_nodes.size, dtype=np.int64)
    leaf_of[tree.leaf_nodes] = leaves
    # By child, leaves from the end: the split above it and the side it is on; -1 above the root.
    above = np.full(2 * tree.offsets.size + 1, -1, dtype=np.int64)
    side = np.zeros(above.size, dtype=np.int64)
    for number in (0, 1):
        above[tree.children[:, number]] = np.arange(tree.offsets.size)
        side[tree.children[:, number]] = number
    is_misled = np.zeros(nodes.size, dtype=np.bool_)
    sizes = np.linalg.norm(numbers, axis=1)
    child = ~leaf_of[nodes]
    while (going := np.flatnonzero(above[child] >= 0)).size:
        split = above[child[going]]
        with np.errstate(all="ignore"):
            offsets = tree.offsets[split]
            margins = np.einsum("ij,ij->i", numbers[going], tree.normals[split]) + offsets
            is_clear = np.abs(margins) > _MARGIN_TOLERANCE * (sizes[going] + np.abs(offsets))
        is_misled[going] |= is_clear & ((margins > 0) != (side[child[going]] == 1))
        child[going] = split
    return is_misled


def _posting_faults(index: SparseInvertedIndex, rows: Vectors) -> Iterator[str]:
    """Blocks of rows whose postings are not the elements of the rows."""
    assert isinstance(rows, SparseVectors)
    size, foreign = index.parameters.block_rows, 0
    for number in range(index.postings.block_count):
        block = rows[number * size : (number + 1) * size]
        expected = block_postings(block, index.parameters.drop_percent).to_buffers()
        found = index.postings.block(number).to_buffers()
        foreign += any(not np.array_equal(found[name], array) for name, array in expected.items())
    if foreign:
        yield f"the lists of {foreign} blocks of rows are not those of their vectors"


def _list_faults(index: ListIndex, vectors: Vectors) -> Iterator[str]:
    """Rows that are nearer to another centroid than to that of their list."""
    rows, lists = index.lists.assignment()
    centroids = index.lists.centroids
    misplaced = 0
    with Assigner(index.metric_kind) as assigner:
        for begin in range(0, rows.size, _BLOCK_ROWS):
            block = rows[begin : begin + _BLOCK_ROWS]
            _, nearest = assigner.assign(vectors, block, centroids)
            listed = queries_from(centroids[lists[begin : begin + _BLOCK_ROWS]])
            own = formula_pair_keys(assigner.metric, vectors[block], listed)
            is_misplaced = own > nearest + _NEAREST_TOLERANCE * np.abs(own).max()
            misplaced += int(np.count_nonzero(is_misplaced))
    if misplaced:
        yield f"{misplaced} rows are not in the list of their nearest centroid"
