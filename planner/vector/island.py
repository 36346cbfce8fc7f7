"""Vector islands inside other queries: a sub-select or CTE that is a top-k of its own and runs natively."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from planner import bound
from planner.nodes import VectorTopK
from planner.pulled_up import pulled_up
from planner.services import ExecutionContext
from planner.subqueries import has_subqueries, resolve_subqueries


@dataclass(frozen=True, slots=True)
class SearchBatch:
    """How many searches like an island's ran as a batch, and in how many groups that share filter and plan."""

    query_count: int
    group_count: int

    def shown(self, *, analyze: bool) -> str:
        """As EXPLAIN says it."""
        if not analyze:
            return "Batched Search"
        groups = f" in {self.group_count} groups" if self.group_count > 1 else ""
        return f"Batched Search: {self.query_count} queries{groups}"


@dataclass(frozen=True, slots=True)
class IslandPlan:
    """A top-k that stands on its own. Its rows come in the order of its ORDER BY.

    `batch` is set on the first of several that were run at once.
    """

    node: VectorTopK
    targets: tuple[bound.Expression, ...]
    batch: SearchBatch | None = None

    def batches(self, context: ExecutionContext) -> Iterator[pa.RecordBatch]:
        """The island's rows, columns c0, c1, ... of `arrow_type` of the targets' types."""
        from planner.execution import run_native

        island = resolve_subqueries(self, context) if has_subqueries(self) else self
        return run_native(island.node, island.targets, context)

    def explain(self, context: ExecutionContext, *, costs: bool) -> list[str]:
        """The lines of EXPLAIN."""
        from planner.explain import Explain, explain_native

        targets = [bound.Target(target, "") for target in self.targets]
        return explain_native(self.node, targets, Explain(context, costs=costs), show_summary=False)


def try_island(query: bound.Query) -> IslandPlan | None:
    """The island a sub-query is; None when it is not a native top-k by distance or looks at an outer row."""
    from planner.native import native_node

    if not isinstance(query, bound.Select) or not query.order_by:
        return None
    select = pulled_up(query)
    node = native_node(select)
    if not isinstance(node, VectorTopK):
        return None
    return IslandPlan(node, tuple(target.expression for target in select.targets))
