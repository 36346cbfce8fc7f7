"""COPY: a stream of rows into a table, or a query's rows out as a stream.

COPY FROM parses the stream in batches of bounded size and inserts each into the transaction's write set, which
spills to disk when it is large; nothing is visible before the commit and nothing stays after an error.
https://www.postgresql.org/docs/15/sql-copy.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from foundation.errors import (
    ArrayShapeNotSupported,
    DuplicateColumn,
    FeatureNotSupported,
    InternalError,
    QueryCanceled,
    UndefinedColumn,
    WrongObjectType,
)
from planner.bound import Expression
from planner.dml import check_statement, insert_columns
from sqlfront.backend import Format
from sqlfront.binder import bound_default, table_rules
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidColumnReference
from sqlfront.commands.lookup import find_relation, maybe_relation, not_supported_for
from sqlfront.commands.table_locks import lock_tables
from sqlfront.copy import (
    CopyColumn,
    CopyFormat,
    CopyOptions,
    CopyWriter,
    copy_options,
    copy_reader,
    copy_writer,
)
from sqlfront.parser import CopyStatement, ParsedStatement, QualifiedName, parse_script
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.privileges.rights import denied
from sqlfront.session.array_columns import widen_columns
from sqlfront.session.outcome import Outcome
from storage.acl import Privilege
from storage.catalog import AnyView, CatalogObject, Column, Index, MaterializedView, Table, View

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


Reading: TypeAlias = Callable[[], Sequence[pa.RecordBatch]]


def run_copy(session: LocalSession, node: CopyStatement) -> Outcome:
    """Start a COPY; the rows go through the outcome's stream.

    Raises:
        UndefinedTable: 42P01. UndefinedColumn: 42703. DuplicateColumn: 42701. Option errors as `copy_options`.
    """
    options = copy_options(node.options, is_from=node.is_from)
    if node.is_from:
        if node.where is not None:
            raise FeatureNotSupported("COPY FROM with WHERE is not supported")
        session.block.check_writable("COPY FROM")
        return Outcome(copy=TableCopyIn(session, node, options))
    return _copy_out(session, node, options)


def _target_columns(table: Table, names: Sequence[str]) -> tuple[Column, ...]:
    """The columns a COPY names, in its order; all live ones that are not generated when it names none."""
    if not names:
        return tuple(column for column in table.live_columns() if column.generated_sql is None)
    columns: list[Column] = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise UndefinedColumn(f'column "{name}" of relation "{table.name}" does not exist')
        if column.generated_sql is not None:
            raise InvalidColumnReference(
                f'column "{name}" is a generated column', detail="Generated columns cannot be used in COPY."
            )
        if column in columns:
            raise DuplicateColumn(f'column "{name}" specified more than once')
        columns.append(column)
    return tuple(columns)


def _copied_table(context: CommandContext, name: QualifiedName) -> Table:
    """The table that COPY FROM names. Raises UndefinedTable (42P01), WrongObjectType (42809)."""
    found = find_relation(context, name)
    if isinstance(found, Index):
        raise not_supported_for("cannot open", found)
    if isinstance(found, Table) and not isinstance(found, MaterializedView):
        return found
    hint = "To enable copying to a view, provide an INSTEAD OF INSERT trigger."
    raise WrongObjectType(
        f'cannot copy to {found.kind} "{found.name}"', hint=hint if isinstance(found, View) else None
    )


def _wire_format(options: CopyOptions) -> Format:
    return Format.BINARY if options.format is CopyFormat.BINARY else Format.TEXT


class TableCopyIn:
    """Implements `sqlfront.backend.CopyIn` for a stored table."""

    def __init__(self, session: LocalSession, node: CopyStatement, options: CopyOptions) -> None:
        assert node.table is not None, "the grammar gives COPY FROM a table"
        transaction = session.block.open_transaction()
        command_context = session.command_context(transaction)
        lock_tables(node, command_context, session.block.retake_snapshot)
        self._session = session
        self._context = session.execution_context(transaction)
        self._table = _copied_table(command_context, node.table)
        columns = _target_columns(self._table, node.columns)
        attnums = [column.attnum for column in columns]
        if not session.roles.rights.may_on_columns(self._table, Privilege.INSERT, attnums):
            raise denied(self._table)
        self._defaults = self._bound_defaults(session, columns)
        self._rules = table_rules(session.bind_context(), self._table)
        self.format = _wire_format(options)
        self.column_count = len(columns)
        streamed = [CopyColumn(c.name, c.attnum, c.type) for c in columns]
        self._reader = copy_reader(self._table.name, streamed, options, session.codec_context())
        self._row_count = 0

    def _bound_defaults(
        self, session: LocalSession, columns: Sequence[Column]
    ) -> list[tuple[int, Expression]]:
        """Defaults of the columns the stream does not carry."""
        context = session.bind_context()
        given = {column.attnum for column in columns}
        found = []
        for column in self._table.live_columns():
            if column.attnum not in given:
                expression = bound_default(context, self._table, column)
                if expression is not None:
                    found.append((column.attnum, expression))
        return found

    def feed(self, data: bytes) -> None:
        self._insert(self._read(partial(self._reader.feed, data), partial(self._reader.feed, b"")))

    def finish(self) -> str:
        self._insert(self._read(self._reader.finish, self._reader.finish))
        check_statement(self._context)
        return f"COPY {self._row_count}"

    def _read(self, read: Reading, again: Reading) -> Sequence[pa.RecordBatch]:
        """Batches of the stream; a column gets the form that holds any shape where an array asks for it."""
        try:
            return read()
        except ArrayShapeNotSupported as error:
            transaction = self._session.block.open_transaction()
            widen_columns(self._session, transaction, ((self._table.oid, error.attnum),), error)
            self._aim_at(self._session.command_context(transaction).catalog.get(self._table.oid))
            self._reader.retype(error.attnum, self._table.column_at(error.attnum).type)
        return self._read(again, again)

    def _aim_at(self, table: CatalogObject | None) -> None:
        """Take what the catalog says of the table now."""
        assert isinstance(table, Table), "it is locked"
        self._table = table
        self._rules = table_rules(self._session.bind_context(), table)

    def fail(self, message: str) -> None:
        raise QueryCanceled(f"COPY from stdin failed: {message}")

    def _insert(self, batches: Sequence[pa.RecordBatch]) -> None:
        for batch in batches:
            self._context.cancel_token.check()
            values = {int(name): batch.column(name) for name in batch.schema.names}
            insert_columns(
                self._table, values, batch.num_rows, self._defaults, self._context, rules=self._rules
            )
            self._row_count += batch.num_rows


def _copy_out(session: LocalSession, node: CopyStatement, options: CopyOptions) -> Outcome:
    parsed = _source_query(session, node)
    statement = session.prepare_nested(parsed)
    outcome = session.run_prepared(statement, ())
    if outcome.columns is None:
        raise FeatureNotSupported("COPY query must have a RETURNING clause")
    columns = [CopyColumn(c.name, i, c.type) for i, c in enumerate(outcome.columns, 1)]
    writer = copy_writer(columns, options, session.codec_context())
    stream = QueryCopyOut(outcome, writer, _wire_format(options))
    return Outcome(stream.tag, copy=stream, on_close=outcome.on_close)


def _source_query(session: LocalSession, node: CopyStatement) -> ParsedStatement:
    """The query whose rows go out; for a table it is a SELECT of the named columns."""
    if node.query is not None:
        return ParsedStatement(node.query_text, 0, node.query)
    if node.table is None:
        raise InternalError("COPY without a source")
    name = ".".join(quote_identifier(p) for p in (node.table.schema, node.table.name) if p is not None)
    columns = ", ".join(quote_identifier(column) for column in _sent_columns(session, node)) or "*"
    return parse_script(f"SELECT {columns} FROM {name}")[0]


def _sent_columns(session: LocalSession, node: CopyStatement) -> Sequence[str]:
    """Names of the columns COPY TO sends of a table; () = all, also where there is no such stored table."""
    transaction = session.block.open_transaction()
    assert node.table is not None, "COPY (query) has no table"
    found = maybe_relation(session.command_context(transaction), node.table)
    if isinstance(found, AnyView):
        raise WrongObjectType(
            f'cannot copy from {found.kind} "{found.name}"', hint="Try the COPY (SELECT ...) TO variant."
        )
    if isinstance(found, Table) and found.partition_key is not None:
        raise WrongObjectType(
            f'cannot copy from partitioned table "{found.name}"',
            hint="Try the COPY (SELECT ...) TO variant.",
        )
    if not isinstance(found, Table) or not any(c.generated_sql is not None for c in found.live_columns()):
        return node.columns
    return [column.name for column in _target_columns(found, node.columns)]


class QueryCopyOut:
    """Implements `sqlfront.backend.CopyOut` over a query's batches."""

    def __init__(self, outcome: Outcome, writer: CopyWriter, wire_format: Format) -> None:
        self.format = wire_format
        self.column_count = len(outcome.columns or ())
        self._writer = writer
        self._batches = outcome.batches
        self._row_count = 0

    def frames(self) -> Iterator[bytes]:
        header = self._writer.header()
        if header:
            yield header
        for batch in self._batches:
            self._row_count += batch.num_rows
            yield self._writer.frames(batch)
        trailer = self._writer.trailer()
        if trailer:
            yield trailer

    def tag(self) -> str:
        return f"COPY {self._row_count}"
