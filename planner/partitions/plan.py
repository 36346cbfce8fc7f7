"""The plan of a statement over partitioned tables: which partitions it is about is found each time it runs.

A query becomes one over the partitions that its conditions leave (`expansion`) and is planned as such. UPDATE, DELETE and MERGE
find their rows in each leaf, and nothing is written before all are found (`planner.dml.partitioned_changes`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from planner import bound
from planner.execution import Execution
from planner.explain import Explain, explain_change
from planner.partitions.expansion import over_partitions, own_conditions, remaining_scans
from planner.planning import ChangeExecution, OutputColumn, target_columns
from planner.services import ExecutionContext

if TYPE_CHECKING:
    from planner.dml.result import DmlResult

_Change: TypeAlias = bound.Update | bound.Delete | bound.Merge


@dataclass(frozen=True, slots=True)
class PartitionedPlan:
    """Implements `planner.planning.Plan`."""

    statement: bound.BoundStatement

    @property
    def columns(self) -> tuple[OutputColumn, ...] | None:
        match self.statement:
            case bound.Merge():
                return None
            case bound.Insert() | bound.Update() | bound.Delete():
                return target_columns(self.statement.returning) if self.statement.returning else None
            case bound.Select():
                return target_columns(self.statement.targets)
        return tuple(
            OutputColumn(column.name, column.type) for column in bound.output_columns(self.statement)
        )

    def execute(self, context: ExecutionContext) -> Execution:
        from planner.lock_plans import plan_locking

        statement = self.statement
        if not _changes_partitions(statement):
            return plan_locking(_rest_over_partitions(statement, context)).execute(context)
        result = _run_change(_rest_over_partitions(statement, context), context)
        return ChangeExecution(iter(result.returning), result.row_count)

    def explain(self, context: ExecutionContext, *, analyze: bool = False, **options: Any) -> list[str]:
        from planner.lock_plans import plan_locking

        statement = self.statement
        if not _changes_partitions(statement):
            plan = plan_locking(_rest_over_partitions(statement, context))
            return plan.explain(context, analyze=analyze, **options)
        assert isinstance(statement, bound.Update | bound.Delete | bound.Merge)
        affected = None
        if analyze:
            execution = self.execute(context)
            for _ in execution.batches():
                pass
            affected = execution.row_count
        request = Explain(context, analyze=analyze, costs=options.get("costs", True))
        return explain_change(statement, request, affected)


def _run_change(statement: _Change, context: ExecutionContext) -> DmlResult:
    """A change of a partitioned table; what else the statement reads has been replaced."""
    from planner.dml import merge, partitioned_changes

    condition = statement.on if isinstance(statement, bound.Merge) else statement.where
    conditions = own_conditions(condition, statement.target.relation_id)
    scans = remaining_scans(statement.target, conditions, context)
    if isinstance(statement, bound.Merge):
        return merge.run_merge(statement, context, scans)
    if isinstance(statement, bound.Delete):
        deletes = [replace(statement, target=scan) for scan in scans]
        return partitioned_changes.run_delete(statement, deletes, context)
    return partitioned_changes.run_update(statement, [_of_leaf(statement, scan) for scan in scans], context)


def _of_leaf(statement: bound.Update, scan: bound.TableScan) -> bound.Update:
    moved = {
        column.attnum: below.attnum
        for column, below in zip(statement.target.columns, scan.columns, strict=True)
    }
    assignments = tuple((moved[attnum], value) for attnum, value in statement.assignments)
    return replace(statement, target=scan, assignments=assignments)


def _changes_partitions(statement: bound.BoundStatement) -> bool:
    is_change = isinstance(statement, bound.Update | bound.Delete | bound.Merge)
    return is_change and statement.target.reads_partitions  # type: ignore[union-attr]


def _rest_over_partitions(statement: Any, context: ExecutionContext) -> Any:
    """The statement with every partitioned table that it reads, not the one that it changes, replaced."""
    if not isinstance(statement, bound.Update | bound.Delete | bound.Merge):
        return over_partitions(statement, context)
    target = statement.target
    hidden = replace(statement, target=replace(target, reads_partitions=False))
    return replace(over_partitions(hidden, context), target=target)
