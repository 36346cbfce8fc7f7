"""CREATE INDEX. https://www.postgresql.org/docs/15/sql-createindex.html and pgvector's documentation.

The command makes the catalog entry. Vector indexes come back in the result for the session to fill once the
entry is committed; until then their segments are scanned.
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.errors import (
    DuplicateTable,
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedObject,
)
from sqlfront.binder import keep_predicate
from sqlfront.commands.alter_table import check_index_options
from sqlfront.commands.columns import SYSTEM_COLUMNS
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.little_data import warn_of_little_data
from sqlfront.commands.lookup import check_may_create_in, check_owner, find_table, schema_of
from sqlfront.commands.naming import free_relation_name, joined_columns
from sqlfront.commands.operator_classes import (
    BTREE,
    UNSUPPORTED_FAMILIES,
    VECTOR_FAMILIES,
    resolve_class,
)
from sqlfront.commands.pgvector_limits import check_index_dimensions
from sqlfront.commands.table_options import check_unique
from sqlfront.parser import CreateIndexStatement, IndexElement
from storage.catalog import Index, IndexKey, Table

TAG = "CREATE INDEX"
KEYS_MAX = 32


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: tuple[IndexKey, ...]
    names: tuple[str, ...]
    metric: str | None


def execute_create_index(statement: CreateIndexStatement, context: CommandContext) -> CommandResult:
    """Create an index.

    Raises:
        UndefinedTable: 42P01. UndefinedColumn: 42703. UndefinedObject: 42704, an access method or operator class.
        DatatypeMismatch: 42804, an operator class of another type. DuplicateTable: 42P07.
        InvalidParameterValue: 22023, an option, or a vector column without dimensions.
        UniqueViolation: 23505. FeatureNotSupported: 0A000. ProgramLimitExceeded: 54000, `quiver.pgvector_limits`.
    """
    table = find_table(context, statement.table)
    check_owner(context, table)
    schema = schema_of(context, table.schema_oid)
    check_may_create_in(context, schema)
    if statement.name is not None and _is_taken(context, table, statement):
        return CommandResult(TAG)
    family = statement.method
    _check_family(statement)
    keys = _keys(context, table, statement)
    check_unique(statement.options)
    predicate = None
    if statement.where is not None:
        predicate = keep_predicate(context.bind_context(), table, statement.where).sql
    options = tuple((o.name, "true" if o.value is None else o.value) for o in statement.options)
    check_index_options(context, family, dict(options))
    for key in keys.keys:
        if key.attnum:
            check_index_dimensions(context.settings, family, table.column_at(key.attnum).type)
    name = statement.name or free_relation_name(
        context.catalog,
        context.database_oid,
        table.schema_oid,
        (table.name, joined_columns(keys.names), "idx"),
    )
    index = Index(
        context.storage.allocate_oid(), name, context.database_oid, table.owner_oid, schema_oid=table.schema_oid,
        table_oid=table.oid, family=family, keys=keys.keys, is_unique=statement.is_unique, metric=keys.metric,
        options=options, predicate_sql=predicate, nulls_not_distinct=statement.nulls_not_distinct,
    )  # fmt: skip
    context.transaction.put(index)
    warn_of_little_data(context, (index,))
    return CommandResult(TAG, indexes_to_build=(index.oid,) if family in VECTOR_FAMILIES else ())


def _is_taken(context: CommandContext, table: Table, statement: CreateIndexStatement) -> bool:
    """Whether the name exists and IF NOT EXISTS makes that a notice. Raises DuplicateTable (42P07)."""
    assert statement.name is not None
    if context.catalog.find_relation(context.database_oid, table.schema_oid, statement.name) is None:
        return False
    if not statement.if_not_exists:
        raise DuplicateTable(f'relation "{statement.name}" already exists')
    context.notice(f'relation "{statement.name}" already exists, skipping', sqlstate=DuplicateTable.sqlstate)
    return True


def _check_family(statement: CreateIndexStatement) -> None:
    """What the access method can, and what this version leaves out."""
    family = statement.method
    if family in UNSUPPORTED_FAMILIES:
        raise FeatureNotSupported(f'access method "{family}" is not supported')
    if family != BTREE and family not in VECTOR_FAMILIES:
        raise UndefinedObject(f'access method "{family}" does not exist')
    if statement.where is not None and family != BTREE:
        raise FeatureNotSupported(f"a partial {family} index is not supported")
    if len(statement.elements) > KEYS_MAX:
        raise FeatureNotSupported(f"cannot use more than {KEYS_MAX} columns in an index")
    if family == BTREE:
        if statement.include:
            raise FeatureNotSupported("INCLUDE is not supported")
        return
    lacks = None
    if statement.is_unique:
        lacks = "unique indexes"
    elif statement.include:
        lacks = "included columns"
    elif len(statement.elements) > 1:
        lacks = "multicolumn indexes"
    elif any(e.is_descending for e in statement.elements):
        lacks = "ASC/DESC options"
    elif any(e.nulls_first is not None for e in statement.elements):
        lacks = "NULLS FIRST/LAST options"
    if lacks is not None:
        raise FeatureNotSupported(f'access method "{family}" does not support {lacks}')


def _keys(context: CommandContext, table: Table, statement: CreateIndexStatement) -> _Keys:
    keys, names, metric = [], [], None
    for element in statement.elements:
        key, metric = _key(table, statement.method, element)
        keys.append(key)
        names.append(element.column or "expr")
    return _Keys(tuple(keys), tuple(names), metric)


def _key(table: Table, family: str, element: IndexElement) -> tuple[IndexKey, str | None]:
    if element.column is None:
        raise FeatureNotSupported("an index on an expression is not supported", position=element.position)
    if element.column in SYSTEM_COLUMNS:
        raise FeatureNotSupported("index creation on system columns is not supported")
    column = table.column(element.column)
    if column is None:
        raise UndefinedColumn(f'column "{element.column}" does not exist')
    resolved = resolve_class(family, element.operator_class, column.type)
    if family in VECTOR_FAMILIES and column.type.typmod < 1:
        raise InvalidParameterValue("column does not have dimensions")
    nulls_first = element.is_descending if element.nulls_first is None else element.nulls_first
    key = IndexKey(column.attnum, resolved.name, is_descending=element.is_descending, nulls_first=nulls_first)
    return key, resolved.metric
