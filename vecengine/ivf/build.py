"""Builds an index of lists from nothing, or from an index over some of the rows.

1. Draw the training sample, 50 rows a list and at least 10,000 as pgvector does, and besides a few rows that measure.
2. Train the centroids, unless those of the source are taken over.
3. Assign the rows that have no list yet to their nearest centroids.
4. Order the rows by list, and where lists hold codes encode them; an extension keeps the codes of rows that stay.
5. Measure the recall curve with the rows kept out of the sample.

The result is the same every time, whatever the number of threads.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vecengine.arrays import check_cancel
from vecengine.compiled import await_kernels
from vecengine.coverage import Coverage, Offsets, choose_rows, square_norms
from vecengine.family import ASSIGNING, LOADING, TRAINING, BuildHooks
from vecengine.ivf.centroids import Assigner, Centroids, Lists, list_centroids
from vecengine.ivf.codes import ListCodes, Moves, encode_lists, moved_codes
from vecengine.ivf.curve import empty_curve
from vecengine.ivf.index import ListIndex, Training
from vecengine.ivf.kinds import ListKind
from vecengine.ivf.lists import ListArrays, arranged_lists
from vecengine.ivf.measuring import measured
from vecengine.ivf.parameters import ListParameters
from vecengine.metrics import Metric, Vectors

RETRAIN_SHARE = 0.2
"""Of the rows the centroids were trained over: when more have come or gone since, the index is built anew."""

_MEASURED_ROWS_MIN = 500
_QUERIES = 256
_CURVE_KEPT_SHARE = 0.1
"""Rows that came and went since the curve was measured, beyond which it is measured again."""

_ASSIGN_BLOCK_ROWS = 16_384
_SEED = 20180406


def build_lists(
    kind: ListKind,
    vectors: Vectors,
    metric: Metric,
    offsets: Offsets | None,
    parameters: ListParameters,
    *,
    hooks: BuildHooks,
) -> ListIndex:
    """Train, assign and measure. Waits for the kernels; without them the measuring is slow.

    Raises:
        QueryCanceled: 57014.
    """
    await_kernels(hooks.cancel)
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    rng = np.random.default_rng(_SEED)
    queries, samples = _drawn(rng, coverage, parameters)
    rows = coverage.row_offsets()
    hooks.begin(TRAINING)
    centroids = list_centroids(metric, vectors[samples], parameters.lists, rng, hooks)
    hooks.begin(ASSIGNING)
    with Assigner(metric, threads=hooks.threads, cancel=hooks.cancel) as assigner:
        assigned = _assigned(assigner, vectors, rows, centroids, hooks)
    hooks.begin(LOADING)
    lists = _arranged(vectors, metric, centroids, rows, assigned)
    codes = None
    if kind.codes is not None:
        codes = encode_lists(kind.codes, metric, vectors, lists, parameters, hooks=hooks)
    index = ListIndex(
        kind,
        vectors,
        metric,
        coverage,
        lists=lists,
        parameters=parameters,
        training=Training(coverage.row_count),
        curve=empty_curve(),
        codes=codes,
    )
    index.curve = measured(index, queries, hooks.cancel)
    return index


def extend_lists(
    source: ListIndex,
    moved_to: npt.NDArray[np.int64],
    vectors: Vectors,
    offsets: Offsets | None,
    hooks: BuildHooks,
) -> ListIndex:
    """An index over `vectors`, of which `source` has some in its lists already; see `vecengine.extend_index`.

    Raises:
        QueryCanceled: 57014.
    """
    await_kernels(hooks.cancel)
    metric = source.metric_kind
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    list_of = np.full(vectors.shape[0] + 1, -1, dtype=np.int32)
    old_rows, old_lists = source.lists.assignment()
    list_of[moved_to[old_rows]] = old_lists
    rows = coverage.row_offsets()
    assigned = list_of[rows]
    missing = np.flatnonzero(assigned < 0)
    gone = old_rows.size - (rows.size - missing.size)
    training = replace(source.training, changed_rows=source.training.changed_rows + missing.size + gone)
    if training.changed_rows > RETRAIN_SHARE * training.rows:
        return build_lists(source.kind, vectors, metric, offsets, source.parameters, hooks=hooks)
    centroids = source.lists.centroids
    with Assigner(metric, threads=hooks.threads, cancel=hooks.cancel) as assigner:
        hooks.begin(ASSIGNING)
        assigned[missing] = _assigned(assigner, vectors, rows[missing], centroids, hooks)
    hooks.begin(LOADING)
    lists = _arranged(vectors, metric, centroids, rows, assigned)
    codes = _extended_codes(source, vectors, lists, assigned, moved_to, hooks=hooks)
    index = ListIndex(
        source.kind,
        vectors,
        metric,
        coverage,
        lists=lists,
        parameters=source.parameters,
        training=training,
        curve=source.curve,
        codes=codes,
    )
    # A curve ends at the last list, so it belongs to one number of lists.
    if missing.size + gone > _CURVE_KEPT_SHARE * rows.size or lists.list_count != source.lists.list_count:
        queries, _ = _drawn(np.random.default_rng(_SEED), coverage, source.parameters)
        index.curve = measured(index, queries, hooks.cancel)
    return index


def _extended_codes(
    source: ListIndex,
    vectors: Vectors,
    lists: ListArrays,
    assigned: Lists,
    moved_to: Offsets,
    *,
    hooks: BuildHooks,
) -> ListCodes | None:
    """Codes of lists over the source's centroids; `assigned` (n,) the source's list of each row, by ascending row."""
    if source.kind.codes is None:
        return None
    if source.codes is None or lists.rows.size == 0:
        return encode_lists(
            source.kind.codes, source.metric_kind, vectors, lists, source.parameters, hooks=hooks
        )
    came_from = np.full(vectors.shape[0] + 1, -1, dtype=np.int64)
    came_from[moved_to[source.lists.rows]] = np.arange(source.lists.rows.size)
    # Rows that are gone have written there.
    came_from[-1] = -1
    moves = Moves(np.unique(assigned), came_from[lists.rows])
    return moved_codes(source.codes, vectors, lists, moves, hooks)


def _drawn(
    rng: np.random.Generator, coverage: Coverage, parameters: ListParameters
) -> tuple[Offsets, Offsets]:
    """Ascending row offsets: those to measure with, none where rows are few, and others to train with."""
    rows = coverage.row_offsets()
    query_count = min(_QUERIES, rows.size // 4) if rows.size >= _MEASURED_ROWS_MIN else 0
    wanted = query_count + parameters.sample_rows
    drawn = rng.choice(rows.size, min(wanted, rows.size), replace=False)
    # Rows that measure train as well where there is not a row for every list without them.
    first = query_count if drawn.size - query_count >= parameters.lists else 0
    return np.sort(rows[drawn[:query_count]]), np.sort(rows[drawn[first:]])


def _assigned(
    assigner: Assigner, vectors: Vectors, rows: Offsets, centroids: Centroids, hooks: BuildHooks
) -> Lists:
    """The list of each row, by blocks, between which progress is told."""
    assigned = np.empty(rows.size, dtype=np.int32)
    for begin in range(0, rows.size, _ASSIGN_BLOCK_ROWS):
        check_cancel(hooks.cancel)
        block = rows[begin : begin + _ASSIGN_BLOCK_ROWS]
        assigned[begin : begin + block.size], _ = assigner.assign(vectors, block, centroids)
        if hooks.progress is not None:
            hooks.progress(begin + block.size, rows.size)
    return assigned


def _arranged(
    vectors: Vectors, metric: Metric, centroids: Centroids, rows: Offsets, assigned: Lists
) -> ListArrays:
    norms = square_norms(vectors) if metric is Metric.COSINE else None
    return arranged_lists(centroids, rows, assigned, norms)
