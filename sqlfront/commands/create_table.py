"""CREATE TABLE. https://www.postgresql.org/docs/15/sql-createtable.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foundation.errors import DuplicateColumn, DuplicateObject, DuplicateTable, UndefinedObject
from sqlfront.commands.columns import COLUMNS_MAX, PlannedColumn, plan_column, sequence_default
from sqlfront.commands.constraints import add_constraint, check_supported, in_creation_order
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.creation_place import checked_on_commit, creation_place
from sqlfront.commands.errors import InvalidTableDefinition, TooManyColumns
from sqlfront.commands.filled_indexes import has_files
from sqlfront.commands.generated_columns import keep_generations
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.like_clause import copied_columns, copy_parts, like_source
from sqlfront.commands.lookup import schema_of
from sqlfront.commands.partition_parts import inherit_parts
from sqlfront.commands.partitions import add_partition, partition_columns, partition_key, partition_parent
from sqlfront.commands.sequences import create_owned_sequence
from sqlfront.commands.table_options import checked_table_options, partitioned_without_options
from sqlfront.parser import (
    ColumnSpecification,
    ConstraintDefinition,
    ConstraintKind,
    CreateTableStatement,
    LikeClause,
)
from storage.catalog import ColumnRelation, Index, Table, replaced
from storage.type_objects import CompositeType

TAG = "CREATE TABLE"


def execute_create_table(statement: CreateTableStatement, context: CommandContext) -> CommandResult:
    """Create a table with its sequences, key indexes and constraints.

    Raises:
        DuplicateTable: 42P07. DuplicateColumn: 42701. UndefinedObject: 42704, a type. FeatureNotSupported: 0A000.
        WrongObjectType: 42809, LIKE of an index. InvalidTableDefinition: 42P16. UndefinedColumn: 42703, a key over an unknown column.
    """
    schema, persistence = creation_place(context, statement.name, statement.persistence)
    name = statement.name.name
    if _is_taken(context, schema.oid, statement):
        return CommandResult(TAG)
    if statement.tablespace not in (None, "pg_default"):
        raise UndefinedObject(f'tablespace "{statement.tablespace}" does not exist')
    on_commit = checked_on_commit(statement.on_commit, persistence)
    likes = [(clause, like_source(context, clause)) for clause in statement.likes]
    constraints = _constraints(statement)
    for constraint in constraints:
        check_supported(constraint)
    _check_one_primary_key(name, constraints)
    parent = partition_parent(context, statement)
    if parent is not None:
        planned = partition_columns(context, parent, statement)
    else:
        planned = _planned_columns(context, statement, likes)
    columns = tuple(item.column for item in planned)
    by = statement.partition_by
    table = Table(
        context.storage.allocate_oid(), name, context.database_oid, context.role_oid, schema_oid=schema.oid,
        columns=columns, options=checked_table_options(statement.options),
        type_oid=context.storage.allocate_oid(), persistence=persistence, on_commit=on_commit,
        partition_key=None if by is None else partition_key(by, columns),
    )  # fmt: skip
    table = with_default_acl(context, table)
    if by is not None and table.options:
        raise partitioned_without_options()
    context.transaction.put(table)
    for item in planned:
        table = attach_sequence(context, table, item)
    if parent is not None:
        table = add_partition(context, parent, table, statement)
    else:
        table = keep_generations(context, table, statement.columns)
    checks = [constraint for constraint in constraints if constraint.kind is ConstraintKind.CHECK]
    for constraint in checks:
        table = add_constraint(context, table, constraint, is_new_table=True)
    indexes: list[Index] = []
    for clause, source in likes:
        table, copied = copy_parts(context, table, clause, source)
        indexes += copied
    for constraint in constraints[len(checks) :]:
        table = add_constraint(context, table, constraint, is_new_table=True)
    built = [index.oid for index in indexes if has_files(table, index)]
    if parent is not None:
        built += inherit_parts(context, parent, table)
    return CommandResult(TAG, indexes_to_build=tuple(built))


def _is_taken(context: CommandContext, schema_oid: int, statement: CreateTableStatement) -> bool:
    """Whether the name exists and IF NOT EXISTS makes that a notice. Raises 42P07, 42710."""
    name = statement.name.name
    if context.catalog.find_relation(context.database_oid, schema_oid, name) is not None:
        if statement.if_not_exists:
            context.notice(f'relation "{name}" already exists, skipping', sqlstate=DuplicateTable.sqlstate)
            return True
        raise DuplicateTable(f'relation "{name}" already exists')
    found = context.catalog.find_type(context.database_oid, schema_oid, name)
    if isinstance(found, CompositeType):
        raise DuplicateTable(f'relation "{name}" already exists')
    if found is not None:
        raise DuplicateObject(
            f'type "{name}" already exists',
            hint="A relation has an associated type of the same name, so you must use a name that doesn't conflict"
            " with any existing type.",
        )
    return False


def _constraints(statement: CreateTableStatement) -> list[ConstraintDefinition]:
    """Column and table constraints in the order in which PostgreSQL creates them."""
    found = [constraint for column in statement.columns for constraint in column.constraints]
    return in_creation_order([*found, *statement.constraints])


def _check_one_primary_key(table_name: str, constraints: list[ConstraintDefinition]) -> None:
    primary = [c for c in constraints if c.kind is ConstraintKind.PRIMARY_KEY]
    if len(primary) > 1:
        raise InvalidTableDefinition(
            f'multiple primary keys for table "{table_name}" are not allowed', position=primary[1].position
        )


def _planned_columns(
    context: CommandContext,
    statement: CreateTableStatement,
    likes: Sequence[tuple[LikeClause, ColumnRelation]],
) -> list[PlannedColumn]:
    """The statement's columns and those of LIKE, in the order in which they were written."""
    elements: list[ColumnSpecification | PlannedColumn] = list(statement.columns)
    for clause, source in reversed(likes):
        elements[clause.columns_before : clause.columns_before] = copied_columns(context, clause, source)
    if len(elements) > COLUMNS_MAX:
        raise TooManyColumns(f"tables can have at most {COLUMNS_MAX} columns")
    seen = set()
    for element in elements:
        name = element.column.name if isinstance(element, PlannedColumn) else element.name
        if name in seen:
            raise DuplicateColumn(f'column "{name}" specified more than once')
        seen.add(name)
    return [
        replace(element, column=replace(element.column, attnum=attnum))
        if isinstance(element, PlannedColumn)
        else plan_column(context, statement.name.name, element, attnum)
        for attnum, element in enumerate(elements, 1)
    ]


def attach_sequence(context: CommandContext, table: Table, planned: PlannedColumn) -> Table:
    """Create the sequence a serial or identity column needs and, for serial, set its default."""
    if planned.sequence is None:
        return table
    sequence = create_owned_sequence(context, table, planned.column, planned.sequence)
    if not planned.is_serial:
        return table
    default = sequence_default(schema_of(context, table.schema_oid).name, sequence.name)
    columns = tuple(
        replace(column, default_sql=default) if column.attnum == planned.column.attnum else column
        for column in table.columns
    )
    table = replaced(table, columns=columns)
    context.transaction.put(table)
    return table
