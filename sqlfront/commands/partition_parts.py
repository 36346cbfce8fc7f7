"""What partitions have from their parent: columns, CHECKs, indexes with their constraints, foreign keys.

Each CHECK, index and foreign key of a partitioned table has its part in every partition: an object of the partition that it
goes with. A part that the partition has already, because it was a table before, is taken if it says the same.
MergeAttributesIntoExisting(), MergeConstraintsIntoExisting() and AttachPartitionEnsureIndexes() in
src/backend/commands/tablecmds.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from foundation.errors import DatatypeMismatch, ObjectNotInPrerequisiteState
from planner.dml import check_existing_rows
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.commands.check_constraints import check_existing_rows as check_rows_of_check
from sqlfront.commands.context import CommandContext
from sqlfront.commands.filled_indexes import has_files
from sqlfront.commands.key_constraints import check_covers_key, with_not_null
from sqlfront.commands.like_clause import copied_key, index_name_of_copy, mapped_attnums
from sqlfront.commands.lookup import check_owner, find_relation, of_kind
from sqlfront.commands.naming import free_constraint_name
from sqlfront.parser import AttachPartitionStatement
from storage.catalog import CatalogObject, CheckConstraint, ForeignKey, Index, Table, replaced
from storage.partition_tree import attnums_below, children

Constraint: TypeAlias = Index | CheckConstraint | ForeignKey


def matching_columns(parent: Table, partition: Table) -> Table:
    """A table that is to be attached, with columns as the parent's partitions have them.

    Raises:
        DatatypeMismatch: 42804, a column is missing, is too many, or is not like the parent's.
    """
    for column in partition.live_columns():
        if parent.column(column.name) is None:
            raise DatatypeMismatch(
                f'table "{partition.name}" contains column "{column.name}" not found in parent "{parent.name}"',
                detail="The new partition may contain only the columns present in parent.",
            )
    for column in parent.live_columns():
        own = partition.column(column.name)
        if own is None:
            raise DatatypeMismatch(f'child table is missing column "{column.name}"')
        if own.type != column.type:
            raise DatatypeMismatch(
                f'child table "{partition.name}" has different type for column "{column.name}"'
            )
        if own.collation != column.collation:
            raise DatatypeMismatch(
                f'child table "{partition.name}" has different collation for column "{column.name}"'
            )
        if column.not_null and not own.not_null:
            raise DatatypeMismatch(f'column "{column.name}" in child table must be marked NOT NULL')
        if (own.generated_sql is None) != (column.generated_sql is None):
            word = "must be" if column.generated_sql is not None else "must not be"
            raise DatatypeMismatch(f'column "{column.name}" in child table {word} a generated column')
    return partition


def inherit_parts(
    context: CommandContext, parent: Table, partition: Table, *, is_attached: bool = False
) -> list[int]:
    """Give a partition, and those below it, the parts that it lacks; the OIDs of new indexes that have files to be built.

    Args:
        is_attached: the partition was a table before: it has to have the parent's CHECKs.
    """
    partition = _inherit_checks(context, parent, partition, is_attached=is_attached)
    built = []
    for index in sorted(context.catalog.indexes_of(parent.oid), key=lambda index: index.oid):
        built += inherit_index(context, index, context.catalog.table(partition.oid))
    _inherit_foreign_keys(context, parent, context.catalog.table(partition.oid))
    for below in children(context.catalog, partition):
        built += inherit_parts(context, context.catalog.table(partition.oid), below)
    return built


def release_parts(context: CommandContext, parent: Table, partition: Table) -> None:
    """Let a partition that is detached have its parts for itself."""
    for constraint in context.catalog.constraints_of(partition.oid):
        if isinstance(constraint, CheckConstraint) and constraint.is_inherited:
            context.transaction.put(replaced(constraint, is_inherited=False))
        elif isinstance(constraint, ForeignKey) and constraint.parent_oid:
            context.transaction.put(replaced(constraint, parent_oid=0))
    for index in context.catalog.indexes_of(partition.oid):
        if index.parent_oid:
            context.transaction.put(replaced(index, parent_oid=0))


# -- CHECK


def _inherit_checks(context: CommandContext, parent: Table, partition: Table, *, is_attached: bool) -> Table:
    attnums = attnums_below(parent, partition)
    own = {c.name: c for c in context.catalog.constraints_of(partition.oid) if isinstance(c, CheckConstraint)}
    for check in context.catalog.constraints_of(parent.oid):
        if not isinstance(check, CheckConstraint):
            continue
        found = own.get(check.name)
        if found is not None:
            _check_same(partition, check, found)
            if not found.is_inherited:
                context.transaction.put(replaced(found, is_inherited=True))
            continue
        if is_attached:
            raise DatatypeMismatch(f'child table is missing constraint "{check.name}"')
        copied = replaced(
            check, oid=context.storage.allocate_oid(), owner_oid=partition.owner_oid, table_oid=partition.oid,
            attnums=mapped_attnums(check.attnums, attnums), is_inherited=True, comment=None,
        )  # fmt: skip
        if copied.is_validated:
            check_rows_of_check(context, partition, copied)
        context.transaction.put(copied)
    return partition


def _check_same(partition: Table, check: CheckConstraint, found: CheckConstraint) -> None:
    if found.expression_sql != check.expression_sql:
        raise DatatypeMismatch(
            f'child table "{partition.name}" has different definition for check constraint "{check.name}"'
        )
    if check.is_validated and not found.is_validated:
        raise ObjectNotInPrerequisiteState(
            f'constraint "{check.name}" conflicts with NOT VALID constraint on child table "{partition.name}"'
        )


# -- indexes


def inherit_index(context: CommandContext, index: Index, partition: Table) -> list[int]:
    """Give a partition and those below it its part of an index; the OIDs of new ones that have files to be built."""
    own = context.catalog.indexes_of(partition.oid)
    part = next((other for other in own if other.parent_oid == index.oid), None)
    built: list[int] = []
    if part is None:
        part = next(
            (other for other in own if not other.parent_oid and _is_alike(context, index, other)), None
        )
        if part is not None:
            part = replaced(part, parent_oid=index.oid)
        else:
            part = _index_part(context, index, partition)
            check_covers_key(partition, part)
            partition = context.catalog.table(partition.oid)
            if has_files(partition, part):
                built.append(part.oid)
        context.transaction.put(part)
    for below in children(context.catalog, partition):
        built += inherit_index(context, part, below)
    return built


def _index_part(context: CommandContext, index: Index, partition: Table) -> Index:
    parent = context.catalog.table(index.table_oid)
    attnums = attnums_below(parent, partition)
    if index.is_primary:
        not_null = [attnums[attnum] for attnum in index.key_attnums()]
        partition = with_not_null(context, partition, not_null)
    keys = tuple(copied_key(key, attnums) for key in index.keys)
    included = tuple(attnums[attnum] for attnum in index.included)
    return replaced(
        index, oid=context.storage.allocate_oid(), included=included, owner_oid=partition.owner_oid,
        name=index_name_of_copy(context, partition, index, (keys, included)), schema_oid=partition.schema_oid,
        table_oid=partition.oid, keys=keys,
        constraint_oid=context.storage.allocate_oid() if index.constraint_oid else 0,
        predicate_attnums=mapped_attnums(index.predicate_attnums, attnums), comment=None, constraint_comment=None,
        parent_oid=index.oid,
    )  # fmt: skip


def _is_alike(context: CommandContext, index: Index, other: Index) -> bool:
    """Whether an index of a partition can be the part of its parent's (CompareIndexInfo() in catalog/index.c)."""
    if bool(index.constraint_oid) and not other.constraint_oid:
        return False
    parent, partition = context.catalog.table(index.table_oid), context.catalog.table(other.table_oid)
    attnums = attnums_below(parent, partition)
    keys = tuple(copied_key(key, attnums) for key in index.keys)
    included = tuple(attnums[attnum] for attnum in index.included)
    same = ("family", "is_unique", "nulls_not_distinct", "metric", "predicate_sql", "is_deferrable")
    if index.is_primary and not other.is_primary:
        return False
    return (
        keys == other.keys
        and included == other.included
        and all(getattr(index, name) == getattr(other, name) for name in same)
    )


