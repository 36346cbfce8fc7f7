"""Builds an `ivfflat` index from nothing, or from an index over some of the rows.

1. Draw the training sample, 50 rows a list and at least 10,000 as pgvector does, and besides a few rows that measure.
2. Train the centroids, unless those of the source are taken over.
3. Assign the rows that have no list yet to their nearest centroids.
4. Order the rows by list and measure the recall curve with the rows kept out of the sample.

The result is the same every time, whatever the number of threads.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from foundation.bitset import bits_from_mask
from vecengine.arrays import CancelWord, check_cancel, queries_from
from vecengine.compiled import await_kernels
from vecengine.coverage import Coverage, Offsets, choose_rows, square_norms
from vecengine.exact import exact_keys
from vecengine.family import ASSIGNING, LOADING, TRAINING, BuildHooks
from vecengine.formulas import formula_keys
from vecengine.ivf_flat.centroids import (
    Assigner,
    Centroids,
    Lists,
    as_centroids,
    as_numbers,
    train_centroids,
)
from vecengine.ivf_flat.curve import RECALL_AT, ProbeCurve, empty_curve, measured_curve
from vecengine.ivf_flat.index import IvfFlatIndex, Training
from vecengine.ivf_flat.lists import ListArrays, arranged_lists
from vecengine.ivf_flat.parameters import IvfFlatParameters
from vecengine.metrics import Metric, Vectors

RETRAIN_SHARE = 0.2
"""Of the rows the centroids were trained over: when more have come or gone since, the index is built anew."""

_MEASURED_ROWS_MIN = 500
_QUERIES = 256
_CURVE_KEPT_SHARE = 0.1
"""Rows that came and went since the curve was measured, beyond which it is measured again."""

_ASSIGN_BLOCK_ROWS = 16_384
_SEED = 20180406


def build_ivf_flat(
    vectors: Vectors,
    metric: Metric,
    offsets: Offsets | None,
    parameters: IvfFlatParameters,
    hooks: BuildHooks,
) -> IvfFlatIndex:
    """Train, assign and measure. Waits for the kernels; without them the measuring is slow.

    Raises:
        QueryCanceled: 57014.
    """
    await_kernels(hooks.cancel)
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    rng = np.random.default_rng(_SEED)
    queries, samples = _drawn(rng, coverage, parameters)
    rows = coverage.row_offsets()
    with Assigner(metric, threads=hooks.threads, cancel=hooks.cancel) as assigner:
        hooks.begin(TRAINING)
        training = as_numbers(vectors[samples])
        centroids = as_centroids(metric, train_centroids(assigner, training, parameters.lists, rng))
        del training
        hooks.begin(ASSIGNING)
        assigned = _assigned(assigner, vectors, rows, centroids, hooks)
    hooks.begin(LOADING)
    lists = _arranged(vectors, metric, centroids, rows, assigned)
    curve = _measured(vectors, metric, coverage, lists, queries=queries, cancel=hooks.cancel)
    return IvfFlatIndex(
        vectors, metric, coverage, lists, parameters, training=Training(coverage.row_count), curve=curve
    )


def extend_ivf_flat(
    source: IvfFlatIndex,
    moved_to: npt.NDArray[np.int64],
    vectors: Vectors,
    offsets: Offsets | None,
    hooks: BuildHooks,
) -> IvfFlatIndex:
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
        return build_ivf_flat(vectors, metric, offsets, source.parameters, hooks)
    centroids = source.lists.centroids
    with Assigner(metric, threads=hooks.threads, cancel=hooks.cancel) as assigner:
        hooks.begin(ASSIGNING)
        assigned[missing] = _assigned(assigner, vectors, rows[missing], centroids, hooks)
    hooks.begin(LOADING)
    lists = _arranged(vectors, metric, centroids, rows, assigned)
    curve = source.curve
    # A curve ends at the last list, so it belongs to one number of lists.
    if missing.size + gone > _CURVE_KEPT_SHARE * rows.size or lists.list_count != source.lists.list_count:
        queries, _ = _drawn(np.random.default_rng(_SEED), coverage, source.parameters)
        curve = _measured(vectors, metric, coverage, lists, queries=queries, cancel=hooks.cancel)
    return IvfFlatIndex(vectors, metric, coverage, lists, source.parameters, training=training, curve=curve)


def _drawn(
    rng: np.random.Generator, coverage: Coverage, parameters: IvfFlatParameters
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


def _measured(
    vectors: Vectors,
    metric: Metric,
    coverage: Coverage,
    lists: ListArrays,
    *,
    queries: Offsets,
    cancel: CancelWord | None,
) -> ProbeCurve:
    """Search exactly for rows among the others: in which lists are their neighbours?"""
    if queries.size == 0:
        return empty_curve()
    others = np.zeros(coverage.vector_rows, dtype=np.bool_)
    others[coverage.row_offsets()] = True
    others[queries] = False
    width = min(max(RECALL_AT), coverage.row_count - queries.size)
    asked = queries_from(vectors[queries])
    _, neighbours, _ = exact_keys(metric, vectors, asked, width, bits_from_mask(others), cancel=cancel)
    rows, list_of_row = lists.assignment()
    list_of = np.zeros(coverage.vector_rows, dtype=np.int64)
    list_of[rows] = list_of_row
    ranking = Metric(lists.centre_space(metric)[0])
    keys = np.stack([formula_keys(ranking, lists.centroids, query) for query in asked])
    return measured_curve(lists.sizes(), np.argsort(keys, axis=1, kind="stable"), list_of[neighbours])
