"""What depends on what, and dropping an object with all that belongs to it.

A table owns its indexes and its columns' sequences; a default may name a sequence; a schema holds relations.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Seq
from dataclasses import replace

from foundation.errors import DependentObjectsStillExist
from sqlfront.commands.check_constraints import drop_checks_of_column
from sqlfront.commands.columns import sequence_default
from sqlfront.commands.context import CommandContext
from sqlfront.commands.foreign_keys import drop_keys_of_column
from sqlfront.commands.index_expressions import read_attnums
from sqlfront.commands.lookup import described, schema_of
from sqlfront.commands.sequences import owned_sequences
from sqlfront.commands.views import dependent_views
from storage.catalog import (
    AnyView,
    CatalogObject,
    Column,
    ForeignKey,
    Index,
    Sequence,
    Table,
    View,
    replaced,
)
from storage.function_objects import UserFunction
from storage.partition_tree import partition_tree
from storage.type_objects import UserType

CASCADE_HINT = "Use DROP ... CASCADE to drop the dependent objects too."


def drop_table(context: CommandContext, table: Table) -> None:
    """Drop a table with its partitions, and with the indexes, constraints and owned sequences of all."""
    catalog = context.catalog
    dropped: dict[int, None] = {}
    for part in partition_tree(catalog, table):
        dropped.update((index.oid, None) for index in catalog.indexes_of(part.oid))
        constraints = (*catalog.constraints_of(part.oid), *catalog.foreign_keys_to(part.oid))
        dropped.update((constraint.oid, None) for constraint in constraints)
        dropped.update((sequence.oid, None) for sequence in owned_sequences(context, part.oid))
        dropped[part.oid] = None
    for oid in dropped:
        context.transaction.drop(oid)


def drop_column(context: CommandContext, table: Table, column: Column) -> Table:
    """Drop a column with the indexes over it, its constraints and its sequences; the table as it is then.

    Raises:
        DependentObjectsStillExist: 2BP01, the table is partitioned by it.
    """
    if table.partition_key is not None and column.attnum in table.partition_key.attnums:
        shown = described(context, table)
        raise DependentObjectsStillExist(
            f"cannot drop column {column.name} of {shown} because {shown} requires it",
            hint=f"You can drop {shown} instead.",
        )
    for index in context.catalog.indexes_of(table.oid):
        if column.attnum in read_attnums(table, index):
            context.transaction.drop(index.oid)
    drop_checks_of_column(context, table, column.attnum)
    drop_keys_of_column(context, table, column.attnum)
    gone = replace(
        column, name=f"........pg.dropped.{column.attnum}........", is_dropped=True, not_null=False,
        default_sql=None, generated_sql=None, identity="", comment=None,
    )  # fmt: skip
    table = with_column(table, gone)
    context.transaction.put(table)
    for sequence in owned_sequences(context, table.oid, column.attnum):
        context.transaction.drop(sequence.oid)
    return table


def with_column(table: Table, column: Column) -> Table:
    """The table with one column replaced by attnum."""
    columns = tuple(column if other.attnum == column.attnum else other for other in table.columns)
    return replaced(table, columns=columns)


def default_users(context: CommandContext, sequence: Sequence) -> Iterator[tuple[Table, Column]]:
    """Columns whose default takes the sequence's next value."""
    text = sequence_default(schema_of(context, sequence.schema_oid).name, sequence.name)
    for table in context.catalog.objects(Table, context.database_oid):
        for column in table.live_columns():
            if column.default_sql == text:
                yield table, column


def move_defaults(context: CommandContext, before: Sequence, default: str) -> None:
    """Let every default that names a sequence name it as it is called from now on."""
    for table, column in list(default_users(context, before)):
        current = context.catalog.table(table.oid)
        context.transaction.put(with_column(current, replace(column, default_sql=default)))