def attach_index_part(context: CommandContext, statement: AttachPartitionStatement) -> None:
    """ALTER INDEX ... ATTACH PARTITION.

    Raises:
        InvalidObjectDefinition: 42P17, the indexes do not match. ObjectNotInPrerequisiteState: 55000, one is attached already.
    """
    index = of_kind(find_relation(context, statement.table), Index)
    part = of_kind(find_relation(context, statement.partition), Index)
    check_owner(context, index)
    message = f'cannot attach index "{part.name}" as a partition of index "{index.name}"'
    parent, partition = context.catalog.table(index.table_oid), context.catalog.table(part.table_oid)
    if part.parent_oid == index.oid:
        return
    if part.parent_oid:
        raise ObjectNotInPrerequisiteState(
            message, detail=f'Index "{part.name}" is already attached to another index.'
        )
    if partition.parent_oid != parent.oid:
        raise InvalidObjectDefinition(
            message, detail=f'Index "{part.name}" is not an index on any partition of table "{parent.name}".'
        )
    if any(other.parent_oid == index.oid for other in context.catalog.indexes_of(partition.oid)):
        raise ObjectNotInPrerequisiteState(
            message, detail=f'Another index is already attached for partition "{partition.name}".'
        )
    if index.constraint_oid and not part.constraint_oid:
        raise InvalidObjectDefinition(
            message,
            detail=f'The index "{index.name}" belongs to a constraint in table "{parent.name}" but no constraint'
            f' exists for index "{part.name}".',
        )
    if not _is_alike(context, index, part):
        raise InvalidObjectDefinition(message, detail="The index definitions do not match.")
    context.transaction.put(replaced(part, parent_oid=index.oid))


