"""The relational remainder on DuckDB: joins, aggregates, windows, CTEs, set operations, catalog queries.

`run_query` takes a bound query and yields Arrow batches of the query's PostgreSQL types.
"""

from planner.relational.engine import EngineOptions, configure, shutdown
from planner.relational.execution import printed_sql, run_query
from planner.relational.explaining import explain_query
from planner.relational.query_notes import QueryNotes
from planner.relational.support import check_supported

__all__ = [
    "EngineOptions",
    "QueryNotes",
    "check_supported",
    "configure",
    "explain_query",
    "printed_sql",
    "run_query",
    "shutdown",
]
