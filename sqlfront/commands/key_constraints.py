"""PRIMARY KEY and UNIQUE constraints, which are unique btree indexes with a constraint OID.

https://www.postgresql.org/docs/15/ddl-constraints.html
"""

from __future__ import annotations

from dataclasses import replace

from foundation.bitset import offsets_from_bits
from foundation.errors import (
    DuplicateColumn,
    DuplicateTable,
    FeatureNotSupported,
    UndefinedColumn,
)
from foundation.sqltypes import is_vector
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.naming import free_relation_name, joined_columns
from sqlfront.commands.operator_classes import default_operator_class
from sqlfront.commands.stored_rows import null_values
from sqlfront.parser import ConstraintDefinition, ConstraintKind
from storage.catalog import Column, Index, IndexKey, Table, replaced


def check_no_second_primary_key(context: CommandContext, table: Table) -> None:
    """Raises InvalidTableDefinition (42P16)."""
    if context.catalog.primary_key_of(table.oid) is not None:
        raise InvalidTableDefinition(f'multiple primary keys for table "{table.name}" are not allowed')


def add_key(context: CommandContext, table: Table, constraint: ConstraintDefinition) -> Table:
    """Add a PRIMARY KEY or UNIQUE constraint to a table that is in the transaction's catalog.

    Returns:
        The table as it is now: a primary key makes its columns NOT NULL.

    Raises:
        InvalidTableDefinition: 42P16, a second primary key. UndefinedColumn: 42703. DuplicateTable: 42P07.
        NotNullViolation: 23502 and UniqueViolation: 23505, when existing rows do not fit.
    """
    is_primary = constraint.kind is ConstraintKind.PRIMARY_KEY
    if is_primary:
        check_no_second_primary_key(context, table)
    columns = key_columns(table, constraint)
    if is_primary:
        table = with_not_null(context, table, [column.attnum for column in columns])
    name = _constraint_name(context, table, constraint, is_primary)
    keys = tuple(IndexKey(column.attnum, default_operator_class(column.type)) for column in columns)
    index = Index(
        context.storage.allocate_oid(), name, context.database_oid, table.owner_oid,
        schema_oid=table.schema_oid, table_oid=table.oid, keys=keys, is_unique=True, is_primary=is_primary,
        constraint_oid=context.storage.allocate_oid(), is_deferrable=bool(constraint.is_deferrable),
        included=tuple(key_column(table, constraint, included).attnum for included in constraint.include),
        is_initially_deferred=constraint.is_initially_deferred, nulls_not_distinct=constraint.nulls_not_distinct,
    )  # fmt: skip
    check_covers_key(table, index)
    context.transaction.put(index)
    return table


def check_covers_key(table: Table, index: Index) -> None:
    """Raises FeatureNotSupported (0A000) for a unique index of a partitioned table that is not over its whole key."""
    if table.partition_key is None or not index.is_unique:
        return
    covered = index.key_attnums()
    for attnum in table.partition_key.attnums:
        if attnum not in covered:
            word = "PRIMARY KEY" if index.is_primary else "UNIQUE"
            raise FeatureNotSupported(
                "unique constraint on partitioned table must include all partitioning columns",
                detail=f'{word} constraint on table "{table.name}" lacks column "{table.column_at(attnum).name}" which'
                " is part of the partition key.",
            )


def key_columns(table: Table, constraint: ConstraintDefinition) -> list[Column]:
    """The columns of a key, checked."""
    found: list[Column] = []
    word = "primary key" if constraint.kind is ConstraintKind.PRIMARY_KEY else "unique"
    for name in constraint.columns:
        column = key_column(table, constraint, name)
        if column in found:
            raise DuplicateColumn(
                f'column "{name}" appears twice in {word} constraint', position=constraint.position
            )
        if is_vector(column.type):
            default_operator_class(column.type)
        found.append(column)
    return found


def key_column(table: Table, constraint: ConstraintDefinition, name: str) -> Column:
    """A column that a key or its INCLUDE names. Raises UndefinedColumn (42703)."""
    column = table.column(name)
    if column is None:
        raise UndefinedColumn(f'column "{name}" named in key does not exist', position=constraint.position)
    return column


def _constraint_name(
    context: CommandContext, table: Table, constraint: ConstraintDefinition, is_primary: bool
) -> str:
    if constraint.name is None:
        columns = None if is_primary else joined_columns((*constraint.columns, *constraint.include))
        label = "pkey" if is_primary else "key"
        return free_relation_name(
            context.catalog, context.database_oid, table.schema_oid, (table.name, columns, label)
        )
    if context.catalog.find_relation(context.database_oid, table.schema_oid, constraint.name) is not None:
        raise DuplicateTable(f'relation "{constraint.name}" already exists')
    return constraint.name


def with_not_null(context: CommandContext, table: Table, attnums: list[int]) -> Table:
    """Set columns NOT NULL and put the table. Raises NotNullViolation (23502) when rows have NULL there."""
    pending = [attnum for attnum in attnums if not table.column_at(attnum).not_null]
    if not pending:
        return table
    for attnum in pending:
        check_no_nulls(context, table, attnum)
    columns = tuple(
        replace(column, not_null=True) if column.attnum in pending else column for column in table.columns
    )
    table = replaced(table, columns=columns)
    context.transaction.put(table)
    return table


def check_no_nulls(context: CommandContext, table: Table, attnum: int) -> None:
    """Raises NotNullViolation (23502) `column "c" of relation "t" contains null values`."""
    if context.catalog.get(table.oid) is None:
        return
    context.transaction.expect_unchanged(table.oid)
    for segment in context.transaction.table_view(table.oid).segments:
        column = segment.column(attnum)
        if not column.null_count:
            continue
        if segment.visible_bits is not None:
            column = column.take(offsets_from_bits(segment.visible_bits, segment.row_count))
        if column.null_count:
            raise null_values(table, table.column_at(attnum))
