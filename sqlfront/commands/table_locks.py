"""Which tables a command locks, in which mode, and taking those locks before the command runs.

Names are looked up, the tables locked, and if others have changed the catalog meanwhile the names are looked up again.
What does not exist, or is another role's, is the command's to refuse.

    ACCESS EXCLUSIVE        DROP, TRUNCATE, ALTER TABLE, RENAME, SET SCHEMA; VACUUM FULL
    EXCLUSIVE               REFRESH MATERIALIZED VIEW
    SHARE ROW EXCLUSIVE     both tables of a foreign key that is added
    SHARE                   CREATE INDEX, REINDEX; ALTER DOMAIN that looks at values
    SHARE UPDATE EXCLUSIVE  the same CONCURRENTLY, VALIDATE CONSTRAINT, options, COMMENT, VACUUM, ANALYZE
    ROW EXCLUSIVE           COPY FROM

https://www.postgresql.org/docs/15/explicit-locking.html#LOCKING-TABLES; AlterTableGetLockLevel in
src/backend/commands/tablecmds.c. VACUUM locks one table after the other by itself. Sequences and indexes have no locks of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from foundation.sqltypes import is_of_vector_extension
from sqlfront import parser
from sqlfront.commands.context import CommandContext
from sqlfront.commands.domains import columns_of_domain
from sqlfront.commands.lookup import is_owner, maybe_relation, rights_of
from sqlfront.commands.types import maybe_type
from sqlfront.commands.views import dependent_views
from sqlfront.parser import QualifiedName
from storage.acl import NO_PRIVILEGE, Privilege
from storage.catalog import ColumnRelation, ForeignKey, Index, MaterializedView, Table
from storage.lock_modes import TableMode
from storage.locks import WaitPolicy
from storage.partition_tree import children, foreign_keys_at, partition_tree

Wanted: TypeAlias = Iterator[tuple[Table, TableMode]]


def lock_tables(
    statement: parser.Statement, context: CommandContext, retake_snapshot: Callable[[], None]
) -> None:
    """Lock what the command needs, until the transaction ends.

    `retake_snapshot` makes the transaction see what is committed now, as far as its isolation level allows.

    Raises:
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
    """
    find = _LOCKS.get(type(statement))
    if find is None:
        return
    policy = WaitPolicy.NOWAIT if getattr(statement, "nowait", False) else WaitPolicy.WAIT
    while True:
        is_changed = False
        only = {found.oid for found in _tables(context, getattr(statement, "only", ()))}
        for table, mode in _with_partitions(context, list(find(statement, context)), only):
            if not _may_lock(statement, context, table):
                continue
            is_changed |= context.transaction.locks.lock_table(table, mode, policy)
        if not is_changed:
            return
        catalog = context.catalog
        retake_snapshot()
        if context.catalog is catalog:
            return


def _with_partitions(
    context: CommandContext, wanted: Iterable[tuple[Table, TableMode]], only: set[int]
) -> Wanted:
    """Partitions are locked as their table is, except where it alone was named, by ONLY."""
    for table, mode in wanted:
        yield table, mode
        if table.oid not in only:
            for partition in partition_tree(context.catalog, table):
                yield partition, mode


def _may_lock(statement: parser.Statement, context: CommandContext, table: Table) -> bool:
    """Whether the current user has a right on a table that lets the command lock it; the command says what is missing."""
    if is_owner(context, table):
        return True
    wanted = lock_privileges(statement) if isinstance(statement, parser.LockStatement) else None
    wanted = wanted or _RIGHTS.get(type(statement), NO_PRIVILEGE)
    rights = rights_of(context)
    by_column = rights.may_on_columns(table, wanted, ()) if wanted in _OF_COLUMNS else False
    return by_column or bool(wanted & rights.on(table))


def lock_privileges(statement: parser.LockStatement) -> Privilege:
    """The privileges of which one is enough for LOCK TABLE, as LockTableAclCheck() has them."""
    match statement.mode:
        case "ACCESS SHARE":
            return Privilege.SELECT
        case "ROW EXCLUSIVE":
            return _CHANGES | Privilege.INSERT
        case _:
            return _CHANGES


_CHANGES = Privilege.UPDATE | Privilege.DELETE | Privilege.TRUNCATE
_OF_COLUMNS = (Privilege.INSERT, Privilege.REFERENCES)
_RIGHTS: dict[type[parser.Statement], Privilege] = {
    parser.TruncateStatement: Privilege.TRUNCATE,
    parser.CopyStatement: Privilege.INSERT,
    parser.CreateTableStatement: Privilege.REFERENCES,
    parser.AlterTableStatement: Privilege.REFERENCES,
}
"""What lets a role that is not the owner lock a table."""


def _tables(context: CommandContext, names: Iterable[QualifiedName]) -> Iterator[Table]:
    for name in names:
        found = maybe_relation(context, name)
        if isinstance(found, Table):
            yield found


def _foreign_keys(context: CommandContext, table: Table) -> list[ForeignKey]:
    """Those of the table and those that reference it."""
    own = [c for c in context.catalog.constraints_of(table.oid) if isinstance(c, ForeignKey)]
    return [*own, *foreign_keys_at(context.catalog, table.oid)]


def _other_ends(context: CommandContext, table: Table, keys: Iterable[ForeignKey]) -> Iterator[Table]:
    oids = {oid for key in keys for oid in (key.table_oid, key.referenced_oid)}
    for oid in sorted(oids - {table.oid}):
        yield context.catalog.table(oid)


def _exclusively(tables: Iterable[Table]) -> Wanted:
    for table in tables:
        yield table, TableMode.ACCESS_EXCLUSIVE


# -- dropping


def _drop(statement: parser.DropStatement, context: CommandContext) -> Wanted:
    catalog, database_oid = context.catalog, context.database_oid
    match statement.kind:
        case "TABLE" | "VIEW" | "MATERIALIZED VIEW":
            yield from _with_other_ends(context, _tables(context, statement.names))
            if statement.cascade:
                yield from _exclusively(_materialized_over(context, statement.names))
        case "INDEX":
            mode = TableMode.SHARE_UPDATE_EXCLUSIVE if statement.concurrently else TableMode.ACCESS_EXCLUSIVE
            for name in statement.names:
                found = maybe_relation(context, name)
                if isinstance(found, Index):
                    yield catalog.table(found.table_oid), mode
        case "SCHEMA":
            schemas = {catalog.find_schema(database_oid, name.name) for name in statement.names}
            oids = {schema.oid for schema in schemas if schema is not None}
            tables = [t for t in catalog.objects(Table, database_oid) if t.schema_oid in oids]
            yield from _with_other_ends(context, tables)
        case "EXTENSION":
            yield from _exclusively(t for t in catalog.objects(Table, database_oid) if _has_vectors(t))


def _materialized_over(context: CommandContext, names: Iterable[QualifiedName]) -> Iterator[Table]:
    for name in names:
        found = maybe_relation(context, name)
        if isinstance(found, ColumnRelation):
            for view, _ in dependent_views(context, found):
                if isinstance(view, MaterializedView):
                    yield view


def _with_other_ends(context: CommandContext, tables: Iterable[Table]) -> Wanted:
    for table in tables:
        yield from _exclusively([table, *_other_ends(context, table, _foreign_keys(context, table))])


def _has_vectors(table: Table) -> bool:
    return any(is_of_vector_extension(column.type) for column in table.live_columns())


def _truncate(statement: parser.TruncateStatement, context: CommandContext) -> Wanted:
    tables = list(_tables(context, statement.tables))
    seen = {table.oid for table in tables}
    for table in tables:
        yield table, TableMode.ACCESS_EXCLUSIVE
        if statement.cascade:
            for key in foreign_keys_at(context.catalog, table.oid):
                if key.table_oid not in seen:
                    seen.add(key.table_oid)
                    tables.append(context.catalog.table(key.table_oid))


# -- changing


def _alter_table(statement: parser.AlterTableStatement, context: CommandContext) -> Wanted:
    for table in _tables(context, [statement.name]):
        yield table, max(_action_mode(action) for action in statement.actions)
        for action in statement.actions:
            yield from _others(context, table, action)


def _action_mode(action: parser.AlterAction) -> TableMode:
    match action:
        case parser.AddConstraint(
            constraint=parser.ConstraintDefinition(kind=parser.ConstraintKind.FOREIGN_KEY)
        ):
            return TableMode.SHARE_ROW_EXCLUSIVE
        case parser.ValidateConstraint() | parser.SetOptions():
            return TableMode.SHARE_UPDATE_EXCLUSIVE
        case parser.SetColumnStorage(what="statistics" | "options"):
            return TableMode.SHARE_UPDATE_EXCLUSIVE
        case _:
            return TableMode.ACCESS_EXCLUSIVE


def _others(context: CommandContext, table: Table, action: parser.AlterAction) -> Wanted:
    """Tables at the other end of the foreign keys that an action adds, checks or may drop."""
    match action:
        case parser.AddConstraint(constraint=constraint):
            yield from _referenced(context, [constraint])
        case parser.AddColumn(column=column):
            yield from _referenced(context, column.constraints)
        case parser.ValidateConstraint(name=name):
            for key in context.catalog.constraints_of(table.oid):
                if isinstance(key, ForeignKey) and key.name == name:
                    yield context.catalog.table(key.referenced_oid), TableMode.ROW_SHARE
        case _:
            keys = [key for key in _foreign_keys(context, table) if _concerns(context, table, action, key)]
            yield from _exclusively(_other_ends(context, table, keys))


def _concerns(context: CommandContext, table: Table, action: parser.AlterAction, key: ForeignKey) -> bool:
    """Whether an action changes a foreign key that the table has or is referenced by."""
    match action:
        case (
            parser.DropConstraint(name=name)
            | parser.AlterConstraint(constraint=parser.ConstraintDefinition(name=name))
        ):
            index = context.catalog.get(key.referenced_index_oid)
            is_key_of = key.referenced_oid == table.oid and index is not None and index.name == name
            return is_key_of or (key.table_oid == table.oid and key.name == name)
        case parser.DropColumn(name=name) | parser.AlterColumnType(column=name):
            column = table.column(name)
            attnum = column.attnum if column is not None else 0
            is_referenced = key.referenced_oid == table.oid and attnum in key.referenced_attnums
            return is_referenced or (key.table_oid == table.oid and attnum in key.attnums)
        case _:
            return False


def _referenced(context: CommandContext, constraints: Iterable[parser.ConstraintDefinition]) -> Wanted:
    for table in _tables(context, [c.references for c in constraints if c.references is not None]):
        yield table, TableMode.SHARE_ROW_EXCLUSIVE


def _create_table(statement: parser.CreateTableStatement, context: CommandContext) -> Wanted:
    constraints = [c for column in statement.columns for c in column.constraints]
    yield from _referenced(context, [*constraints, *statement.constraints])
    if statement.partition_of is not None:
        for table in _tables(context, [statement.partition_of.parent]):
            yield table, TableMode.SHARE_UPDATE_EXCLUSIVE
            yield from _exclusively(_default_partition(context, table))


def _alter_domain(statement: parser.AlterDomainStatement, context: CommandContext) -> Wanted:
    """The tables whose values the command looks at."""
    looks = isinstance(
        statement.action,
        parser.AddDomainConstraint | parser.SetDomainNotNull | parser.ValidateDomainConstraint,
    )
    found = maybe_type(context, statement.name) if looks else None
    if found is not None:
        for table, _ in columns_of_domain(context, found.oid):
            yield table, TableMode.SHARE


def _partition(
    statement: parser.AttachPartitionStatement | parser.DetachPartitionStatement, context: CommandContext
) -> Wanted:
    """The partition exclusively, and of the others the default one, whose rows are looked at."""
    if isinstance(statement, parser.AttachPartitionStatement) and statement.is_index:
        for name in (statement.table, statement.partition):
            found = maybe_relation(context, name)
            if isinstance(found, Index):
                yield context.catalog.table(found.table_oid), TableMode.SHARE_UPDATE_EXCLUSIVE
        return
    is_attached = isinstance(statement, parser.AttachPartitionStatement)
    mode = TableMode.SHARE_UPDATE_EXCLUSIVE if is_attached else TableMode.ACCESS_EXCLUSIVE
    for table in _tables(context, [statement.table]):
        yield table, mode
        yield from _exclusively(_default_partition(context, table))
        if not is_attached:
            for other in _other_ends(context, table, _foreign_keys(context, table)):
                yield other, TableMode.SHARE
    yield from _exclusively(_tables(context, [statement.partition]))


def _default_partition(context: CommandContext, table: Table) -> Iterator[Table]:
    for partition in children(context.catalog, table):
        if partition.partition_bound is not None and partition.partition_bound.is_default:
            yield partition


def _named(statement: parser.RenameStatement | parser.SetSchemaStatement, context: CommandContext) -> Wanted:
    yield from _exclusively(_tables(context, [statement.name]))


def _comment(statement: parser.CommentStatement, context: CommandContext) -> Wanted:
    if statement.kind in ("TABLE", "MATERIALIZED VIEW", "COLUMN", "CONSTRAINT"):
        for table in _tables(context, [statement.name]):
            yield table, TableMode.SHARE_UPDATE_EXCLUSIVE


# -- indexes, maintenance, rows


def _create_index(statement: parser.CreateIndexStatement, context: CommandContext) -> Wanted:
    for table in _tables(context, [statement.table]):
        yield table, _build_mode(statement.concurrently)


def _reindex(statement: parser.ReindexStatement, context: CommandContext) -> Wanted:
    found = maybe_relation(context, statement.name) if statement.name is not None else None
    if statement.kind == "TABLE" and isinstance(found, Table):
        yield found, _build_mode(statement.concurrently)
    elif statement.kind == "INDEX" and isinstance(found, Index):
        yield context.catalog.table(found.table_oid), _build_mode(statement.concurrently)


def _build_mode(concurrently: bool) -> TableMode:
    return TableMode.SHARE_UPDATE_EXCLUSIVE if concurrently else TableMode.SHARE


def _analyze(statement: parser.AnalyzeStatement, context: CommandContext) -> Wanted:
    for table in _tables(context, [target.table for target in statement.targets]):
        yield table, TableMode.SHARE_UPDATE_EXCLUSIVE


def _copy(statement: parser.CopyStatement, context: CommandContext) -> Wanted:
    if statement.is_from and statement.table is not None:
        for table in _tables(context, [statement.table]):
            yield table, TableMode.ROW_EXCLUSIVE


def _refresh(statement: parser.RefreshMaterializedViewStatement, context: CommandContext) -> Wanted:
    for table in _tables(context, [statement.name]):
        yield table, TableMode.EXCLUSIVE


def _lock(statement: parser.LockStatement, context: CommandContext) -> Wanted:
    for table in _tables(context, statement.tables):
        yield table, TableMode[statement.mode.replace(" ", "_")]


_LOCKS: dict[type[parser.Statement], Callable[[Any, CommandContext], Wanted]] = {
    parser.AlterDomainStatement: _alter_domain,
    parser.AlterTableStatement: _alter_table,
    parser.AnalyzeStatement: _analyze,
    parser.AttachPartitionStatement: _partition,
    parser.DetachPartitionStatement: _partition,
    parser.CommentStatement: _comment,
    parser.CopyStatement: _copy,
    parser.CreateIndexStatement: _create_index,
    parser.CreateTableStatement: _create_table,
    parser.DropStatement: _drop,
    parser.LockStatement: _lock,
    parser.RefreshMaterializedViewStatement: _refresh,
    parser.ReindexStatement: _reindex,
    parser.RenameStatement: _named,
    parser.SetSchemaStatement: _named,
    parser.TruncateStatement: _truncate,
}