def schema_members(context: CommandContext, schema_oid: int) -> list[CatalogObject]:
    """Tables of a schema, its views, the sequences that belong to none of its tables, its functions, its types."""
    catalog, database_oid = context.catalog, context.database_oid
    tables = [table for table in catalog.objects(Table, database_oid) if table.schema_oid == schema_oid]
    views = [view for view in catalog.objects(View, database_oid) if view.schema_oid == schema_oid]
    sequences = [
        sequence
        for sequence in catalog.objects(Sequence, database_oid)
        if sequence.schema_oid == schema_oid and sequence.owned_by is None
    ]
    types = [found for found in catalog.objects(UserType, database_oid) if found.schema_oid == schema_oid]
    functions = [f for f in catalog.objects(UserFunction, database_oid) if f.schema_oid == schema_oid]
    return [*tables, *views, *sequences, *functions, *types]


def drop_member(context: CommandContext, member: CatalogObject) -> None:
    """Drop what a cascade reaches, with its own parts."""
    if isinstance(member, Table):
        drop_table(context, member)
    elif isinstance(member, Sequence):
        drop_sequence(context, member)
    else:
        context.transaction.drop(member.oid)


def drop_sequence(context: CommandContext, sequence: Sequence) -> None:
    """Drop a sequence and the defaults that use it."""
    for table, column in list(default_users(context, sequence)):
        current = context.catalog.table(table.oid)
        context.transaction.put(with_column(current, replace(column, default_sql=None)))
    context.transaction.drop(sequence.oid)


def refuse_dependents(
    what: str, dependents: Seq[str], *, is_complete: bool = False
) -> DependentObjectsStillExist:
    """2BP01 with PostgreSQL's DETAIL: one line per dependent, `table s.t depends on schema s`.

    With `is_complete` the dependents are whole lines already.
    """
    lines = [line if is_complete else f"{line} depends on {what}" for line in dependents[:100]]
    if len(dependents) > 100:
        more = len(dependents) - 100
        lines.append(f"and {more} other object{'s' if more > 1 else ''} (see server log for list)")
    return DependentObjectsStillExist(
        f"cannot drop {what} because other objects depend on it", detail="\n".join(lines), hint=CASCADE_HINT
    )


def drop_dependents(
    context: CommandContext, what: str, found: Seq[tuple[ForeignKey | AnyView, str]], *, cascade: bool
) -> None:
    """Drop the foreign keys and views that need what is dropped.

    Args:
        what: the object of the statement, as messages name it.
        found: each key or view with what it depends on.

    Raises:
        DependentObjectsStillExist: 2BP01, without CASCADE.
    """
    shown = [described_dependent(context, dependent) for dependent, _ in found]
    if found and not cascade:
        lines = [f"{dependent} depends on {part}" for dependent, (_, part) in zip(shown, found, strict=True)]
        raise refuse_dependents(what, lines, is_complete=True)
    notice_cascade(context, shown)
    for dependent, _ in found:
        drop_member(context, dependent)


def described_dependent(context: CommandContext, dependent: ForeignKey | AnyView) -> str:
    """`view v`, or `constraint c_a_fkey on table c`."""
    if isinstance(dependent, AnyView):
        return described(context, dependent)
    table = context.catalog.table(dependent.table_oid)
    return f"constraint {dependent.name} on {described(context, table)}"


def views_outside(context: CommandContext, dropped: Seq[CatalogObject]) -> list[tuple[AnyView, str]]:
    """Views that read what is dropped and are not among it, each with what it depends on."""
    oids = {obj.oid for obj in dropped}
    found: dict[int, tuple[AnyView, str]] = {}
    for obj in dropped:
        for view, part in dependent_views(context, obj):
            if view.oid not in oids:
                found.setdefault(view.oid, (view, part))
    return list(found.values())


def notice_cascade(context: CommandContext, dependents: Seq[str]) -> None:
    """`drop cascades to table t`, or a count with a list in DETAIL."""
    if len(dependents) == 1:
        context.notice(f"drop cascades to {dependents[0]}")
    elif dependents:
        lines = "\n".join(f"drop cascades to {dependent}" for dependent in dependents)
        context.notice(f"drop cascades to {len(dependents)} other objects", detail=lines)


def constraint_index_error(context: CommandContext, index: Index) -> DependentObjectsStillExist:
    """The error of DROP INDEX on a constraint's index."""
    table = context.catalog.table(index.table_oid)
    constraint = f"constraint {index.name} on {described(context, table)}"
    return DependentObjectsStillExist(
        f"cannot drop {described(context, index)} because {constraint} requires it",
        hint=f"You can drop {constraint} instead.",
    )
