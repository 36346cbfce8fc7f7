"""Builds a `sparse_inverted` index from nothing, or from an index over some of the rows.

1. Make the postings of each block of rows, on as many threads as are given; an extension takes over the blocks whose rows
   are the same and in the same places, so rows that were appended cost the last block and theirs.
2. Search for a few rows among the others, by all weights and by shares of them: the recall curve.

The result is the same every time, whatever the number of threads. Working memory is some 80 bytes an element of the blocks that are made
at a time, and the postings once more while they are joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foundation.bitset import bits_from_mask
from vecengine.arrays import NO_CANCEL, check_cancel
from vecengine.build_threads import build_threads
from vecengine.compiled import await_kernels, kernels
from vecengine.coverage import Coverage, Offsets, choose_rows, square_norms
from vecengine.exact import Keys, exact_keys, raise_for_status
from vecengine.family import LOADING, BuildHooks
from vecengine.hnsw.calibrate import recall_less_error
from vecengine.hnsw.curve import RECALL_AT, RecallCurve, empty_curve
from vecengine.metrics import Metric
from vecengine.sparse_inverted.index import SparseInvertedIndex
from vecengine.sparse_inverted.parameters import WHOLE_QUERY, SparseInvertedParameters
from vecengine.sparse_inverted.postings import PostingArrays, block_postings, joined_postings
from vecengine.sparse_inverted.search import PostingRequest, heaviest_elements, run_search
from vecengine.stored_vectors import SparseVectors

_MEASURED_ROWS_MIN = 500
_QUERIES = 64
_SHARES = (100, 200, 300, 400, 500, 600, 700, 800, 900, WHOLE_QUERY)
_CURVE_KEPT_SHARE = 0.1
"""Rows that came and went since the curve was measured, beyond which it is measured again."""

_SEED = 20180406

Blocks = Mapping[int, PostingArrays]
"""Blocks that are there already, by their numbers."""


def build_sparse_inverted(
    vectors: SparseVectors,
    metric: Metric,
    offsets: Offsets | None,
    parameters: SparseInvertedParameters,
    hooks: BuildHooks,
) -> SparseInvertedIndex:
    """An index over the rows at some offsets. Waits for the kernels; without them there is no curve.

    Raises:
        QueryCanceled: 57014.
    """
    await_kernels(hooks.cancel)
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    draft = _Draft(vectors, metric, coverage, parameters)
    return draft.finished(hooks, known={}, curve=None)


def extend_sparse_inverted(
    source: SparseInvertedIndex,
    moved_to: npt.NDArray[np.int64],
    vectors: SparseVectors,
    offsets: Offsets | None,
    hooks: BuildHooks,
) -> SparseInvertedIndex:
    """An index over `vectors`, of which `source` has some in its blocks; see `vecengine.extend_index`.

    Raises:
        QueryCanceled: 57014.
    """
    await_kernels(hooks.cancel)
    metric = source.metric_kind
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    draft = _Draft(vectors, metric, coverage, source.parameters)
    rows, stayed = coverage.row_offsets(), moved_to[source.coverage.row_offsets()]
    known = {
        number: source.postings.block(number)
        for number in range(source.postings.block_count)
        if np.array_equal(draft.rows_of(rows, number), draft.rows_of(stayed, number))
    }
    changed = rows.size + stayed.size - 2 * np.intersect1d(rows, stayed).size
    curve = source.curve if changed <= _CURVE_KEPT_SHARE * rows.size else None
    return draft.finished(hooks, known=known, curve=curve)


@dataclass(frozen=True)
class _Draft:
    """What an index is to be of."""

    vectors: SparseVectors
    metric: Metric
    coverage: Coverage
    parameters: SparseInvertedParameters

    def rows_of(self, rows: Offsets, number: int) -> Offsets:
        """Those of a block."""
        size = self.parameters.block_rows
        return rows[number * size : (number + 1) * size]

    def finished(self, hooks: BuildHooks, *, known: Blocks, curve: RecallCurve | None) -> SparseInvertedIndex:
        """The index, with the blocks that are known and, if there is one, the curve."""
        hooks.begin(LOADING)
        norms = np.zeros(0, dtype=np.float32)
        if self.metric is not Metric.IP:
            norms = square_norms(self.vectors, hooks.cancel)[self.coverage.row_offsets()]
        index = SparseInvertedIndex(
            self.vectors,
            self.metric,
            self.coverage,
            self._postings(hooks, known),
            self.parameters,
            norms=norms,
            curve=empty_curve() if curve is None else curve,
        )
        if curve is None:
            index.curve = _measured(index, self.vectors, hooks)
        return index

    def _postings(self, hooks: BuildHooks, known: Blocks) -> PostingArrays:
        rows = self.coverage.row_offsets()
        size = self.parameters.block_rows
        numbers = range(-(-rows.size // size))

        def make(number: int) -> PostingArrays:
            check_cancel(hooks.cancel)
            if number in known:
                return known[number]
            block = self.vectors[self.rows_of(rows, number)]
            return block_postings(block, self.parameters.drop_percent)

        parts: list[PostingArrays] = []
        with build_threads(hooks.threads, "quiver-postings") as pool:
            for part in pool.map(make, numbers):
                parts.append(part)
                if hooks.progress is not None:
                    hooks.progress(min(len(parts) * size, rows.size), rows.size)
        return joined_postings(parts)


def _measured(index: SparseInvertedIndex, vectors: SparseVectors, hooks: BuildHooks) -> RecallCurve:
    """Search for some rows among the others by shares of their weight, and exactly."""
    compiled = kernels()
    rows = index.coverage.row_offsets()
    if compiled is None or rows.size < _MEASURED_ROWS_MIN:
        return empty_curve()
    drawn = np.sort(np.random.default_rng(_SEED).choice(rows, _QUERIES, replace=False))
    others = np.zeros(index.vector_rows, dtype=np.bool_)
    others[rows] = True
    others[drawn] = False
    bits = bits_from_mask(others)
    queries = vectors[drawn].queries()
    word = NO_CANCEL if hooks.cancel is None else hooks.cancel

    def found_keys(share: int) -> Keys:
        listed = heaviest_elements(queries, share)
        request = PostingRequest(queries, listed, max(RECALL_AT), index.is_whole(share), bits)
        answer = run_search(compiled, index.target, request, word)
        raise_for_status(answer.status, word)
        return answer.keys

    if index.is_whole(WHOLE_QUERY):
        truth = found_keys(WHOLE_QUERY)
    else:
        truth, _, _ = exact_keys(index.metric_kind, vectors, queries, max(RECALL_AT), bits, cancel=word)
    recall = np.empty((1, len(RECALL_AT), len(_SHARES)))
    for position, share in enumerate(_SHARES):
        keys = found_keys(share)
        recall[0, :, position] = [recall_less_error(keys[:, :k], truth[:, :k]) for k in RECALL_AT]
    shares = np.asarray(_SHARES, dtype=np.float64)
    return RecallCurve(
        shares,
        np.ones(1),
        # Rounded to what was measured, so that the curve is the same once stored as text.
        np.asarray(np.round(np.maximum.accumulate(recall, axis=2), 5), dtype=np.float64),
        np.round(index.cost() * shares[None, :] / WHOLE_QUERY, 1).clip(0.1),
    )
