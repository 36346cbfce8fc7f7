"""Plans: a bound statement becomes a native plan where it can, a relational or data-changing one otherwise.

A plan may be cached and shared: it holds no segment, snapshot, setting or index. All of that is looked up by
`execute`. The relational half is imported on first use, so that a native statement never waits for DuckDB.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow as pa

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import SqlType
from planner import bound
from planner.execution import Execution, run_native
from planner.exists_lists import without_exists_lists
from planner.explain import Explain, explain_change, explain_native, summary_lines
from planner.native import native_node
from planner.nodes import Node
from planner.pulled_up import pulled_up, without_single_ctes
from planner.services import ExecutionContext
from planner.subqueries import has_subqueries, resolve_subqueries

if TYPE_CHECKING:
    from planner.relational import QueryNotes


class OutputColumn(NamedTuple):
    """A result column; `table_oid` and `attnum` are 0 for expressions."""

    name: str
    type: SqlType
    table_oid: int = 0
    attnum: int = 0


class Plan(Protocol):
    """What a statement will do, ready to be executed any number of times."""

    @property
    def columns(self) -> tuple[OutputColumn, ...] | None:
        """None for a data change without RETURNING."""

    def execute(self, context: ExecutionContext) -> Execution:
        """Start one run. Errors of the data come when its batches are pulled, or at once."""

    def explain(
        self,
        context: ExecutionContext,
        *,
        analyze: bool = False,
        verbose: bool = False,
        costs: bool = True,
        timing: bool = True,
        summary: bool | None = None,
    ) -> list[str]:
        """EXPLAIN's lines; with `analyze` the statement runs, writes included."""


@dataclass(frozen=True, slots=True)
class NativePlan:
    """Runs on Arrow columns and vecengine alone."""

    node: Node
    targets: tuple[bound.Target, ...]
    has_subqueries: bool = False

    @property
    def columns(self) -> tuple[OutputColumn, ...]:
        return target_columns(self.targets)

    def execute(self, context: ExecutionContext) -> Execution:
        return Execution(self._batches(context))

    def _batches(self, context: ExecutionContext) -> Iterator[pa.RecordBatch]:
        node, targets = self.node, self.targets
        if self.has_subqueries:
            plan = resolve_subqueries(self, context)
            node, targets = plan.node, plan.targets
        yield from run_native(node, [target.expression for target in targets], context)

    def explain(
        self,
        context: ExecutionContext,
        *,
        analyze: bool = False,
        verbose: bool = False,
        costs: bool = True,
        timing: bool = True,
        summary: bool | None = None,
    ) -> list[str]:
        request = Explain(context, analyze=analyze, verbose=verbose, costs=costs, timing=timing)
        return explain_native(self.node, self.targets, request, show_summary=_shown(summary, analyze))


