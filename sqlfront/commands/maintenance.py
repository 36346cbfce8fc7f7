"""VACUUM, ANALYZE, REINDEX, CLUSTER, CHECKPOINT and LOCK TABLE.

https://www.postgresql.org/docs/15/sql-vacuum.html. Statistics do not exist, so ANALYZE only checks its names.
"""

from __future__ import annotations

from collections.abc import Iterable

from foundation.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    SyntaxErrorInStatement,
    UndefinedColumn,
    WrongObjectType,
)
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.databases import find_database
from sqlfront.commands.filled_indexes import has_files
from sqlfront.commands.little_data import warn_of_little_data
from sqlfront.commands.lookup import (
    check_owner,
    computed_relation,
    find_relation,
    find_schema,
    is_owner,
    not_supported_for,
    of_kind,
    rights_of,
)
from sqlfront.commands.partition_parts import parts_of_index
from sqlfront.commands.table_locks import lock_privileges
from sqlfront.parser import (
    AnalyzeStatement,
    CheckpointStatement,
    ClusterStatement,
    LockStatement,
    Option,
    ReindexStatement,
    TableColumns,
    VacuumStatement,
)
from sqlfront.parser.keywords import words
from sqlfront.privileges.roles import has_privileges_of
from storage import Storage
from storage.catalog import Index, Table, View
from storage.lock_modes import TableMode
from storage.partition_tree import partition_tree
from storage.role_objects import CHECKPOINT_OID

_VACUUM_OPTIONS = words(
    "full freeze verbose analyze disable_page_skipping skip_locked index_cleanup process_toast truncate parallel"
)
_ANALYZE_OPTIONS = words("verbose skip_locked")


def execute_vacuum(statement: VacuumStatement, context: CommandContext) -> CommandResult:
    """Seal growing rows, merge what is due and give the space of dead rows back; FULL makes one segment of each table.

    One table after the other is locked, and none for longer than its own turn.
    Without FULL a segment with a graph keeps up to a fifth of dead rows: building it anew would cost more.
    """
    _check_options(statement.options, _VACUUM_OPTIONS, "VACUUM")
    storage = context.storage
    is_full = any(option.name == "full" and _is_on(option) for option in statement.options)
    mode = TableMode.ACCESS_EXCLUSIVE if is_full else TableMode.SHARE_UPDATE_EXCLUSIVE
    locks = context.transaction.locks
    for table in _targets(context, statement.targets, "vacuum"):
        mark = locks.mark()
        locks.lock_table(table, mode)
        if storage.catalog.get(table.oid) is not None:
            _vacuum(storage, table, is_full=is_full)
            if is_full:
                warn_of_little_data(context, context.catalog.indexes_of(table.oid))
        locks.rollback_to(mark)
    storage.checkpoint()
    return CommandResult("VACUUM")


def _vacuum(storage: Storage, table: Table, *, is_full: bool) -> None:
    storage.flush_table(table.oid)
    if is_full:
        storage.merge_segments(table.oid)
    else:
        storage.compact_table(table.oid, keeps_dead=False)
    storage.activity.count_vacuum(table.oid)


def _is_on(option: Option) -> bool:
    """A boolean option as PostgreSQL's defGetBoolean reads it; without a value it is on."""
    match (option.value or "true").lower():
        case "true" | "on" | "1":
            return True
        case "false" | "off" | "0":
            return False
    raise SyntaxErrorInStatement(f"{option.name} requires a Boolean value")


def execute_analyze(statement: AnalyzeStatement, context: CommandContext) -> CommandResult:
    """Check the names; there are no planner statistics to gather."""
    _check_options(statement.options, _ANALYZE_OPTIONS, "ANALYZE")
    for table in _targets(context, statement.targets, "analyze"):
        context.storage.activity.count_analyze(table.oid)
    return CommandResult("ANALYZE")


