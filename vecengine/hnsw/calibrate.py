"""Measures the recall curve of a graph that is nearly built, with the rows still missing from it as queries."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.bitset import and_bits, bits_from_mask
from vecengine.arrays import NO_CANCEL, CancelWord
from vecengine.compiled import KernelSet
from vecengine.coverage import Coverage
from vecengine.exact import Keys, exact_keys, raise_for_status
from vecengine.hnsw.curve import BEAMS, RECALL_AT, SELECTIVITIES, RecallCurve
from vecengine.hnsw.search import GraphRequest, GraphSpace, run_search
from vecengine.hnsw.strategy import graph_distance_cost
from vecengine.metrics import Metric, Vectors

ROWS_MIN = 500
"""A smaller index is scanned, so it needs no curve."""

_QUERIES = 256
_FILTERED_QUERIES = 96
_SEED = 20180406
_RECALL_ENOUGH = 0.9995


def held_out_count(row_count: int) -> int:
    """How many rows to keep out of a graph as its queries."""
    return min(_QUERIES, row_count // 4) if row_count >= ROWS_MIN else 0


def measure_curve(
    compiled: KernelSet,
    target: GraphSpace,
    vectors: Vectors,
    coverage: Coverage,
    rows: npt.NDArray[np.int64],
    *,
    cancel: CancelWord | None = None,
) -> RecallCurve:
    """Search for `rows`, which the graph does not cover, at every beam and selectivity; compare with exact search.

    Raises:
        QueryCanceled: 57014.
    """
    rng = np.random.default_rng(_SEED)
    recall = np.ones((len(SELECTIVITIES), len(RECALL_AT), len(BEAMS)))
    distances = np.ones((len(SELECTIVITIES), len(BEAMS)))
    for number, selectivity in enumerate(SELECTIVITIES):
        bits = None
        if selectivity < 1.0:
            rows = rows[:_FILTERED_QUERIES]
            bits = bits_from_mask(np.less(rng.random(vectors.shape[0]), selectivity))
        queries = np.ascontiguousarray(vectors[rows], dtype=np.float32)
        allowed_bits = and_bits(bits, coverage.bits)
        width = min(max(RECALL_AT), coverage.row_count)
        truth, _, _ = exact_keys(
            Metric(target.space[0]), vectors, queries, width, allowed_bits, cancel=cancel
        )
        for position, beam in enumerate(BEAMS):
            request = GraphRequest(queries, max(RECALL_AT), beam, bits)
            answer = run_search(compiled, target, request, cancel)
            raise_for_status(answer.status, NO_CANCEL if cancel is None else cancel)
            recall[number, :, position] = [
                _recall_less_error(answer.keys[:, :k], truth[:, :k]) for k in RECALL_AT
            ]
            distances[number, position] = answer.distances / rows.size
            # A beam dearer than the scan is never chosen, and a perfect one needs no wider one beside it.
            cost = graph_distance_cost(selectivity) * distances[number, position]
            is_dearer = cost > selectivity * coverage.row_count
            if is_dearer or recall[number, 1:, position].min() >= _RECALL_ENOUGH:
                recall[number, :, position:] = recall[number, :, position][:, None]
                # Unmeasured beams are never chosen; their cost only has to grow.
                growth = np.asarray(BEAMS[position:]) / beam
                distances[number, position:] = distances[number, position] * growth
                break
    return RecallCurve(
        np.asarray(BEAMS, dtype=np.float64),
        np.asarray(SELECTIVITIES),
        # Rounded to what was measured, so that the curve is the same once stored as text.
        np.asarray(np.round(np.maximum.accumulate(recall, axis=2), 5), dtype=np.float64),
        np.asarray(np.round(np.maximum.accumulate(distances, axis=1), 1), dtype=np.float64),
    )


def _recall_less_error(found: Keys, truth: Keys) -> float:
    """Mean recall by distance (ties count) over the queries, less one standard error."""
    matches = np.isfinite(truth).sum(axis=1)
    bound = np.where(np.isfinite(truth), truth, -np.inf).max(axis=1)
    hits = (found <= bound[:, None]).sum(axis=1)
    recall = np.minimum(hits, matches)[matches > 0] / matches[matches > 0]
    if recall.size == 0:
        return 1.0
    return float(recall.mean() - recall.std() / np.sqrt(recall.size))
