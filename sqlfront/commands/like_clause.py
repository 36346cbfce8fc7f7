"""CREATE TABLE (LIKE other INCLUDING ...): what a new table copies of another one.

Columns come with their type and NOT NULL; the rest by option. STORAGE, COMPRESSION and STATISTICS have nothing to copy.
https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-PARMS-LIKE
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from foundation.errors import DuplicateObject, UndefinedTable, WrongObjectType
from sqlfront.binder import index_column_names
from sqlfront.commands.columns import PlannedColumn
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.key_constraints import with_not_null
from sqlfront.commands.lookup import maybe_relation
from sqlfront.commands.naming import free_relation_name, joined_columns
from sqlfront.commands.sequences import owned_sequences
from sqlfront.parser import LikeClause, LikeOption, SequenceOptions
from storage.catalog import (
    CheckConstraint,
    Column,
    ColumnRelation,
    Index,
    IndexKey,
    Sequence,
    Table,
    replaced,
)


def like_source(context: CommandContext, clause: LikeClause) -> ColumnRelation:
    """The table or view that LIKE names. Raises UndefinedTable (42P01), WrongObjectType (42809)."""
    found = maybe_relation(context, clause.source)
    if found is None:
        raise UndefinedTable(f'relation "{clause.source}" does not exist', position=clause.source.position)
    if not isinstance(found, ColumnRelation):
        kind = "indexes" if isinstance(found, Index) else f"{found.kind}s"
        raise WrongObjectType(
            f'relation "{found.name}" is invalid in LIKE clause',
            detail=f"This operation is not supported for {kind}.",
            position=clause.source.position,
        )
    return found


def copied_columns(
    context: CommandContext, clause: LikeClause, source: ColumnRelation
) -> list[PlannedColumn]:
    """The source's columns; an identity column with the options of the sequence it needs."""
    return [_copied_column(context, clause, source, column) for column in source.live_columns()]


def _copied_column(
    context: CommandContext, clause: LikeClause, source: ColumnRelation, column: Column
) -> PlannedColumn:
    including = clause.including
    copied = Column(column.attnum, column.name, column.type, column.not_null, collation=column.collation)
    if LikeOption.COMMENTS in including:
        copied = replace(copied, comment=column.comment)
    if column.generated_sql is not None:
        kept = column.generated_sql if LikeOption.GENERATED in including else None
        return PlannedColumn(replace(copied, generated_sql=kept))
    if column.identity and LikeOption.IDENTITY in including:
        (sequence,) = owned_sequences(context, source.oid, column.attnum)
        return PlannedColumn(replace(copied, identity=column.identity), _options_of(sequence))
    if LikeOption.DEFAULTS in including:
        copied = replace(copied, default_sql=column.default_sql)
    return PlannedColumn(copied)


def _options_of(sequence: Sequence) -> SequenceOptions:
    return SequenceOptions(
        increment=sequence.increment, minimum=sequence.minimum, maximum=sequence.maximum, start=sequence.start,
        cache=sequence.cache, cycle=sequence.cycle,
    )  # fmt: skip


def copy_parts(
    context: CommandContext, table: Table, clause: LikeClause, source: ColumnRelation
) -> tuple[Table, list[Index]]:
    """Give a new table, which has the source's columns, its CHECKs and indexes as far as they were asked for.

    Returns:
        The table as it is now, and the indexes it got.

    Raises:
        DuplicateObject: 42710, a CHECK of that name is there. InvalidTableDefinition: 42P16, a second primary key.
    """
    attnums = {column.attnum: _attnum(table, column) for column in source.live_columns()}
    if LikeOption.CONSTRAINTS in clause.including:
        _copy_checks(context, table, clause, source, attnums)
    indexes: list[Index] = []
    if LikeOption.INDEXES in clause.including:
        for index in sorted(context.catalog.indexes_of(source.oid), key=lambda index: index.oid):
            table = _copy_index(context, table, clause, index, attnums)
            indexes.append(context.catalog.indexes_of(table.oid)[-1])
    return table, indexes


def _attnum(table: Table, column: Column) -> int:
    found = table.column(column.name)
    assert found is not None, "the table was made from these columns"
    return found.attnum


def _copy_checks(
    context: CommandContext, table: Table, clause: LikeClause, source: ColumnRelation, attnums: dict[int, int]
) -> None:
    """CHECKs keep their names."""
    for check in context.catalog.constraints_of(source.oid):
        if not isinstance(check, CheckConstraint):
            continue
        if any(other.name == check.name for other in context.catalog.constraints_of(table.oid)):
            raise DuplicateObject(f'constraint "{check.name}" for relation "{table.name}" already exists')
        copied = replaced(
            check, oid=context.storage.allocate_oid(), owner_oid=table.owner_oid, table_oid=table.oid,
            attnums=mapped_attnums(check.attnums, attnums), is_validated=True, comment=_comment(clause, check.comment),
        )  # fmt: skip
        context.transaction.put(copied)


def mapped_attnums(read: Iterable[int], attnums: dict[int, int]) -> tuple[int, ...]:
    """Columns by their numbers in the other table, ascending."""
    return tuple(sorted(attnums[attnum] for attnum in read))


def _comment(clause: LikeClause, comment: str | None) -> str | None:
    return comment if LikeOption.COMMENTS in clause.including else None


def _copy_index(
    context: CommandContext, table: Table, clause: LikeClause, index: Index, attnums: dict[int, int]
) -> Table:
    """An index under a name of the new table's; the table as it is then."""
    if index.is_primary:
        if context.catalog.primary_key_of(table.oid) is not None:
            raise InvalidTableDefinition(f'multiple primary keys for table "{table.name}" are not allowed')
        table = with_not_null(context, table, [attnums[attnum] for attnum in index.key_attnums()])
    keys = tuple(copied_key(key, attnums) for key in index.keys)
    included = tuple(attnums[attnum] for attnum in index.included)
    copied = replaced(
        index, oid=context.storage.allocate_oid(), name=index_name_of_copy(context, table, index, (keys, included)), included=included,
        owner_oid=table.owner_oid, database_oid=table.database_oid, schema_oid=table.schema_oid,
        table_oid=table.oid, keys=keys, constraint_oid=context.storage.allocate_oid() if index.constraint_oid else 0,
        predicate_attnums=mapped_attnums(index.predicate_attnums, attnums), comment=_comment(clause, index.comment),
    )  # fmt: skip
    context.transaction.put(copied)
    return table


def copied_key(key: IndexKey, attnums: dict[int, int]) -> IndexKey:
    """An index key over the other table's columns."""
    return replace(
        key,
        attnum=attnums[key.attnum] if key.attnum else 0,
        expression_attnums=mapped_attnums(key.expression_attnums, attnums),
    )


def index_name_of_copy(
    context: CommandContext,
    table: Table,
    index: Index,
    columns: tuple[tuple[IndexKey, ...], tuple[int, ...]],
) -> str:
    """As PostgreSQL makes it up for an index without a name; `columns` are its keys and those of INCLUDE."""
    keys, included = columns
    names = joined_columns(index_column_names(table, keys, included))
    label = "excl" if index.is_exclusion else "key" if index.constraint_oid else "idx"
    parts: tuple[str, str | None, str] = (table.name, names, label)
    if index.is_primary:
        parts = (table.name, None, "pkey")
    return free_relation_name(context.catalog, table.database_oid, table.schema_oid, parts)
