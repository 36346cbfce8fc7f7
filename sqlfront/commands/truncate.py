"""TRUNCATE. https://www.postgresql.org/docs/15/sql-truncate.html"""

from __future__ import annotations

from foundation.errors import FeatureNotSupported, WrongObjectType
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.little_data import warn_of_little_data
from sqlfront.commands.lookup import check_owner, find_table, rights_of
from sqlfront.commands.sequences import owned_sequences
from sqlfront.parser import TruncateStatement
from storage.acl import Privilege
from storage.catalog import Table
from storage.partition_tree import foreign_keys_at, partition_tree


def execute_truncate(statement: TruncateStatement, context: CommandContext) -> CommandResult:
    """Remove all rows of tables; RESTART IDENTITY sets their sequences back.

    CASCADE also empties the tables that reference them, and those that reference these.

    Raises:
        UndefinedTable: 42P01. WrongObjectType: 42809. InsufficientPrivilege: 42501.
        FeatureNotSupported: 0A000, a table is referenced by one that is not emptied.
    """
    tables = [find_table(context, name) for name in statement.tables]
    for table in tables:
        _check_may_empty(context, table)
    _check_only(context, statement)
    tables = _with_partitions(context, tables)
    if statement.cascade:
        _add_referencing(context, tables)
    else:
        _check_not_referenced(context, tables)
    for table in tables:
        context.transaction.truncate(table.oid)
        warn_of_little_data(context, context.catalog.indexes_of(table.oid))
        if statement.restart_identity:
            for sequence in owned_sequences(context, table.oid):
                check_owner(context, sequence)
                context.restart_sequence(sequence, sequence.start)
    return CommandResult("TRUNCATE TABLE")


def _check_only(context: CommandContext, statement: TruncateStatement) -> None:
    """A partitioned table has no rows but those of its partitions. Raises WrongObjectType (42809)."""
    for name in statement.only:
        if find_table(context, name).partition_key is not None:
            raise WrongObjectType(
                "cannot truncate only a partitioned table",
                hint="Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly.",
            )


def _with_partitions(context: CommandContext, tables: list[Table]) -> list[Table]:
    parts = {part.oid: part for table in tables for part in partition_tree(context.catalog, table)}
    return list(parts.values())


def _check_may_empty(context: CommandContext, table: Table) -> None:
    rights_of(context).check(table, Privilege.TRUNCATE)


def _referencing(context: CommandContext, table: Table) -> list[Table]:
    keys = sorted(foreign_keys_at(context.catalog, table.oid), key=lambda key: key.table_oid)
    return [context.catalog.table(key.table_oid) for key in keys]


def _add_referencing(context: CommandContext, tables: list[Table]) -> None:
    """Extend the list by what references its members, until nothing is added."""
    seen = {table.oid for table in tables}
    for table in tables:
        for other in _referencing(context, table):
            if other.oid not in seen:
                seen.add(other.oid)
                context.notice(f'truncate cascades to table "{other.name}"')
                _check_may_empty(context, other)
                tables.append(other)


def _check_not_referenced(context: CommandContext, tables: list[Table]) -> None:
    emptied = {table.oid for table in tables}
    for table in tables:
        for other in _referencing(context, table):
            if other.oid not in emptied:
                raise FeatureNotSupported(
                    "cannot truncate a table referenced in a foreign key constraint",
                    detail=f'Table "{other.name}" references "{table.name}".',
                    hint=f'Truncate table "{other.name}" at the same time, or use TRUNCATE ... CASCADE.',
                )
