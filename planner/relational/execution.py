"""Runs a bound query on DuckDB and streams its rows as Arrow batches of the query's own types."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from foundation.errors import NumericValueOutOfRange
from foundation.sqltypes import NUMERIC, SqlType, arrow_type
from planner import bound
from planner.relational.carriers import carrier, converted, decimal_form, from_carrier
from planner.relational.error_mapping import translate
from planner.relational.printed import Printed
from planner.relational.printed_query import PrintedQuery
from planner.relational.queries import QueryPrinter
from planner.relational.query_notes import QueryNotes
from planner.relational.statement import RelationalStatement
from planner.services import ExecutionContext

BATCH_ROWS = 8192
HELD_BYTES_MAX = 16 << 20
"""Of rows that may have to be taken back, because products of numerics were expected to be short."""
_POLL_SECONDS = 0.01


class CancelWatcher:
    """One thread for all running statements: interrupts those whose cancel word is set.

    It polls only while a statement runs and sleeps otherwise.
    """

    def __init__(self) -> None:
        self._running: dict[int, RelationalStatement] = {}
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, statement: RelationalStatement) -> Iterator[None]:
        with self._lock:
            self._running[statement.number] = statement
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="duckdb-cancel", daemon=True)
                self._thread.start()
            self._wake.set()
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(statement.number, None)
                if not self._running:
                    self._wake.clear()

    def _watch(self) -> None:
        while True:
            self._wake.wait()
            self._interrupt_cancelled()
            time.sleep(_POLL_SECONDS)

    def _interrupt_cancelled(self) -> None:
        """A method of its own, so that the sleeping thread holds no reference to a finished statement."""
        with self._lock:
            for statement in self._running.values():
                if statement.context.cancel_token.is_cancelled():
                    statement.cursor.interrupt()


_watcher = CancelWatcher()


def run_query(
    query: bound.Query,
    context: ExecutionContext,
    given: Mapping[int, pa.Table] | None = None,
    *,
    notes: QueryNotes | None = None,
    expects_short_numbers: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Run a query; yields batches of at most `BATCH_ROWS` rows, columns c0, c1, ... of `arrow_type(type)`.

    `given` maps relation ids of TableScans to rows that stand in for the stored table: one column per position. `notes` are
    those on the query that a plan keeps.

    A query that expects short products of numerics (see `RelationalStatement`) is run again without where they are not.
    The statement's cursor lives until the iterator is exhausted or closed.

    Raises:
        QuiverError: PostgreSQL's error of the data (22012, 22003, 21000, ...), 57014 when cancelled,
            0A000 for what neither DuckDB nor we can do.
    """
    types = [column.type for column in bound.output_columns(query)]
    statement = RelationalStatement(context, expects_short_numbers=expects_short_numbers)
    try:
        with translated_errors(statement):
            sql = finished_sql(QueryPrinter(statement, query, given, notes).print(query), types)
        if not statement.has_expectations:
            yield from _batches(statement, sql, types)
            return
        whole = None if statement.has_volatile_calls else _whole_answer(statement, sql, types)
    finally:
        statement.close()
    if whole is None:
        yield from run_query(query, context, given, notes=notes, expects_short_numbers=False)
    else:
        yield from whole


def _whole_answer(
    statement: RelationalStatement, sql: str, types: Sequence[SqlType]
) -> list[pa.RecordBatch] | None:
    """All rows, before any is given away; None where they are too many or a number is out of the range expected."""
    held: list[pa.RecordBatch] = []
    held_bytes = 0
    try:
        for batch in _batches(statement, sql, types):
            held.append(batch)
            held_bytes += batch.nbytes
            if held_bytes > HELD_BYTES_MAX:
                return None
    except NumericValueOutOfRange:
        return None
    return held


def printed_sql(query: bound.Query, context: ExecutionContext) -> str:
    """The DuckDB SQL of a query, for EXPLAIN VERBOSE and tests."""
    statement = RelationalStatement(context, expects_short_numbers=True)
    try:
        with translated_errors(statement):
            printed = QueryPrinter(statement, query).print(query)
            return finished_sql(printed, [column.type for column in bound.output_columns(query)])
    finally:
        statement.close()


@contextmanager
def translated_errors(statement: RelationalStatement) -> Iterator[None]:
    """Watch for cancellation, and turn DuckDB's errors into PostgreSQL's."""
    token = statement.context.cancel_token
    token.check()
    try:
        with _watcher.watching(statement):
            yield
    except duckdb.Error as error:
        raise translate(error, token, statement.callback_error) from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if statement.callback_error is None and not isinstance(error, OSError):
            raise
        raise translate(duckdb.Error(str(error)), token, statement.callback_error) from error


def _batches(statement: RelationalStatement, sql: str, types: Sequence[SqlType]) -> Iterator[pa.RecordBatch]:
    with translated_errors(statement):
        reader = statement.cursor.reader(sql, BATCH_ROWS)
    schema = pa.schema([(f"c{index}", arrow_type(sql_type)) for index, sql_type in enumerate(types)])
    while True:
        with translated_errors(statement):
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
        if batch.num_rows:
            columns = [from_carrier(batch.column(i), sql_type) for i, sql_type in enumerate(types)]
            yield record_batch(columns, schema, batch.num_rows)


def record_batch(columns: Sequence[pa.Array], schema: pa.Schema, row_count: int) -> pa.RecordBatch:
    """A batch that keeps its row count even without columns."""
    if columns:
        return pa.RecordBatch.from_arrays(list(columns), schema=schema)
    return pa.RecordBatch.from_arrays([pa.nulls(row_count)], names=["row"]).select([])


def finished_sql(printed: PrintedQuery, types: Sequence[SqlType]) -> str:
    """The outermost SELECT: every output in the carrier of its type, numeric as text or its typmod's DECIMAL."""
    if not types:
        return printed.sql
    items = []
    for index, (column, sql_type) in enumerate(zip(printed.columns, types, strict=True)):
        output = Printed(f"q.{column.sql}", sql_type, column.decimal)
        if sql_type.oid == NUMERIC.oid:
            value = converted(output, decimal_form(sql_type))
        else:
            value = f"CAST({output.sql} AS {carrier(sql_type)})"
        items.append(f"{value} AS c{index}")
    return f"SELECT {', '.join(items)} FROM ({printed.sql}) AS q"
