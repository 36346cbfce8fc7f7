"""Measures the recall curve of lists, with rows of the index as queries that see only the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, bits_from_mask
from vecengine.arrays import CancelWord, cancel_error, check_cancel, queries_from
from vecengine.compiled import kernels
from vecengine.coverage import Offsets
from vecengine.exact import STATUS_CANCELLED, exact_keys
from vecengine.formulas import formula_keys
from vecengine.ivf.curve import RECALL_AT, ProbeCurve, empty_curve, measured_curve
from vecengine.ivf.index import ListIndex
from vecengine.metrics import Float32s, Metric

_CODED_QUERIES = 64
"""How many queries measure what codes lose: each reads the codes of all rows."""


def measured(index: ListIndex, queries: Offsets, cancel: CancelWord | None) -> ProbeCurve:
    """The curve of an index: in which lists are the neighbours of some rows, and how many of them do codes find?

    Args:
        queries: (q,) row offsets, none where rows are too few to measure.

    Raises:
        QueryCanceled: 57014.
    """
    if queries.size == 0:
        return empty_curve()
    others = np.zeros(index.vector_rows, dtype=np.bool_)
    others[index.coverage.row_offsets()] = True
    others[queries] = False
    allowed = bits_from_mask(others)
    width = min(max(RECALL_AT), index.row_count - queries.size)
    asked = queries_from(index.vectors[queries])
    _, neighbours, _ = exact_keys(index.metric_kind, index.vectors, asked, width, allowed, cancel=cancel)
    rows, list_of_row = index.lists.assignment()
    list_of = np.zeros(index.vector_rows, dtype=np.int64)
    list_of[rows] = list_of_row
    ranking = Metric(index.lists.centre_space(index.metric_kind)[0])
    keys = np.stack([formula_keys(ranking, index.lists.centroids, query) for query in asked])
    curve = measured_curve(index.lists.sizes(), np.argsort(keys, axis=1, kind="stable"), list_of[neighbours])
    if index.codes is None or kernels() is None:
        return curve
    step = -(-queries.size // _CODED_QUERIES)
    return curve.with_codes(
        _found_shares(index, asked[::step], neighbours[::step], allowed, curve.recall_at[:-1], cancel=cancel)
    )


def _found_shares(
    index: ListIndex,
    queries: Float32s,
    neighbours: Offsets,
    allowed: Bitset,
    recall_at: npt.NDArray[np.float64],
    *,
    cancel: CancelWord | None,
) -> npt.NDArray[np.float64]:
    """(c,) share of the k true neighbours among the `refine_k` times k nearest by codes of all lists, for each k of `recall_at`."""
    widths = recall_at.astype(np.int64)
    shares = np.zeros((queries.shape[0], widths.size))
    for number in range(queries.shape[0]):
        check_cancel(cancel)
        answer = index.nearest_by_codes(queries[number : number + 1], int(widths[-1]), allowed, cancel)
        if answer.status == STATUS_CANCELLED and cancel is not None:
            raise cancel_error(cancel)
        for place, k in enumerate(widths.tolist()):
            near = answer.candidates[: index.parameters.refine_k * k]
            shares[number, place] = np.isin(neighbours[number, :k], near).mean()
    return np.asarray(shares.mean(axis=0))