def _check_options(options: Iterable[Option], known: frozenset[str], command: str) -> None:
    for option in options:
        if option.name not in known:
            raise SyntaxErrorInStatement(f'unrecognized {command} option "{option.name}"')


def _targets(context: CommandContext, targets: tuple[TableColumns, ...], verb: str) -> list[Table]:
    """The tables named, or all of the database that the role may change; what has no rows is skipped with a warning. System catalogs are computed: nothing is to be done there."""
    if not targets:
        tables = context.catalog.objects(Table, context.database_oid)
        return [table for table in tables if is_owner(context, table)]
    found: list[Table] = []
    for target in targets:
        if computed_relation(context, target.table) is not None:
            continue
        table = find_relation(context, target.table)
        check_owner(context, table)
        if not isinstance(table, Table):
            why = f"cannot {verb} non-tables or special system tables"
            context.notice(f'skipping "{table.name}" --- {why}', severity="WARNING", sqlstate="01000")
            continue
        for name in target.columns:
            if table.column(name) is None:
                raise UndefinedColumn(f'column "{name}" of relation "{table.name}" does not exist')
        found += partition_tree(context.catalog, table)
    return found


def execute_reindex(statement: ReindexStatement, context: CommandContext) -> CommandResult:
    """Name the indexes that the session builds again. Keys of unique indexes need no rebuilding."""
    indexes = [
        index
        for index in _reindexed(context, statement)
        if has_files(context.catalog.table(index.table_oid), index)
    ]
    warn_of_little_data(context, indexes)
    return CommandResult("REINDEX", indexes_to_build=tuple(index.oid for index in indexes))


def _reindexed(context: CommandContext, statement: ReindexStatement) -> list[Index]:
    catalog, name = context.catalog, statement.name
    if statement.kind == "INDEX":
        assert name is not None
        index = of_kind(find_relation(context, name), Index)
        check_owner(context, index)
        return [index, *parts_of_index(context, index)]
    if statement.kind == "TABLE":
        assert name is not None
        table = find_relation(context, name)
        if not isinstance(table, Table):
            raise WrongObjectType(f'"{table.name}" is not a table or materialized view')
        check_owner(context, table)
        parts = partition_tree(catalog, table)
        return [index for part in parts for index in catalog.indexes_of(part.oid)]
    everything = list(catalog.objects(Index, context.database_oid))
    if statement.kind == "SCHEMA":
        assert name is not None
        schema = find_schema(context, name.name)
        check_owner(context, schema)
        return [index for index in everything if index.schema_oid == schema.oid]
    if name is not None and find_database(context, name.name).oid != context.database_oid:
        raise FeatureNotSupported("can only reindex the currently open database")
    database = catalog.get(context.database_oid)
    assert database is not None
    check_owner(context, database)
    return everything if statement.kind == "DATABASE" else []


def execute_cluster(statement: ClusterStatement, context: CommandContext) -> CommandResult:
    """Refused: rows have no order of their own to change."""
    raise FeatureNotSupported("CLUSTER is not supported")


def execute_checkpoint(statement: CheckpointStatement, context: CommandContext) -> CommandResult:
    """Write a checkpoint. Raises InsufficientPrivilege (42501) for all but superusers."""
    if not has_privileges_of(context.catalog, context.role_oid, CHECKPOINT_OID, context.database_oid):
        raise InsufficientPrivilege("must be superuser or have privileges of pg_checkpoint to do CHECKPOINT")
    context.storage.checkpoint()
    return CommandResult("CHECKPOINT")


def execute_lock(statement: LockStatement, context: CommandContext) -> CommandResult:
    """Refuse what cannot be locked; the rest has been locked when the command runs, see `table_locks`."""
    for name in statement.tables:
        found = find_relation(context, name)
        if isinstance(found, View):
            raise FeatureNotSupported("LOCK TABLE of a view is not supported")
        if type(found) is not Table:
            raise not_supported_for("cannot lock", found)
        rights_of(context).check_any(found, lock_privileges(statement))
    return CommandResult("LOCK TABLE")
