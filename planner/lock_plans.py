"""Plans of statements that lock rows by SELECT ... FOR UPDATE, at the top or inside.

A locking SELECT inside another statement (a sub-query, a WITH item, a sub-query in FROM) runs first, once, and its
rows stand in its place: the rows that it returned are the rows it locked, however often the statement around it looks.
So `UPDATE jobs ... WHERE id = (SELECT id FROM jobs ... FOR UPDATE SKIP LOCKED LIMIT 1)` takes one job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from foundation.errors import FeatureNotSupported
from planner import bound
from planner.evaluate.coverage import is_uncorrelated
from planner.evaluate.rewriting import rewrite
from planner.execution import Execution
from planner.given_rows import rows_as_query
from planner.planning import OutputColumn, Plan, plan_statement, target_columns
from planner.services import ExecutionContext
from planner.subqueries import resolved_subquery


def plan_locking(statement: bound.BoundStatement) -> Plan:
    """The plan of a statement that has FOR UPDATE or its like somewhere."""
    without = _replaced(statement, lambda query: replace(query, locks=()))
    if without is not statement:
        return NestedLocksPlan(statement, plan_statement(without))
    return plan_statement(statement)


@dataclass(frozen=True, slots=True)
class LockRowsPlan:
    """A SELECT that locks the rows it returns."""

    select: bound.Select

    @property
    def columns(self) -> tuple[OutputColumn, ...]:
        return target_columns(self.select.targets)

    def execute(self, context: ExecutionContext) -> Execution:
        from planner.dml.select_locks import locked_batches

        return Execution(locked_batches(self.select, context))

    def explain(self, context: ExecutionContext, *, analyze: bool = False, **options: Any) -> list[str]:
        if analyze:
            for _ in self.execute(context).batches():
                pass
        inner = plan_statement(replace(self.select, locks=()))
        return ["LockRows", *_indented(inner.explain(context, analyze=analyze, **options))]


@dataclass(frozen=True, slots=True)
class NestedLocksPlan:
    """A statement around SELECTs that lock rows. `outline` is its plan without the locks, for columns and EXPLAIN."""

    statement: bound.BoundStatement
    outline: Plan

    @property
    def columns(self) -> tuple[OutputColumn, ...] | None:
        return self.outline.columns

    def execute(self, context: ExecutionContext) -> Execution:
        return plan_locking(_with_rows(self.statement, context)).execute(context)

    def explain(self, context: ExecutionContext, *, analyze: bool = False, **options: Any) -> list[str]:
        statement = _with_rows(self.statement, context) if analyze else None
        plan = self.outline if statement is None else plan_locking(statement)
        return ["LockRows of a sub-query", *_indented(plan.explain(context, analyze=analyze, **options))]


def _indented(lines: list[str]) -> list[str]:
    return [f"  ->  {line}" if number == 0 else f"      {line}" for number, line in enumerate(lines)]


def _replaced(statement: Any, change: Any) -> Any:
    """The statement with `change` of every locking SELECT in it that is not the statement itself."""

    def visit(node: Any) -> Any:
        if node is not statement and isinstance(node, bound.Select) and node.locks:
            return change(node)
        return None

    return rewrite(statement, visit)


def _with_rows(statement: bound.BoundStatement, context: ExecutionContext) -> Any:
    """The statement with its locking sub-queries run, each once, and replaced by their rows.

    Raises:
        FeatureNotSupported: 0A000, a locking sub-query refers to the query around it.
        CardinalityViolation: 21000, a scalar one returned several rows.
    """
    done: dict[int, Any] = {}

    def visit(node: Any) -> Any:
        if isinstance(node, bound.Subquery) and isinstance(node.query, bound.Select) and node.query.locks:
            _check_uncorrelated(node.query)
            if id(node) not in done:
                done[id(node)] = resolved_subquery(node, context)
            return done[id(node)]
        if node is not statement and isinstance(node, bound.Select) and node.locks:
            _check_uncorrelated(node)
            if id(node) not in done:
                done[id(node)] = rows_as_query(node, context)
            return done[id(node)]
        return None

    return rewrite(statement, visit)


def _check_uncorrelated(query: bound.Select) -> None:
    if not is_uncorrelated(query):
        name = query.locks[0].strength.name.replace("_", " ")
        raise FeatureNotSupported(
            f"FOR {name} in a sub-query that refers to the outer query is not supported"
        )
