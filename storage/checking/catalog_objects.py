"""Consistency of the catalog: every object that another one names is there, and is what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from foundation.sqltypes import FIRST_USER_OID, TYPES
from storage.catalog import (
    PG_CATALOG_SCHEMA_OID,
    SHARED_DATABASE,
    AnyView,
    Catalog,
    CatalogObject,
    CheckConstraint,
    ColumnRelation,
    Database,
    Extension,
    ForeignKey,
    Index,
    MaterializedView,
    Role,
    RoleDefaults,
    Schema,
    Sequence,
    Table,
    View,
)
from storage.function_objects import UserFunction
from storage.type_objects import CompositeType, DomainType, EnumType, UserType
from storage.user_types import missing_types


def catalog_faults(catalog: Catalog, oid_limit: int) -> Iterator[tuple[int, str]]:
    """(OID, what is wrong with that object): one sentence each.

    Args:
        catalog: the committed catalog.
        oid_limit: OIDs below it may have been given out.
    """
    for obj in catalog.all_objects():
        for fault in (*_owner_faults(catalog, obj, oid_limit), *_own_faults(catalog, obj)):
            yield obj.oid, f'{obj.kind} "{obj.name}" (OID {obj.oid}): {fault}'


def _owner_faults(catalog: Catalog, obj: CatalogObject, oid_limit: int) -> Iterator[str]:
    if obj.oid >= oid_limit and not isinstance(obj, UserType):
        yield f"its OID was never given out, {oid_limit} is the limit"
    if catalog.named_like(obj) is not obj:
        yield "another object has its name"
    if not isinstance(catalog.get(obj.owner_oid), Role):
        yield f"its owner, role {obj.owner_oid}, does not exist"
    is_shared = isinstance(obj, Database | Role | RoleDefaults)
    if is_shared != (obj.database_oid == SHARED_DATABASE):
        yield f"it belongs to database {obj.database_oid}"
    elif not is_shared and not isinstance(catalog.get(obj.database_oid), Database):
        yield f"its database {obj.database_oid} does not exist"


def _own_faults(catalog: Catalog, obj: CatalogObject) -> Iterator[str]:
    match obj:
        case Table():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
            yield from _column_faults(obj)
            yield from _type_faults(catalog, obj)
            yield from _partition_faults(catalog, obj)
            if isinstance(obj, MaterializedView):
                yield from _reference_faults(catalog, obj)
        case View():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
            yield from _column_faults(obj)
            yield from _reference_faults(catalog, obj)
        case UserFunction():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
        case EnumType():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
            positions = [label.position for label in obj.labels]
            if sorted(set(positions)) != positions:
                yield "its labels are not in ascending order"
        case DomainType() | CompositeType():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
            yield from _type_faults(catalog, obj)
        case Index():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
            read = (*obj.read_attnums(), *obj.predicate_attnums, *obj.included)
            yield from _table_faults(catalog, obj, obj.table_oid, read)
            if not obj.keys:
                yield "it has no keys"
            if obj.is_primary and not obj.is_unique:
                yield "a primary key is not unique"
            if obj.parent_oid and not isinstance(catalog.get(obj.parent_oid), Index):
                yield f"it is part of index {obj.parent_oid}, which does not exist"
        case CheckConstraint():
            yield from _table_faults(catalog, obj, obj.table_oid, obj.attnums)
        case ForeignKey():
            yield from _foreign_key_faults(catalog, obj)
        case Sequence():
            yield from _schema_faults(catalog, obj, obj.schema_oid)
            yield from _sequence_faults(catalog, obj)
        case Extension():
            yield from _schema_faults(catalog, obj, obj.schema_oid)


def _schema_faults(catalog: Catalog, obj: CatalogObject, schema_oid: int) -> Iterator[str]:
    schema = catalog.get(schema_oid)
    if schema_oid != PG_CATALOG_SCHEMA_OID and not (
        isinstance(schema, Schema) and schema.database_oid == obj.database_oid
    ):
        yield f"its schema {schema_oid} does not exist"


def _reference_faults(catalog: Catalog, view: AnyView) -> Iterator[str]:
    """Relations and columns that a view reads; computed relations are not in the catalog."""
    for oid, attnums in view.references:
        found = catalog.get(oid)
        if oid >= FIRST_USER_OID and not isinstance(found, ColumnRelation | Sequence):
            yield f"it reads relation {oid}, which does not exist"
        elif isinstance(found, ColumnRelation):
            missing = sorted(set(attnums) - {column.attnum for column in found.live_columns()})
            if missing:
                yield f'it reads column {missing[0]} of {found.kind} "{found.name}", which does not exist'


def _column_faults(table: ColumnRelation) -> Iterator[str]:
    if [column.attnum for column in table.columns] != list(range(1, len(table.columns) + 1)):
        yield "its columns are not numbered from 1"
    names = [column.name for column in table.live_columns()]
    if len(set(names)) != len(names):
        yield "two of its columns have one name"
    for column in table.live_columns():
        if column.type.oid not in TYPES:
            yield f'column "{column.name}" is of type {column.type.oid}, which does not exist'


def _partition_faults(catalog: Catalog, table: Table) -> Iterator[str]:
    """A partition's parent has its columns; a partitioned table's key is over some of its own."""
    live = {column.attnum for column in table.live_columns()}
    if table.partition_key is not None and not set(table.partition_key.attnums) <= live:
        yield "it is partitioned by a column that does not exist"
    if (table.parent_oid != 0) != (table.partition_bound is not None):
        yield "it has a parent and no bound, or a bound and no parent"
    if not table.parent_oid:
        return
    parent = catalog.get(table.parent_oid)
    if not isinstance(parent, Table) or parent.partition_key is None:
        yield f"its parent {table.parent_oid} is no partitioned table"
    elif {(c.name, c.type) for c in parent.live_columns()} != {
        (c.name, c.type) for c in table.live_columns()
    }:
        yield f'its columns are not those of table "{parent.name}"'


def _type_faults(catalog: Catalog, user: Table | DomainType | CompositeType) -> Iterator[str]:
    for oid in missing_types(catalog, user):
        yield f"it uses type {oid}, which does not exist"


def _table_faults(
    catalog: Catalog, obj: CatalogObject, table_oid: int, attnums: Iterable[int]
) -> Iterator[str]:
    """An object of a table, and the columns of that table that it names."""
    table = catalog.get(table_oid)
    if not isinstance(table, Table) or table.database_oid != obj.database_oid:
        yield f"its table {table_oid} does not exist"
        return
    live = {column.attnum for column in table.live_columns()}
    missing = sorted(set(attnums) - live)
    if missing:
        yield f'it names column {missing[0]} of table "{table.name}", which does not exist'


def _foreign_key_faults(catalog: Catalog, obj: ForeignKey) -> Iterator[str]:
    yield from _table_faults(catalog, obj, obj.table_oid, (*obj.attnums, *obj.set_attnums))
    yield from _table_faults(catalog, obj, obj.referenced_oid, obj.referenced_attnums)
    if not obj.attnums or len(obj.attnums) != len(obj.referenced_attnums):
        yield f"it pairs {len(obj.attnums)} columns with {len(obj.referenced_attnums)}"
    index = catalog.get(obj.referenced_index_oid)
    if not (isinstance(index, Index) and index.is_unique and index.table_oid == obj.referenced_oid):
        yield f"its unique index {obj.referenced_index_oid} does not exist"
    elif set(index.key_attnums()) != set(obj.referenced_attnums):
        yield f'its unique index "{index.name}" is over other columns'


def _sequence_faults(catalog: Catalog, obj: Sequence) -> Iterator[str]:
    if obj.owned_by is not None:
        table_oid, attnum = obj.owned_by
        yield from _table_faults(catalog, obj, table_oid, (attnum,))
    if not obj.increment or not obj.minimum <= obj.start <= obj.maximum:
        yield (
            f"start {obj.start}, increment {obj.increment}, minimum {obj.minimum} and maximum {obj.maximum} "
            "contradict each other"
        )
