"""Partitioned tables and their partitions: making one, attaching a table as one, detaching it.

What a partition has from its parent is in `partition_parts`, bounds are in `partition_bounds`, and what ALTER TABLE does to
partitions is in `partition_alterations`. https://www.postgresql.org/docs/16/ddl-partitioning.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foundation.errors import (
    CheckViolation,
    DuplicateColumn,
    DuplicateTable,
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedTable,
    WrongObjectType,
)
from foundation.sqltypes import SqlType, format_type
from planner.partitions.hashing import has_partition_hash
from planner.partitions.keys import is_ordered
from planner.partitions.partition_map import PartitionMap, map_of
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.commands.collations import kept_collation
from sqlfront.commands.columns import SYSTEM_COLUMNS, PlannedColumn, checked_default
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.foreign_keys import check_removal
from sqlfront.commands.lookup import check_owner, find_relation, find_table, maybe_relation, not_supported_for
from sqlfront.commands.operator_classes import BTREE, HASH, resolve_class
from sqlfront.commands.partition_bounds import check_bound, evaluated_bound
from sqlfront.commands.partition_parts import (
    attach_index_part,
    inherit_parts,
    matching_columns,
    release_parts,
)
from sqlfront.commands.stored_rows import visible_rows
from sqlfront.parser import (
    AttachPartitionStatement,
    ColumnSpecification,
    CreateTableStatement,
    DetachPartitionStatement,
    PartitionElement,
    PartitionSpecification,
)
from storage.catalog import Column, MaterializedView, Persistence, Table, replaced
from storage.partition_objects import PartitionKey, PartitionStrategy
from storage.partition_tree import children, leaves, partition_tree

KEY_COLUMNS_MAX = 32
_STRATEGIES = {
    "range": PartitionStrategy.RANGE,
    "list": PartitionStrategy.LIST,
    "hash": PartitionStrategy.HASH,
}


# -- PARTITION BY


def partition_key(specification: PartitionSpecification, columns: Sequence[Column]) -> PartitionKey:
    """The key of a table with these columns.

    Raises:
        InvalidParameterValue: 22023. InvalidObjectDefinition: 42P17. UndefinedColumn: 42703.
        UndefinedObject: 42704, no operator class. FeatureNotSupported: 0A000, an expression, a type without order or hash here.
    """
    strategy = _STRATEGIES.get(specification.strategy)
    if strategy is None:
        raise InvalidParameterValue(f'unrecognized partitioning strategy "{specification.strategy}"')
    elements = specification.elements
    if len(elements) > KEY_COLUMNS_MAX:
        raise InvalidTableDefinition(f"cannot partition using more than {KEY_COLUMNS_MAX} columns")
    if strategy is PartitionStrategy.LIST and len(elements) > 1:
        raise InvalidObjectDefinition('cannot use "list" partition strategy with more than one column')
    found = [_key_column(element, columns) for element in elements]
    collations = [
        kept_collation(element.collation, column.type) or column.collation
        for element, column in zip(elements, found, strict=True)
    ]
    family = HASH if strategy is PartitionStrategy.HASH else BTREE
    classes = [
        resolve_class(family, element.operator_class, column.type).name
        for element, column in zip(elements, found, strict=True)
    ]
    for column in found:
        _check_divisible(column.type, strategy)
    return PartitionKey(strategy, tuple(column.attnum for column in found), tuple(classes), tuple(collations))


def _key_column(element: PartitionElement, columns: Sequence[Column]) -> Column:
    if element.column is None:
        raise FeatureNotSupported(
            "expressions in partition keys are not supported", position=element.position
        )
    if element.column in SYSTEM_COLUMNS:
        raise InvalidObjectDefinition(
            f'cannot use system column "{element.column}" in partition key', position=element.position
        )
    column = next((c for c in columns if c.name == element.column and not c.is_dropped), None)
    if column is None:
        raise UndefinedColumn(
            f'column "{element.column}" named in partition key does not exist', position=element.position
        )
    if column.generated_sql is not None:
        raise InvalidObjectDefinition(
            "cannot use generated column in partition key",
            detail=f'Column "{column.name}" is a generated column.',
            position=element.position,
        )
    return column


def _check_divisible(sql_type: SqlType, strategy: PartitionStrategy) -> None:
    is_hash = strategy is PartitionStrategy.HASH
    if not (has_partition_hash(sql_type) if is_hash else is_ordered(sql_type)):
        word = "hash" if is_hash else "list" if strategy is PartitionStrategy.LIST else "range"
        raise FeatureNotSupported(f"{word} partitioning by type {format_type(sql_type)} is not supported")


# -- PARTITION OF


def partition_parent(context: CommandContext, statement: CreateTableStatement) -> Table | None:
    """The table that a new one is to be a partition of. Raises UndefinedTable (42P01), InvalidObjectDefinition (42P17)."""
    if statement.partition_of is None:
        return None
    parent = find_table(context, statement.partition_of.parent)
    check_owner(context, parent)
    if parent.partition_key is None:
        raise InvalidObjectDefinition(f'"{parent.name}" is not partitioned')
    if parent.persistence is Persistence.TEMPORARY and statement.persistence is not Persistence.TEMPORARY:
        raise WrongObjectType(
            f'cannot create a permanent relation as partition of temporary relation "{parent.name}"'
        )
    if parent.persistence is not Persistence.TEMPORARY and statement.persistence is Persistence.TEMPORARY:
        raise WrongObjectType(
            f'cannot create a temporary relation as partition of permanent relation "{parent.name}"'
        )
    return parent


def partition_columns(
    context: CommandContext, parent: Table, statement: CreateTableStatement
) -> list[PlannedColumn]:
    """The parent's columns with what PARTITION OF says of them; identity is the parent's alone.

    Raises:
        UndefinedColumn: 42703. DuplicateColumn: 42701. InvalidTableDefinition: 42P16.
    """
    given: dict[str, ColumnSpecification] = {}
    for specification in statement.columns:
        if specification.name in given:
            raise DuplicateColumn(f'column "{specification.name}" specified more than once')
        if parent.column(specification.name) is None:
            raise UndefinedColumn(f'column "{specification.name}" does not exist')
        given[specification.name] = specification
    found = []
    for attnum, column in enumerate(parent.live_columns(), 1):
        copied = replace(column, attnum=attnum, identity="", missing_value=None, comment=None, acl=None)
        found.append(PlannedColumn(_specified(context, copied, given.get(column.name))))
    return found


def _specified(context: CommandContext, column: Column, specification: ColumnSpecification | None) -> Column:
    if specification is None:
        return column
    if specification.generated is not None or specification.identity:
        what = "generation expression" if specification.generated is not None else "identity column"
        raise FeatureNotSupported(f"a {what} of a partition's own is not supported")
    if specification.default is not None:
        if column.generated_sql is not None:
            raise InvalidTableDefinition(
                f'column "{column.name}" inherits from generated column but specifies default'
            )
        column = replace(column, default_sql=checked_default(context, column, specification.default))
    return replace(column, not_null=column.not_null or specification.not_null is True)


def add_partition(
    context: CommandContext, parent: Table, table: Table, statement: CreateTableStatement
) -> Table:
    """Make a new table, which has the parent's columns, its partition; the table as it is then.

    Raises:
        QuiverError: as `evaluated_bound` and `check_bound`; CheckViolation (23514), the default partition has rows of it.
    """
    assert statement.partition_of is not None
    specification = statement.partition_of.bound
    bound = evaluated_bound(context, parent, specification)
    check_bound(context, parent, table.name, bound, specification)
    table = replaced(table, parent_oid=parent.oid, partition_bound=bound)
    _check_default_rows(context, parent, table)
    context.transaction.put(table)
    return table


def _check_default_rows(context: CommandContext, parent: Table, partition: Table) -> None:
    """No row of the default partition may belong to a new one."""
    decode = context.storage.options.missing_value_decoder
    others = [p for p in children(context.catalog, parent) if p.oid != partition.oid]
    default = next(
        (p for p in others if p.partition_bound is not None and p.partition_bound.is_default), None
    )
    if default is None:
        return
    divided = map_of(parent, [*others, partition], decode)
    wanted = next(place for place, p in enumerate(divided.partitions) if p.oid == default.oid)
    for leaf in leaves(context.catalog, default):
        if _has_other_rows(context, divided, wanted, leaf):
            raise CheckViolation(
                f'updated partition constraint for default partition "{leaf.name}" would be violated by some row',
                table=leaf.name,
                schema_oid=leaf.schema_oid,
            )


def _has_other_rows(context: CommandContext, divided: PartitionMap, place: int, leaf: Table) -> bool:
    """Whether a visible row of a leaf belongs elsewhere than to the partition at a place."""
    names = [divided.table.column_at(attnum).name for attnum in divided.key.attnums]
    own = [column.attnum for name in names if (column := leaf.column(name)) is not None]
    context.transaction.expect_unchanged(leaf.oid)
    for _, batch in visible_rows(context, leaf, sorted(set(own))):
        columns = [batch.column(str(attnum)) for attnum in own]
        if (divided.places(columns) != place).any():
            return True
    return False


# -- ATTACH and DETACH


def execute_attach(statement: AttachPartitionStatement, context: CommandContext) -> CommandResult:
    """ALTER TABLE ... ATTACH PARTITION, ALTER INDEX ... ATTACH PARTITION.

    Raises:
        InvalidObjectDefinition: 42P17. WrongObjectType: 42809. DatatypeMismatch: 42804, the columns are not the parent's.
        CheckViolation: 23514, a row does not belong there. QuiverError: as `evaluated_bound`.
    """
    if statement.is_index:
        attach_index_part(context, statement)
        return CommandResult("ALTER INDEX")
    parent = _altered(context, statement)
    if parent is None:
        return CommandResult("ALTER TABLE")
    partition = find_relation(context, statement.partition)
    if not isinstance(partition, Table) or isinstance(partition, MaterializedView):
        raise not_supported_for("ALTER action ATTACH PARTITION cannot be performed on", partition)
    check_owner(context, partition)
    if partition.parent_oid:
        raise WrongObjectType(f'"{partition.name}" is already a partition')
    if any(part.oid == parent.oid for part in partition_tree(context.catalog, partition)):
        raise DuplicateTable(
            "circular inheritance not allowed",
            detail=f'"{parent.name}" is already a child of "{partition.name}".',
        )
    _check_same_persistence(parent, partition)
    partition = matching_columns(parent, partition)
    assert statement.bound is not None, "the grammar gives ATTACH PARTITION of a table a bound"
    bound = evaluated_bound(context, parent, statement.bound)
    check_bound(context, parent, partition.name, bound, statement.bound)
    partition = replaced(partition, parent_oid=parent.oid, partition_bound=bound)
    context.transaction.put(partition)
    built = inherit_parts(context, parent, partition, is_attached=True)
    _check_own_rows(context, parent, partition)
    _check_default_rows(context, parent, partition)
    return CommandResult("ALTER TABLE", indexes_to_build=tuple(built))


def _altered(
    context: CommandContext, statement: AttachPartitionStatement | DetachPartitionStatement
) -> Table | None:
    """The partitioned table that a statement changes; None with a notice where IF EXISTS lets it be missing."""
    found = maybe_relation(context, statement.table)
    if found is None:
        if statement.if_exists:
            context.notice(f'relation "{statement.table}" does not exist, skipping')
            return None
        raise UndefinedTable(f'relation "{statement.table}" does not exist')
    if not isinstance(found, Table) or isinstance(found, MaterializedView):
        word = "ATTACH" if isinstance(statement, AttachPartitionStatement) else "DETACH"
        raise not_supported_for(f"ALTER action {word} PARTITION cannot be performed on", found)
    check_owner(context, found)
    if found.partition_key is None:
        raise InvalidObjectDefinition(f'table "{found.name}" is not partitioned')
    return found


def _check_same_persistence(parent: Table, partition: Table) -> None:
    if (parent.persistence is Persistence.TEMPORARY) == (partition.persistence is Persistence.TEMPORARY):
        return
    words = ("temporary", "permanent")
    own = words[partition.persistence is not Persistence.TEMPORARY]
    other = words[parent.persistence is not Persistence.TEMPORARY]
    raise WrongObjectType(f'cannot attach a {own} relation as partition of {other} relation "{parent.name}"')


def _check_own_rows(context: CommandContext, parent: Table, partition: Table) -> None:
    decode = context.storage.options.missing_value_decoder
    divided = map_of(parent, children(context.catalog, parent), decode)
    wanted = next(place for place, p in enumerate(divided.partitions) if p.oid == partition.oid)
    for leaf in leaves(context.catalog, partition):
        if _has_other_rows(context, divided, wanted, leaf):
            raise CheckViolation(
                f'partition constraint of relation "{leaf.name}" is violated by some row',
                table=leaf.name,
                schema_oid=leaf.schema_oid,
            )


def execute_detach(statement: DetachPartitionStatement, context: CommandContext) -> CommandResult:
    """ALTER TABLE ... DETACH PARTITION: the table keeps its rows, columns, constraints and indexes.

    Raises:
        InvalidObjectDefinition: 42P17. UndefinedTable: 42P01, it is no partition of the table.
    """
    parent = _altered(context, statement)
    if parent is None:
        return CommandResult("ALTER TABLE")
    partition = find_relation(context, statement.partition)
    if not isinstance(partition, Table) or partition.parent_oid != parent.oid:
        raise UndefinedTable(f'relation "{partition.name}" is not a partition of relation "{parent.name}"')
    check_removal(context, parent, partition)
    release_parts(context, parent, partition)
    context.transaction.put(replaced(partition, parent_oid=0, partition_bound=None))
    return CommandResult("ALTER TABLE")
