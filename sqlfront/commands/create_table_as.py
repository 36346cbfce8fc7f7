"""Tables of a query's columns: what CREATE TABLE AS and its like put into the catalog.

https://www.postgresql.org/docs/15/sql-createtableas.html
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.errors import DuplicateColumn, DuplicateTable, SyntaxErrorInStatement, UndefinedObject
from foundation.sqltypes import TYPES, SqlType
from sqlfront.commands.columns import COLUMNS_MAX, PSEUDO_CATEGORIES, check_column_name
from sqlfront.commands.context import CommandContext
from sqlfront.commands.creation_place import checked_on_commit, creation_place
from sqlfront.commands.errors import InvalidTableDefinition, TooManyColumns
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.table_options import checked_table_options
from sqlfront.parser import CreateTableAsStatement, Option, QualifiedName
from storage.catalog import Column, OnCommit, Persistence, Table


def is_skipped(statement: CreateTableAsStatement, context: CommandContext) -> bool:
    """Whether the table is there and IF NOT EXISTS was said, which is told to the client.

    Raises:
        DuplicateTable: 42P07, it is there. UndefinedObject: 42704, the tablespace is not.
    """
    schema, persistence = creation_place(context, statement.name, statement.persistence)
    checked_on_commit(statement.on_commit, persistence)
    name = statement.name.name
    if context.catalog.find_relation(context.database_oid, schema.oid, name) is not None:
        if not statement.if_not_exists:
            raise DuplicateTable(f'relation "{name}" already exists')
        context.notice(f'relation "{name}" already exists, skipping', sqlstate=DuplicateTable.sqlstate)
        return True
    if statement.tablespace not in (None, "pg_default"):
        raise UndefinedObject(f'tablespace "{statement.tablespace}" does not exist')
    return False


def named_columns(
    names: Sequence[str], columns: Sequence[tuple[str, SqlType]]
) -> Sequence[tuple[str, SqlType]]:
    """(name, type) of the columns under the names given for the first of them. Raises 42601 for too many names."""
    if len(names) > len(columns):
        raise SyntaxErrorInStatement("too many column names were specified")
    given = [(name, sql_type) for name, (_, sql_type) in zip(names, columns)]
    return [*given, *columns[len(names) :]]


def create_table_of_columns(
    context: CommandContext,
    name: QualifiedName,
    columns: Sequence[tuple[str, SqlType]],
    options: Sequence[Option] = (),
    *,
    persistence: Persistence = Persistence.PERMANENT,
    on_commit: OnCommit | None = None,
) -> Table:
    """Put a table with these columns and nothing more: no defaults, keys or constraints.

    Raises:
        DuplicateTable: 42P07. DuplicateColumn: 42701. InvalidTableDefinition: 42P16, a type no column can have.
        TooManyColumns: 54011. InvalidSchemaName: 3F000. InsufficientPrivilege: 42501.
    """
    schema, persistence = creation_place(context, name, persistence)
    if context.catalog.find_relation(context.database_oid, schema.oid, name.name) is not None:
        raise DuplicateTable(f'relation "{name.name}" already exists')
    table = Table(
        context.storage.allocate_oid(), name.name, context.database_oid, context.role_oid, schema_oid=schema.oid,
        columns=checked_columns(columns),
        options=checked_table_options(options), type_oid=context.storage.allocate_oid(),
        persistence=persistence, on_commit=checked_on_commit(on_commit, persistence),
    )  # fmt: skip
    table = with_default_acl(context, table)
    context.transaction.put(table)
    return table


def checked_columns(columns: Sequence[tuple[str, SqlType]]) -> tuple[Column, ...]:
    """The columns of a table, of their names and types.

    Raises:
        TooManyColumns: 54011. DuplicateColumn: 42701. InvalidTableDefinition: 42P16, a type no column can have.
    """
    if len(columns) > COLUMNS_MAX:
        raise TooManyColumns(f"tables can have at most {COLUMNS_MAX} columns")
    seen = set()
    for name, sql_type in columns:
        check_column_name(name)
        if name in seen:
            raise DuplicateColumn(f'column "{name}" specified more than once')
        seen.add(name)
        info = TYPES[sql_type.oid]
        if info.category in PSEUDO_CATEGORIES or info.name == "_record":
            raise InvalidTableDefinition(f'column "{name}" has pseudo-type {info.sql_name}')
    return tuple(Column(attnum, *column) for attnum, column in enumerate(columns, 1))
