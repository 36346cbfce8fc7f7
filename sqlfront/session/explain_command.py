"""EXPLAIN [ANALYZE] of a query or data change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import SqlType
from planner.explained_formats import formatted_plan
from sqlfront.parser import (
    CreateMaterializedViewStatement,
    CreateTableAsStatement,
    ExplainStatement,
    RefreshMaterializedViewStatement,
)
from sqlfront.session.command_shape import explained_columns, query_inside
from sqlfront.session.create_table_as import run_create_table_as
from sqlfront.session.materialized_views import run_create_materialized_view
from sqlfront.session.outcome import Outcome, text_rows

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def run_explain(
    session: LocalSession, node: ExplainStatement, types: Sequence[SqlType], parameters: Sequence[Any]
) -> Outcome:
    """One text row a line of the plan, one row in another format; ANALYZE runs the statement for real, writes included.

    Args:
        types: of the query's parameters, as they were told to the client.

    Raises:
        FeatureNotSupported: 0A000, a statement that has no plan.
    """
    if isinstance(node.inner, RefreshMaterializedViewStatement):
        if node.format != "text":
            return _formatted((), node.format)
        return text_rows(("QUERY PLAN",), [("Utility statements have no plan structure",)], "EXPLAIN")
    query = query_inside(node)
    if query is None:
        raise FeatureNotSupported("EXPLAIN of this statement is not supported")
    statement = session.prepare_nested(query, [sql_type.oid for sql_type in types] or None)
    transaction = session.open_transaction_for(statement)
    assert statement.cached is not None
    entry = statement.cached
    if node.analyze and entry.kind.value != "SELECT":
        session.block.check_writable(entry.kind.value)
    entry.check_allowed()
    if node.analyze:
        entry.check_executable()
    creates = isinstance(node.inner, CreateTableAsStatement)
    lines = entry.plan.explain(
        session.execution_context(transaction, parameters),
        # Rows for a new table are made once, by the statement that keeps them.
        analyze=node.analyze and not creates,
        verbose=node.verbose,
        costs=node.costs,
        timing=node.timing is not False,
        summary=node.analyze and not creates if node.summary is None else node.summary,
    )
    if node.analyze and isinstance(node.inner, CreateTableAsStatement):
        what = "Table As"
        if isinstance(node.inner, CreateMaterializedViewStatement):
            what = "Materialized View"
            outcome = run_create_materialized_view(session, node.inner, types, parameters)
        else:
            outcome = run_create_table_as(session, node.inner, types, parameters)
        if node.format == "text":
            lines = [f"Create {what} (actual: {outcome.final_tag()})", *(f"  {line}" for line in lines)]
    if node.format != "text":
        return _formatted(lines, node.format)
    return text_rows(("QUERY PLAN",), [(line,) for line in lines], "EXPLAIN")


def _formatted(lines: Sequence[str], format: str) -> Outcome:
    """One row with the plan."""
    batch = pa.record_batch([pa.array([formatted_plan(lines, format)], pa.utf8())], names=["QUERY PLAN"])
    return Outcome("EXPLAIN", explained_columns(format), iter([batch]))
