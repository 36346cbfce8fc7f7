"""quiver_recall(): a query run as the session would run it, and again without an index.

Of a search the distances are compared, so that rows of one distance stand for each other; of any other query the rows,
as many times as each comes.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.settings import SettingValues
from planner import bound
from planner.execution import project, selection_frames
from planner.nodes import VectorTopK
from planner.planning import NativePlan, plan_statement
from planner.services import ExecutionContext
from planner.subqueries import resolve_subqueries
from planner.vector.topk import prepare_topk, search_topk

_ROUNDING = 1e-6
"""Distances that differ by less are one: an index may compute in another order."""


@dataclass(frozen=True, slots=True)
class RecallReport:
    """What was found. Counts of rows, times in milliseconds; distances computed are known of a search alone."""

    recall: float
    returned: int
    expected: int
    missing: int
    distances: int | None
    exact_distances: int | None
    search_ms: float
    exact_ms: float

    def as_row(self) -> tuple[Any, ...]:
        """The columns of the function's result, in their order."""
        return astuple(self)


@dataclass(frozen=True, slots=True)
class _Run:
    values: list[Any]
    """Sort keys in order, or rows."""
    distances: int | None
    seconds: float


def measure_recall(query: bound.Query, context: ExecutionContext) -> RecallReport:
    """Run a bound query without parameters twice, in the snapshot of the context.

    Raises:
        FeatureNotSupported: 0A000, what cannot be planned. QueryCanceled: 57014.
    """
    plan = plan_statement(query)
    exact_context = replace(context, settings=_without_index(context.settings))
    if isinstance(plan, NativePlan) and isinstance(plan.node, VectorTopK):
        node = resolve_subqueries(plan.node, context) if plan.has_subqueries else plan.node
        found, exact = _search(node, context), _search(node, exact_context)
        hits = _near_enough(found.values, exact.values, is_falling=node.sort_keys[0].is_descending)
    else:
        found, exact = _rows(query, context), _rows(query, exact_context)
        hits = (Counter(found.values) & Counter(exact.values)).total()
    expected = len(exact.values)
    return RecallReport(
        hits / expected if expected else 1.0, len(found.values), expected, expected - hits, found.distances,
        exact.distances, 1000 * found.seconds, 1000 * exact.seconds,
    )  # fmt: skip


def _without_index(settings: SettingValues) -> SettingValues:
    exact = SettingValues.restore(settings.export())
    exact.set("enable_indexscan", "off")
    return exact


def _search(node: VectorTopK, context: ExecutionContext) -> _Run:
    started = time.perf_counter()
    prepared = prepare_topk(node, context)
    rows = search_topk(prepared)
    seconds = time.perf_counter() - started
    keys = [
        batch.column(0)
        for batch in project(selection_frames(rows, node.scan), [node.sort_keys[0].expression], context)
    ]
    values = pa.concat_arrays(keys).to_pylist() if keys else []
    return _Run(
        values, sum(search.distance_count + search.reranked_count for search in prepared.searches), seconds
    )


def _rows(query: bound.Query, context: ExecutionContext) -> _Run:
    started = time.perf_counter()
    batches = list(plan_statement(query).execute(context).batches())
    seconds = time.perf_counter() - started
    rows = [repr(row) for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns))]
    return _Run(rows, None, seconds)


def _near_enough(found: list[Any], exact: list[Any], *, is_falling: bool) -> int:
    """How many rows of the answer belong there: those no farther than the last one of the exact answer."""
    ours, theirs = _ordered(found), _ordered(exact)
    unordered = min(len(found) - len(ours), len(exact) - len(theirs))
    if not len(theirs):
        return unordered
    if is_falling:
        ours, theirs = -ours, -theirs
    last = theirs.max()
    hits = int(np.count_nonzero(ours <= last + _ROUNDING * max(1.0, abs(last))))
    return min(hits, len(theirs)) + unordered


def _ordered(keys: list[Any]) -> npt.NDArray[np.float64]:
    """The keys that are numbers: not NULL, not NaN."""
    numbers = pa.array(keys, pa.float64()).drop_null()
    return np.asarray(numbers.filter(pc.invert(pc.is_nan(numbers))))
