"""Plans of statements with data changes in WITH.

The changes run first, in their order and each once, and their RETURNING rows stand in their place. So does a query of WITH
that one of them reads: it runs once, too. All parts see the tables as they were before the statement: who scans one that
WITH changes gets the view that was taken of it first (`ExecutionContext.tables_before`). What foreign keys ask for is done
after all parts, as in PostgreSQL. The binder has made sure that no two parts change the same rows.
https://www.postgresql.org/docs/15/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from planner import bound
from planner.changed_tables import changed_tables
from planner.execution import Execution
from planner.given_rows import batches_as_query, rows_as_query
from planner.lock_plans import plan_locking
from planner.planning import ChangeExecution, OutputColumn, Plan, plan_statement
from planner.services import ExecutionContext
from storage import TableView


@dataclass(frozen=True, slots=True)
class ChangesPlan:
    """`outline` is the plan of the statement as if the changes returned nothing, for columns and EXPLAIN."""

    statement: bound.BoundStatement
    outline: Plan

    @classmethod
    def of(cls, statement: bound.BoundStatement) -> ChangesPlan:
        ctes = tuple(replace(cte, change=None) for cte in statement.ctes)
        return cls(statement, plan_locking(replace(statement, ctes=ctes)))

    @property
    def columns(self) -> tuple[OutputColumn, ...] | None:
        return self.outline.columns

    def execute(self, context: ExecutionContext) -> Execution:
        from planner.dml.result import atomically

        inner = replace(context, defers_checks=True, tables_before=_tables_before(self.statement, context))

        def run() -> Execution:
            execution = plan_locking(_with_rows(self.statement, inner)).execute(inner)
            batches = list(execution.batches())
            return ChangeExecution(iter(batches), execution.row_count)

        return atomically(context, run)

    def explain(self, context: ExecutionContext, *, analyze: bool = False, **options: Any) -> list[str]:
        if analyze:
            for _ in self.execute(context).batches():
                pass
        lines = self.outline.explain(context, analyze=False, **options)
        for cte in self.statement.ctes:
            if cte.change is not None:
                lines += [f"  CTE {cte.name}", f"    ->  {type(cte.change).__name__}"]
        return lines


def _tables_before(statement: bound.BoundStatement, context: ExecutionContext) -> dict[int, TableView]:
    """The tables that WITH changes, as they are now."""
    transaction = context.transaction
    changes = [cte.change for cte in statement.ctes if cte.change is not None]
    oids = {table.oid for change in changes for table in changed_tables(transaction.catalog, change)}
    return {oid: transaction.table_view(oid) for oid in oids}


def _with_rows(statement: bound.BoundStatement, context: ExecutionContext) -> bound.BoundStatement:
    """The statement with the changes of its WITH, and the queries of it that they read, run and replaced by their rows."""
    changes = [cte.change for cte in statement.ctes if cte.change is not None]
    read = {
        node.cte_id for change in changes for node in bound.walk(change) if isinstance(node, bound.CteScan)
    }
    given: tuple[bound.Cte, ...] = ()
    for cte in statement.ctes:
        if cte.change is not None:
            change = replace(cte.change, ctes=(*given, *cte.change.ctes))
            batches = list(plan_statement(change).execute(context).batches())
            cte = replace(cte, query=batches_as_query(batches, cte.columns), change=None)
        elif cte.cte_id in read:
            rows = rows_as_query(_query_of(cte, given), context)
            cte = replace(cte, query=rows, is_recursive=False)
        given = (*given, cte)
    return replace(statement, ctes=given)


def _query_of(cte: bound.Cte, earlier: tuple[bound.Cte, ...]) -> bound.Select:
    """SELECT * FROM the item, by itself."""
    targets = tuple(
        bound.Target(bound.ColumnRef(0, place, column.name, column.type), column.name)
        for place, column in enumerate(cte.columns)
    )
    return bound.Select(targets, bound.CteScan(0, cte.cte_id, cte.name, cte.columns), ctes=(*earlier, cte))
