"""Constraints of every kind: adding, finding, renaming and dropping them by name.

A key constraint is its index and has the index's name; CHECK and FOREIGN KEY are catalog objects of their own. A
constraint's name is unique in its table; a name made up by us is unique in the schema, as PostgreSQL's are.
https://www.postgresql.org/docs/15/ddl-constraints.html
"""

from __future__ import annotations

from typing import TypeAlias

from foundation.errors import DuplicateObject, FeatureNotSupported
from sqlfront.commands.check_constraints import add_check
from sqlfront.commands.context import CommandContext
from sqlfront.commands.exclusion_constraints import add_exclusion
from sqlfront.commands.foreign_keys import add_foreign_key
from sqlfront.commands.key_constraints import add_key
from sqlfront.commands.key_from_index import add_key_from_index
from sqlfront.parser import ConstraintDefinition, ConstraintKind
from storage.catalog import CheckConstraint, ForeignKey, Index, Table

Constraint: TypeAlias = Index | CheckConstraint | ForeignKey

_CREATION_ORDER = (
    ConstraintKind.CHECK,
    ConstraintKind.PRIMARY_KEY,
    ConstraintKind.UNIQUE,
    ConstraintKind.FOREIGN_KEY,
)
"""As CREATE TABLE makes them, which decides the names that are made up; EXCLUDE is with UNIQUE."""


def in_creation_order(constraints: list[ConstraintDefinition]) -> list[ConstraintDefinition]:
    """CHECKs first, foreign keys last; those of one kind as they were written."""
    return sorted(constraints, key=lambda constraint: _CREATION_ORDER.index(_place_of(constraint.kind)))


def _place_of(kind: ConstraintKind) -> ConstraintKind:
    return ConstraintKind.UNIQUE if kind is ConstraintKind.EXCLUDE else kind


def check_supported(constraint: ConstraintDefinition) -> None:
    """Raises FeatureNotSupported (0A000) for what a new table cannot have."""
    if constraint.using_index is not None:
        raise FeatureNotSupported(
            "cannot use an existing index in CREATE TABLE", position=constraint.position
        )


def add_constraint(
    context: CommandContext, table: Table, constraint: ConstraintDefinition, *, is_new_table: bool = False
) -> Table:
    """Add a constraint to a table that is in the transaction's catalog.

    Returns:
        The table as it is now: a primary key makes its columns NOT NULL.

    Raises:
        QuiverError: as `add_check`, `add_foreign_key`, `add_exclusion` and `add_key`.
    """
    if constraint.kind is ConstraintKind.EXCLUDE:
        return add_exclusion(context, table, constraint)
    if constraint.kind is ConstraintKind.CHECK:
        add_check(context, table, constraint, is_new_table=is_new_table)
        return table
    if constraint.kind is ConstraintKind.FOREIGN_KEY:
        add_foreign_key(context, table, constraint, is_new_table=is_new_table)
        return table
    if constraint.using_index is not None:
        return add_key_from_index(context, table, constraint)
    return add_key(context, table, constraint)


def find_constraint(context: CommandContext, table: Table, name: str) -> Constraint | None:
    """The constraint of that name on a table."""
    for index in context.catalog.indexes_of(table.oid):
        if index.constraint_oid and index.name == name:
            return index
    return next((c for c in context.catalog.constraints_of(table.oid) if c.name == name), None)


def check_name_unused(context: CommandContext, table: Table, name: str) -> None:
    """Raises DuplicateObject (42710) when the table has a constraint of that name."""
    if find_constraint(context, table, name) is not None:
        raise DuplicateObject(f'constraint "{name}" for relation "{table.name}" already exists')