@dataclass(frozen=True, slots=True)
class RelationalPlan:
    """Runs on DuckDB, over Arrow tables that islands and scans produce."""

    query: bound.Query
    notes: QueryNotes = field(compare=False, repr=False)

    @property
    def columns(self) -> tuple[OutputColumn, ...]:
        if isinstance(self.query, bound.Select):
            return target_columns(self.query.targets)
        return tuple(OutputColumn(c.name, c.type) for c in bound.output_columns(self.query))

    def execute(self, context: ExecutionContext) -> Execution:
        from planner.relational import run_query

        return Execution(run_query(self.query, context, notes=self.notes))

    def explain(
        self,
        context: ExecutionContext,
        *,
        analyze: bool = False,
        verbose: bool = False,
        costs: bool = True,
        timing: bool = True,
        summary: bool | None = None,
    ) -> list[str]:
        from planner.relational import explain_query

        started = time.perf_counter()
        explained = explain_query(self.query, context, costs=costs, analyze=analyze, timing=timing)
        lines = explained.lines
        if explained.rows is not None:
            lines.append(f"  Rows: {explained.rows}")
        executed = explained.seconds if analyze else None
        planned = time.perf_counter() - started - (executed or 0.0)
        return lines + summary_lines(_shown(summary, analyze), planned, executed)


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """INSERT, UPDATE, DELETE or MERGE. `is_constant`: it inserts a VALUES list that needs no executor."""

    statement: bound.Insert | bound.Update | bound.Delete | bound.Merge
    is_constant: bool = False

    @property
    def columns(self) -> tuple[OutputColumn, ...] | None:
        if isinstance(self.statement, bound.Merge) or not self.statement.returning:
            return None
        return target_columns(self.statement.returning)

    def execute(self, context: ExecutionContext) -> Execution:
        from planner import dml

        match self.statement:
            case bound.Insert():
                result = dml.run_insert(self.statement, context, is_constant=self.is_constant)
            case bound.Update():
                result = dml.run_update(self.statement, context)
            case bound.Delete():
                result = dml.run_delete(self.statement, context)
            case bound.Merge():
                result = dml.run_merge(self.statement, context)
        return ChangeExecution(iter(result.returning), result.row_count)

    def explain(
        self,
        context: ExecutionContext,
        *,
        analyze: bool = False,
        verbose: bool = False,
        costs: bool = True,
        timing: bool = True,
        summary: bool | None = None,
    ) -> list[str]:
        started = time.perf_counter()
        request = Explain(context, analyze=analyze, verbose=verbose, costs=costs, timing=timing)
        planned = time.perf_counter()
        affected = None
        if analyze:
            execution = self.execute(context)
            for _ in execution.batches():
                pass
            affected = execution.row_count
        lines = explain_change(self.statement, request, affected)
        elapsed = time.perf_counter() - planned if analyze else None
        return lines + summary_lines(_shown(summary, analyze), planned - started, elapsed)


class ChangeExecution(Execution):
    """The affected rows are counted by the change, not by what RETURNING shows."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            if batch.num_rows:
                yield batch


def plan_statement(statement: bound.BoundStatement) -> Plan:
    """Choose how to run a statement without row locks below its top; `plan_locking` is for the others.

    Raises:
        FeatureNotSupported: 0A000, by name.
    """
    if any(cte.change is not None for cte in statement.ctes):
        from planner.change_plans import ChangesPlan

        return ChangesPlan.of(statement)
    if any(isinstance(node, bound.TableScan) and node.reads_partitions for node in bound.walk(statement)):
        from planner.partitions.plan import PartitionedPlan

        return PartitionedPlan(statement)
    match statement:
        case bound.Select() if statement.locks:
            from planner.lock_plans import LockRowsPlan

            return LockRowsPlan(statement)
        case bound.Select() | bound.SetOperation() | bound.Values():
            query = without_single_ctes(statement)
            select = pulled_up(query) if isinstance(query, bound.Select) else None
            node = None if select is None else native_node(select)
            if select is None or node is None:
                return _relational(query)
            return NativePlan(node, select.targets, has_subqueries(select))
        case bound.Insert():
            from planner import dml

            return ChangePlan(statement, dml.has_constant_source(statement))
        case bound.Update() | bound.Delete() | bound.Merge():
            return ChangePlan(statement)
    raise FeatureNotSupported(f"{type(statement).__name__} is not supported")


def _relational(query: bound.Query) -> RelationalPlan:
    from planner.relational import QueryNotes, check_supported

    check_supported(query)
    query = without_exists_lists(query)
    return RelationalPlan(query, QueryNotes(query))


def target_columns(targets: tuple[bound.Target, ...]) -> tuple[OutputColumn, ...]:
    """The result columns of a select list."""
    return tuple(OutputColumn(t.name, t.expression.sql_type, t.table_oid, t.attnum) for t in targets)


def _shown(summary: bool | None, analyze: bool) -> bool:
    return analyze if summary is None else summary
