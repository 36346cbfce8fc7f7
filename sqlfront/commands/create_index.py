"""CREATE INDEX. https://www.postgresql.org/docs/15/sql-createindex.html and pgvector's documentation.

The command makes the catalog entry. Indexes that keep files beside segments, vector indexes and btrees that are not
unique, come back in the result for the session to fill once the entry is committed; until then segments are scanned.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import (
    DuplicateTable,
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedObject,
)
from foundation.sqltypes import format_type
from planner.vector import may_be_expression
from sqlfront.binder import (
    KeptExpression,
    KeptKey,
    index_column_names,
    keep_index_expression,
    keep_predicate,
    key_type,
)
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.commands.collations import kept_collation
from sqlfront.commands.columns import SYSTEM_COLUMNS
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.filled_indexes import has_files
from sqlfront.commands.index_expressions import check_stored_rows
from sqlfront.commands.index_options import check_index_options
from sqlfront.commands.key_constraints import check_covers_key
from sqlfront.commands.little_data import warn_of_little_data
from sqlfront.commands.lookup import check_may_create_in, check_owner, find_stored, schema_of
from sqlfront.commands.naming import free_relation_name, joined_columns
from sqlfront.commands.operator_classes import (
    BTREE,
    GIN,
    GIST,
    OWN_FAMILIES,
    SPGIST,
    UNSUPPORTED_FAMILIES,
    VECTOR_FAMILIES,
    chosen_family,
    resolve_class,
)
from sqlfront.commands.partition_parts import inherit_index, parts_of_index
from sqlfront.commands.pgvector_limits import check_index_dimensions, check_sparse_rows
from sqlfront.commands.table_options import check_unique
from sqlfront.parser import CreateIndexStatement, IndexElement
from storage.catalog import Column, Index, IndexKey, Table
from storage.partition_tree import children
from vecengine.choosing import AUTO

TAG = "CREATE INDEX"
KEYS_MAX = 32


def execute_create_index(statement: CreateIndexStatement, context: CommandContext) -> CommandResult:
    """Create an index.

    Raises:
        UndefinedTable: 42P01. UndefinedColumn: 42703. UndefinedObject: 42704, an access method or operator class.
        DatatypeMismatch: 42804, an operator class of another type. DuplicateTable: 42P07.
        InvalidParameterValue: 22023, an option, or a vector column without dimensions.
        InvalidObjectDefinition: 42P17, an expression or predicate that is not immutable. What they raise for a row.
        UniqueViolation: 23505. FeatureNotSupported: 0A000. ProgramLimitExceeded: 54000, `quiver.pgvector_limits`.
    """
    table = find_stored(context, statement.table, "cannot create index on")
    check_owner(context, table)
    schema = schema_of(context, table.schema_oid)
    check_may_create_in(context, schema)
    if statement.name is not None and _is_taken(context, table, statement):
        return CommandResult(TAG)
    if statement.method == AUTO:
        element = statement.elements[0]
        chosen = chosen_family(element.operator_class, _kept_key(context, table, element).type)
        statement = replace(statement, method=chosen)
    family = statement.method
    keys, metric = index_keys(context, table, statement)
    included = tuple(_included(table, element) for element in statement.include)
    check_unique(statement.options)
    predicate = KeptExpression("", ())
    if statement.where is not None:
        predicate = keep_predicate(context.bind_context(), table, statement.where)
    options = tuple((o.name, "true" if o.value is None else o.value) for o in statement.options)
    check_index_options(context, family, dict(options))
    for key in keys:
        check_index_dimensions(context.settings, family, key_type(table, key))
    name = statement.name or free_relation_name(
        context.catalog,
        context.database_oid,
        table.schema_oid,
        (table.name, joined_columns(index_column_names(table, keys, included)), "idx"),
    )
    index = Index(
        context.storage.allocate_oid(), name, context.database_oid, table.owner_oid, schema_oid=table.schema_oid,
        table_oid=table.oid, family=family, keys=keys, is_unique=statement.is_unique, metric=metric,
        options=options, predicate_sql=predicate.sql or None, nulls_not_distinct=statement.nulls_not_distinct,
        predicate_attnums=predicate.attnums if metric is not None else (), included=included,
    )  # fmt: skip
    check_covers_key(table, index)
    context.transaction.put(index)
    if table.partition_key is not None:
        return _index_partitions(context, table, index, statement)
    check_stored_rows(context, table, index)
    check_sparse_rows(context, table, index)
    warn_of_little_data(context, (index,))
    return CommandResult(TAG, indexes_to_build=(index.oid,) if has_files(table, index) else ())


def _index_partitions(
    context: CommandContext, table: Table, index: Index, statement: CreateIndexStatement
) -> CommandResult:
    """Give each partition its part of an index, unless ONLY was said. Raises FeatureNotSupported (0A000), CONCURRENTLY."""
    if statement.concurrently:
        raise FeatureNotSupported(f'cannot create index on partitioned table "{table.name}" concurrently')
    before = {other.oid for other in context.catalog.objects(Index, context.database_oid)}
    built: list[int] = []
    if not statement.is_only:
        for partition in children(context.catalog, table):
            built += inherit_index(context, index, partition)
    for part in parts_of_index(context, index):
        partition = context.catalog.table(part.table_oid)
        if part.oid not in before and partition.partition_key is None:
            check_stored_rows(context, partition, part)
            check_sparse_rows(context, partition, part)
            warn_of_little_data(context, (part,))
    return CommandResult(TAG, indexes_to_build=tuple(built))


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
        raise FeatureNotSupported(
            f'access method "{family}" is not supported',
            hint="Queries give the same rows without the index; a btree index is used for =, <, > and LIKE 'prefix%'.",
        )
    if family not in OWN_FAMILIES and family not in VECTOR_FAMILIES:
        raise UndefinedObject(f'access method "{family}" does not exist')
    if len(statement.elements) + len(statement.include) > KEYS_MAX:
        raise FeatureNotSupported(f"cannot use more than {KEYS_MAX} columns in an index")
    if family == BTREE:
        return
    lacks = None
    if statement.is_unique:
        lacks = "unique indexes"
    elif statement.include and family not in (GIST, SPGIST):
        lacks = "included columns"
    elif len(statement.elements) > 1 and family not in (GIN, GIST):
        lacks = "multicolumn indexes"
    elif any(e.is_descending for e in statement.elements):
        lacks = "ASC/DESC options"
    elif any(e.nulls_first is not None for e in statement.elements):
        lacks = "NULLS FIRST/LAST options"
    if lacks is not None:
        raise FeatureNotSupported(f'access method "{family}" does not support {lacks}')


def index_keys(
    context: CommandContext, table: Table, statement: CreateIndexStatement
) -> tuple[tuple[IndexKey, ...], str | None]:
    """The keys, and the metric of a vector family. Raises what `execute_create_index` raises for them."""
    _check_family(statement)
    keys, metric = [], None
    for element in statement.elements:
        key, metric = _key(context, table, statement.method, element)
        keys.append(key)
    return tuple(keys), metric


def _included(table: Table, element: IndexElement) -> int:
    """A column of INCLUDE. Raises UndefinedColumn (42703), InvalidObjectDefinition (42P17), FeatureNotSupported (0A000)."""
    if element.column is None:
        raise FeatureNotSupported("expressions are not supported in included columns")
    attnum = _plain_column(table, element.column).attnum
    excess = None
    if element.collation is not None:
        excess = "a collation"
    elif element.operator_class is not None:
        excess = "an operator class"
    elif element.is_descending:
        excess = "ASC/DESC options"
    elif element.nulls_first is not None:
        excess = "NULLS FIRST/LAST options"
    if excess is not None:
        raise InvalidObjectDefinition(f"including column does not support {excess}")
    return attnum


def _key(
    context: CommandContext, table: Table, family: str, element: IndexElement
) -> tuple[IndexKey, str | None]:
    kept = _kept_key(context, table, element)
    resolved = resolve_class(family, element.operator_class, kept.type)
    if not kept.attnum and family in VECTOR_FAMILIES and not may_be_expression(kept.type):
        raise FeatureNotSupported(
            f"an index on an expression of type {format_type(kept.type.without_typmod())} is not supported"
        )
    if family in VECTOR_FAMILIES and kept.type.typmod < 1:
        raise InvalidParameterValue("column does not have dimensions")
    nulls_first = element.is_descending if element.nulls_first is None else element.nulls_first
    key = IndexKey(
        kept.attnum, resolved.name, kept.sql or None, element.is_descending, nulls_first, kept.attnums,
        _collation(element, table, kept),
    )  # fmt: skip
    return key, resolved.metric


def _collation(element: IndexElement, table: Table, kept: KeptKey) -> str:
    """What COLLATE names, '' for none or that of the column. Raises UndefinedObject (42704), DatatypeMismatch (42804)."""
    name = kept_collation(element.collation, kept.type)
    return "" if kept.attnum and name == table.column_at(kept.attnum).collation else name


def _kept_key(context: CommandContext, table: Table, element: IndexElement) -> KeptKey:
    if element.column is not None:
        column = _plain_column(table, element.column)
        return KeptKey(column.attnum, column.type)
    assert element.expression is not None
    return keep_index_expression(context.bind_context(), table, element.expression)


def _plain_column(table: Table, name: str) -> Column:
    if name in SYSTEM_COLUMNS:
        raise FeatureNotSupported("index creation on system columns is not supported")
    column = table.column(name)
    if column is None:
        raise UndefinedColumn(f'column "{name}" does not exist')
    return column
