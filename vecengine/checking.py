"""Whether stored buffers are the index that somebody thinks they are: the engine's part of a data check.

Loading refuses what no search may follow; here every statement of the buffers is compared with its source. Links have
none: a graph with wrong neighbours finds less, never something wrong, and recall is measured elsewhere. Lists have one:
each row belongs to its nearest centroid, and a sparse vector's elements are in the lists of their dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from vecengine.annoy.index import AnnoyIndex
from vecengine.arrays import queries_from
from vecengine.codes import HEADER_BYTES
from vecengine.codes_product import ProductVectors
from vecengine.codes_rabitq import RabitqVectors
from vecengine.coverage import Offsets, choose_rows, square_norms
from vecengine.element_types import Numbers
from vecengine.families import load_index
from vecengine.formulas import formula_pair_keys
from vecengine.hnsw.codes import GraphCodes, IntegerCodes, NumberCodes
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.table_codes import TableCodes
from vecengine.index import Buffers
from vecengine.ivf.centroids import Assigner
from vecengine.ivf.index import ListIndex
from vecengine.metrics import Vectors, parse_metric
from vecengine.sparse_inverted.index import SparseInvertedIndex
from vecengine.sparse_inverted.postings import block_postings
from vecengine.stored_vectors import SparseVectors, StoredVectors

_NORM_TOLERANCE = 1e-4
"""Relative: kernels and NumPy sum in different orders."""

_CODE_TOLERANCE = 0.05
"""Relative: the norm of a row whose integers differ by one."""

_DIFFERING_SHARE = 0.02
"""Of a row's product codes or signs."""

_NEAREST_TOLERANCE = 1e-3
"""Of the largest distance to a centroid: matrix products lose digits that the formula keeps."""

_BLOCK_ROWS = 16_384


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
    if not isinstance(index, HnswIndex | ListIndex | AnnoyIndex | SparseInvertedIndex):
        return
    for name, value in parameters.items():
        found = getattr(index.parameters, name)
        if found != value:
            yield f"it was built with {name} = {found}, expected {value}"
    expected = choose_rows(parse_metric(metric), vectors, offsets).row_offsets()
    if not np.array_equal(index.coverage.row_offsets(), expected):
        yield f"it covers {index.row_count} rows, which are not the {expected.size} it should"
        return
    if isinstance(index, ListIndex):
        yield from _list_faults(index, vectors)
        rows, norms = index.lists.rows, index.lists.norms
    elif isinstance(index, SparseInvertedIndex):
        yield from _posting_faults(index, vectors[expected])
        rows, norms = expected, index.norms
    else:
        rows, norms = expected, index.norms if isinstance(index, AnnoyIndex) else index.graph.norms
    if norms.size and not np.allclose(norms, square_norms(vectors)[rows], rtol=_NORM_TOLERANCE, atol=0):
        yield "its norms are not those of the vectors"
    if isinstance(index, HnswIndex) and index.codes is not None:
        yield from _code_faults(index.codes, vectors, rows)


def _code_faults(codes: GraphCodes, vectors: Vectors, rows: Offsets) -> Iterator[str]:
    """Rows whose codes are not what their numbers become."""
    assert not isinstance(vectors, StoredVectors)
    foreign = 0
    for begin in range(0, rows.size, _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        numbers = vectors[rows[block]]
        if isinstance(codes, NumberCodes):
            is_own = (codes.numbers[block] == numbers.astype(codes.numbers.dtype)).all(axis=1)
        elif isinstance(codes, TableCodes):
            is_own = _are_own_tables(codes, numbers, block)
        else:
            assert isinstance(codes, IntegerCodes)
            is_own = _are_own_integers(codes, numbers, block)
        foreign += int(np.count_nonzero(~is_own))
    if foreign:
        yield f"the codes of {foreign} rows are not those of their vectors"


def _are_own_integers(codes: IntegerCodes, numbers: Numbers, block: slice) -> npt.NDArray[np.bool_]:
    """(n,) whether the codes at these places are what numbers (n, d) become."""
    expected, found = codes.book.encode(numbers), codes.vectors[block]
    # A sum in another order may round a number to the next integer.
    distance = np.abs(expected.integers().astype(np.int16) - found.integers())
    headers = np.isclose(expected.headers(), found.headers(), rtol=_CODE_TOLERANCE, atol=0)
    padding = found.bytes()[:, HEADER_BYTES + numbers.shape[1] :]
    return np.asarray((distance <= 1).all(axis=1) & headers.all(axis=1) & ~padding.any(axis=1))


def _are_own_tables(codes: TableCodes, numbers: Numbers, block: slice) -> npt.NDArray[np.bool_]:
    """(n,) whether the codes at these places are what numbers (n, d) become."""
    expected = codes.book.encode(numbers, np.arange(numbers.shape[0]))
    found = codes.vectors[block]
    if isinstance(expected, ProductVectors) and isinstance(found, ProductVectors):
        fields = expected.terms()[:, None], found.terms()[:, None]
        differing = expected.codes() != found.codes()
    else:
        assert isinstance(expected, RabitqVectors) and isinstance(found, RabitqVectors)
        fields = expected.headers(), found.headers()
        differing = expected.signs() != found.signs()
    # A sum in another order may make another of two words that are equally near the nearest, or turn the sign of what is about zero.
    is_near = np.isclose(*fields, rtol=_CODE_TOLERANCE, atol=0, equal_nan=True).all(axis=1)
    return np.asarray(is_near & (differing.mean(axis=1) <= _DIFFERING_SHARE))


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
