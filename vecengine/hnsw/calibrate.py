"""Measures the recall curve of a graph that is nearly built, with the rows still missing from it as queries.

Wide beams are searched with fewer queries: a query costs in proportion to the beam, and its recall varies less as it
nears 1. Where nothing is clustered and every beam is measured (12,000 Gaussian rows of 384 dimensions) that is half the
distances; a curve of clustered rows ends at beams that all queries search.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, and_bits, bits_from_mask
from vecengine.arrays import NO_CANCEL, CancelWord, queries_from
from vecengine.build_threads import build_threads
from vecengine.coverage import Coverage
from vecengine.exact import Keys, exact_keys, raise_for_status
from vecengine.hnsw.curve import BEAMS, RECALL_AT, SELECTIVITIES, RecallCurve
from vecengine.hnsw.insertion import PARTS_PER_THREAD
from vecengine.hnsw.search import GraphAnswer, GraphRequest
from vecengine.metrics import Float32s, Metric, Vectors

ROWS_MIN = 500
"""A smaller index is scanned, so it needs no curve."""

_QUERIES = 256
_FILTERED_QUERIES = 96
_QUERIES_MIN = 64
_QUERY_BEAMS = 10_240
"""Queries times beam: up to beam 40 all are searched for, from beam 160 on the fewest."""
_SEED = 20180406
_RECALL_ENOUGH = 0.9995


class Walked(NamedTuple):
    """A graph that is to be measured.

    Attributes:
        metric: of its rows.
        walk: searches it for all queries of a request.
        distance_cost: time of a distance of a walk over one of a scan, for a filter of some selectivity.
        beams: to measure.
    """

    metric: Metric
    walk: Callable[[GraphRequest, CancelWord | None], GraphAnswer]
    distance_cost: Callable[[float], float]
    beams: tuple[int, ...] = BEAMS


def held_out_count(row_count: int) -> int:
    """How many rows to keep out of a graph as its queries."""
    return min(_QUERIES, row_count // 4) if row_count >= ROWS_MIN else 0


def measure_curve(
    walked: Walked,
    vectors: Vectors,
    coverage: Coverage,
    rows: npt.NDArray[np.int64],
    *,
    threads: int = 1,
    cancel: CancelWord | None = None,
) -> RecallCurve:
    """Search for `rows`, which the graph does not cover, at every beam and selectivity; compare with exact search.

    `threads` share the queries; the curve does not depend on their number.

    Raises:
        QueryCanceled: 57014.
    """
    rng = np.random.default_rng(_SEED)
    beams = walked.beams
    recall = np.ones((len(SELECTIVITIES), len(RECALL_AT), len(beams)))
    distances = np.ones((len(SELECTIVITIES), len(beams)))
    with build_threads(threads, "quiver-curve") as pool:
        trial = _Trial(walked, vectors, pool, threads, NO_CANCEL if cancel is None else cancel)
        for number, selectivity in enumerate(SELECTIVITIES):
            bits = None
            if selectivity < 1.0:
                rows = rows[:_FILTERED_QUERIES]
                bits = bits_from_mask(np.less(rng.random(vectors.shape[0]), selectivity))
            queries = queries_from(vectors[rows])
            width = min(max(RECALL_AT), coverage.row_count)
            truth = trial.true_keys(queries, width, and_bits(bits, coverage.bits))
            for position, beam in enumerate(beams):
                asked = queries[: max(_QUERIES_MIN, _QUERY_BEAMS // beam)]
                keys, computed = trial.found_keys(GraphRequest(asked, max(RECALL_AT), beam, bits))
                recall[number, :, position] = [
                    recall_less_error(keys[:, :k], truth[: len(asked), :k]) for k in RECALL_AT
                ]
                distances[number, position] = computed / len(asked)
                # A beam dearer than the scan is never chosen, and a perfect one needs no wider one beside it.
                cost = walked.distance_cost(selectivity) * distances[number, position]
                is_dearer = cost > selectivity * coverage.row_count
                if is_dearer or recall[number, 1:, position].min() >= _RECALL_ENOUGH:
                    recall[number, :, position:] = recall[number, :, position][:, None]
                    # Unmeasured beams are never chosen; their cost only has to grow.
                    growth = np.asarray(beams[position:]) / beam
                    distances[number, position:] = distances[number, position] * growth
                    break
    return RecallCurve(
        np.asarray(beams, dtype=np.float64),
        np.asarray(SELECTIVITIES),
        # Rounded to what was measured, so that the curve is the same once stored as text.
        np.asarray(np.round(np.maximum.accumulate(recall, axis=2), 5), dtype=np.float64),
        np.asarray(np.round(np.maximum.accumulate(distances, axis=1), 1), dtype=np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Trial:
    """Searches of the graph and of all rows, the queries shared by the threads of a pool."""

    walked: Walked
    vectors: Vectors
    pool: ThreadPoolExecutor
    threads: int
    cancel: CancelWord

    def true_keys(self, queries: Float32s, k: int, allowed_bits: Bitset | None) -> Keys:
        """(nq, k) keys of the nearest allowed rows."""

        def scan(part: Float32s) -> Keys:
            return exact_keys(self.walked.metric, self.vectors, part, k, allowed_bits, cancel=self.cancel)[0]

        return np.concatenate(list(self.pool.map(scan, self._parts(queries))))

    def found_keys(self, request: GraphRequest) -> tuple[Keys, int]:
        """(nq, k) keys that the graph finds, and the distances that took."""

        def search(part: Float32s) -> GraphAnswer:
            answer = self.walked.walk(request._replace(queries=part), self.cancel)
            raise_for_status(answer.status, self.cancel)
            return answer

        answers = list(self.pool.map(search, self._parts(request.queries)))
        return np.concatenate([answer.keys for answer in answers]), sum(a.distances for a in answers)

    def _parts(self, queries: Float32s) -> list[Float32s]:
        part_count = 1 if self.threads == 1 else PARTS_PER_THREAD * self.threads
        bounds = np.linspace(0, len(queries), part_count + 1).astype(int).tolist()
        return [queries[begin:end] for begin, end in pairwise(bounds) if begin < end]


def recall_less_error(found: Keys, truth: Keys) -> float:
    """Mean recall by distance (ties count) over the queries, less one standard error."""
    matches = np.isfinite(truth).sum(axis=1)
    bound = np.where(np.isfinite(truth), truth, -np.inf).max(axis=1)
    hits = (found <= bound[:, None]).sum(axis=1)
    recall = np.minimum(hits, matches)[matches > 0] / matches[matches > 0]
    if recall.size == 0:
        return 1.0
    return float(recall.mean() - recall.std() / np.sqrt(recall.size))
