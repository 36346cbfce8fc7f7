"""A statement's way into DuckDB: Arrow tables that it may read, and SQL text that runs over them.

What DuckDB's public calls do in several steps its own Python layer does in one, by calls that it keeps for itself: a table
gets a name in 0.01 ms where a view over it takes 0.3, and a query is bound once where `sql` binds it first to know its
columns and then again for each run. A query of several tables that takes 15 ms spends 5 on that. They are used where this
release of DuckDB has them; otherwise the public calls do the same.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa


class EngineCursor:
    """A cursor of the engine, for one statement. `close` gives up everything registered on it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._names_sources = hasattr(connection, "_register_source")
        self._binds_once = hasattr(connection, "_submit")
        self._sources: list[Any] = []
        """What names last for. A query may be read while its sources live only."""

    def register(self, table: pa.Table) -> str:
        """Make an Arrow table readable; returns its name in SQL."""
        if self._names_sources:
            source = self._connection._register_source(table)
            self._sources.append(source)
            return f'"{source.name}"'
        name = f"t{len(self._sources)}"
        self._connection.register(name, table)
        self._sources.append(table)
        return name

    def reader(self, sql: str, batch_rows: int) -> pa.RecordBatchReader:
        """Start a query; its rows come as batches of at most so many.

        Raises:
            duckdb.Error: what DuckDB finds before the first row.
        """
        if self._binds_once:
            return self._connection._submit(sql, None, "stream", batch_rows).arrow_reader()
        return self._connection.sql(sql).to_arrow_reader(batch_rows)

    def explained(self, sql: str, *, analyze: bool) -> str:
        """DuckDB's plan of a query as JSON; with `analyze` it is run.

        Raises:
            duckdb.Error: what DuckDB finds.
        """
        options = "ANALYZE, FORMAT json" if analyze else "FORMAT json"
        return str(self._connection.execute(f"EXPLAIN ({options}) {sql}").fetchall()[0][1])

    def interrupt(self) -> None:
        """End what runs, from any thread."""
        self._connection.interrupt()

    def close(self) -> None:
        self._sources.clear()
        self._connection.close()
