"""ALTER TABLE ... ADD PRIMARY KEY / UNIQUE USING INDEX: a unique index that is there becomes the index of a constraint.

The checks are transformIndexConstraint's in PostgreSQL's parse_utilcmd.c, in its order.
https://www.postgresql.org/docs/16/sql-altertable.html
"""

from __future__ import annotations

from foundation.errors import (
    DuplicateTable,
    ObjectNotInPrerequisiteState,
    UndefinedObject,
    WrongObjectType,
)
from sqlfront.commands.context import CommandContext
from sqlfront.commands.key_constraints import check_no_second_primary_key, with_not_null
from sqlfront.commands.operator_classes import default_operator_class
from sqlfront.parser import ConstraintDefinition, ConstraintKind
from storage.catalog import Index, IndexKey, Table, replaced

_UNUSABLE = "Cannot create a primary key or unique constraint using such an index."


def add_key_from_index(context: CommandContext, table: Table, constraint: ConstraintDefinition) -> Table:
    """Make an index that of a constraint, whose name it gets.

    Returns:
        The table as it is now: a primary key makes its columns NOT NULL.

    Raises:
        UndefinedObject: 42704. ObjectNotInPrerequisiteState: 55000, a constraint's already, or another table's.
        WrongObjectType: 42809, no unique btree index of columns in default order. DuplicateTable: 42P07.
        InvalidTableDefinition: 42P16, a second primary key. NotNullViolation: 23502.
    """
    index = _usable_index(context, table, constraint)
    is_primary = constraint.kind is ConstraintKind.PRIMARY_KEY
    if is_primary:
        check_no_second_primary_key(context, table)
        table = with_not_null(context, table, list(index.key_attnums()))
    name = constraint.name or index.name
    if name != index.name:
        context.notice(
            f'ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index "{index.name}" to "{name}"'
        )
        if context.catalog.find_relation(context.database_oid, table.schema_oid, name) is not None:
            raise DuplicateTable(f'relation "{name}" already exists')
    context.transaction.put(
        replaced(
            index, name=name, is_primary=is_primary, constraint_oid=context.storage.allocate_oid(),
            is_deferrable=bool(constraint.is_deferrable), is_initially_deferred=constraint.is_initially_deferred,
        )
    )  # fmt: skip
    return table


def _usable_index(context: CommandContext, table: Table, constraint: ConstraintDefinition) -> Index:
    name, position = constraint.using_index or "", constraint.position
    found = context.catalog.find_relation(context.database_oid, table.schema_oid, name)
    if found is None:
        raise UndefinedObject(f'index "{name}" does not exist', position=position)
    if not isinstance(found, Index):
        raise WrongObjectType(f'"{name}" is not an index')
    state = (
        f'index "{name}" is already associated with a constraint'
        if found.constraint_oid
        else f'index "{name}" does not belong to table "{table.name}"'
        if found.table_oid != table.oid
        else None
    )
    if state is not None:
        raise ObjectNotInPrerequisiteState(state, position=position)
    fault = _fault(table, found)
    if fault is not None:
        raise WrongObjectType(fault, detail=_UNUSABLE, position=position)
    return found


def _fault(table: Table, index: Index) -> str | None:
    """Why an index is none that a constraint could have made; None where it is."""
    if not index.is_unique:
        return f'"{index.name}" is not a unique index'
    if any(key.expression_sql is not None for key in index.keys):
        return f'index "{index.name}" contains expressions'
    if index.predicate_sql is not None:
        return f'"{index.name}" is a partial index'
    for number, key in enumerate(index.keys, 1):
        column = table.column_at(key.attnum)
        if key != IndexKey(key.attnum, default_operator_class(column.type)):
            return f'index "{index.name}" column number {number} does not have default sorting behavior'
    return None
