"""CREATE TABLE ... AS and SELECT ... INTO: a table of a query's columns, filled batch by batch as the query gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import WrongObjectType
from foundation.sqltypes import SqlType
from planner.dml.insert import insert_columns
from sqlfront.commands.create_table_as import create_table_of_columns, is_skipped, named_columns
from sqlfront.parser import CreateTableAsStatement, ExecuteStatement, ParsedStatement
from sqlfront.session.outcome import Outcome
from sqlfront.session.plan_cache import QueryKind
from sqlfront.session.prepare_commands import execute_values
from sqlfront.session.prepared import PreparedStatement
from storage import Transaction
from storage.catalog import Table

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def run_create_table_as(
    session: LocalSession, node: CreateTableAsStatement, types: Sequence[SqlType], parameters: Sequence[Any]
) -> Outcome:
    """Create the table and, unless WITH NO DATA was said, fill it.

    Args:
        types: of the query's parameters, as they were told to the client.

    Returns:
        The tag `SELECT n`; `CREATE TABLE AS` where no rows were asked for, or the table is there (IF NOT EXISTS).

    Raises:
        DuplicateTable: 42P07. DuplicateColumn: 42701. SyntaxErrorInStatement: 42601, more names than columns.
        WrongObjectType: 42809, EXECUTE of a data change. QuiverError: what the query raises.
    """
    session.block.check_writable("SELECT INTO" if node.is_select_into else "CREATE TABLE AS")
    transaction = session.block.open_transaction()
    context = session.command_context(transaction)
    if is_skipped(node, context):
        return Outcome("CREATE TABLE AS")
    statement, values = _source(session, node, types, parameters)
    # The query starts before the table is there: it is bound to the catalog without it.
    rows = session.run_prepared(statement, values) if node.with_data else Outcome()
    columns = [(column.name, column.type) for column in statement.columns or ()]
    table = create_table_of_columns(
        session.command_context(transaction), node.name, named_columns(node.columns, columns), node.options,
        persistence=node.persistence, on_commit=node.on_commit,
    )  # fmt: skip
    if not node.with_data:
        # PostgreSQL runs EXECUTE for no rows, and a query not at all.
        return Outcome("SELECT 0" if isinstance(node.source, ExecuteStatement) else "CREATE TABLE AS")
    return Outcome(f"SELECT {fill_table(session, transaction, table, rows.batches)}")


def _source(
    session: LocalSession, node: CreateTableAsStatement, types: Sequence[SqlType], parameters: Sequence[Any]
) -> tuple[PreparedStatement, Sequence[Any]]:
    """The query and its parameters' values."""
    if not isinstance(node.source, ExecuteStatement):
        query = ParsedStatement(node.source_text, 0, node.source)
        return session.prepare_nested(query, [sql_type.oid for sql_type in types] or None), parameters
    statement = session.prepared_statement(node.source.name)
    if statement.cached is None or statement.cached.kind is not QueryKind.SELECT:
        raise WrongObjectType("prepared statement is not a SELECT")
    return statement, execute_values(session, node.source, statement)


def fill_table(
    session: LocalSession, transaction: Transaction, table: Table, batches: Iterable[pa.RecordBatch]
) -> int:
    """Insert a query's rows, whose columns are the table's in order; how many there were."""
    context = session.execution_context(transaction)
    attnums = [column.attnum for column in table.live_columns()]
    count = 0
    for batch in batches:
        if batch.num_rows:
            insert_columns(table, dict(zip(attnums, batch.columns, strict=True)), batch.num_rows, (), context)
            count += batch.num_rows
    return count