def parts_of_index(context: CommandContext, index: Index) -> Iterator[Index]:
    """The parts of an index in partitions, those below before those above."""
    for partition in children(context.catalog, context.catalog.table(index.table_oid)):
        for other in context.catalog.indexes_of(partition.oid):
            if other.parent_oid == index.oid:
                yield from parts_of_index(context, other)
                yield other


# -- foreign keys


def _inherit_foreign_keys(context: CommandContext, parent: Table, partition: Table) -> None:
    attnums = attnums_below(parent, partition)
    for key in context.catalog.constraints_of(parent.oid):
        if isinstance(key, ForeignKey):
            _inherit_foreign_key(context, key, partition, attnums)


def _inherit_foreign_key(
    context: CommandContext, key: ForeignKey, partition: Table, attnums: dict[int, int]
) -> None:
    own = [c for c in context.catalog.constraints_of(partition.oid) if isinstance(c, ForeignKey)]
    if any(other.parent_oid == key.oid for other in own):
        return
    part = replaced(
        key, oid=context.storage.allocate_oid(), owner_oid=partition.owner_oid, table_oid=partition.oid,
        attnums=tuple(attnums[attnum] for attnum in key.attnums),
        set_attnums=tuple(attnums[attnum] for attnum in key.set_attnums), parent_oid=key.oid, comment=None,
    )  # fmt: skip
    for other in own:
        as_part = replace(part, oid=other.oid, name=other.name, comment=other.comment)
        if not other.parent_oid and replace(other, parent_oid=key.oid) == as_part:
            context.transaction.put(as_part)
            return
    taken = {constraint.name for constraint in context.catalog.constraints_of(partition.oid)}
    if part.name in taken:
        names = "_".join(partition.column_at(attnum).name for attnum in part.attnums)
        parts = (partition.name, names, "fkey")
        name = free_constraint_name(context.catalog, context.database_oid, partition.schema_oid, parts)
        part = replaced(part, name=name)
    if part.is_validated and partition.partition_key is None:
        check_existing_rows(part, context.execution_context())
    context.transaction.put(part)


def parts_of_foreign_key(context: CommandContext, key: ForeignKey) -> Iterator[ForeignKey]:
    """The parts of a foreign key in partitions."""
    for partition in children(context.catalog, context.catalog.table(key.table_oid)):
        for other in context.catalog.constraints_of(partition.oid):
            if isinstance(other, ForeignKey) and other.parent_oid == key.oid:
                yield from parts_of_foreign_key(context, other)
                yield other


# -- dropping


def drop_with_parts(context: CommandContext, table: Table, constraint: Constraint) -> None:
    """Drop a constraint or index of a table with its parts in partitions."""
    parts: Iterable[CatalogObject]
    if isinstance(constraint, Index):
        parts = list(parts_of_index(context, constraint))
    elif isinstance(constraint, ForeignKey):
        parts = list(parts_of_foreign_key(context, constraint))
    else:
        parts = list(_parts_of_check(context, table, constraint))
    for part in (*parts, constraint):
        context.transaction.drop(part.oid)


def _parts_of_check(
    context: CommandContext, table: Table, check: CheckConstraint
) -> Iterator[CheckConstraint]:
    for partition in children(context.catalog, table):
        for other in context.catalog.constraints_of(partition.oid):
            if isinstance(other, CheckConstraint) and other.name == check.name and other.is_inherited:
                yield from _parts_of_check(context, partition, other)
                yield other
