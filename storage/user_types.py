"""The catalog's users' types made known to the process (`foundation.enum_types`, `foundation.sqltypes`), and their OIDs."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from foundation.enum_types import register_enum
from foundation.row_types import RowShape, register_composite
from foundation.sqltypes import DOMAINS, TYPES, SqlType, plain_oid, sql_identifier
from storage.catalog import Catalog, CatalogObject, ColumnRelation, Schema
from storage.type_objects import CompositeType, DomainType, EnumType, UserType

if TYPE_CHECKING:
    from storage.transaction import Transaction

FIRST_TYPE_OID = 1 << 30
LAST_TYPE_OID = (1 << 31) - 1


def register_types(objects: Iterable[CatalogObject], catalog: Catalog) -> None:
    """Register the types among some objects, and those of a schema among them: it may have another name now."""
    objects = list(objects)
    found = {obj.oid: obj for obj in objects if isinstance(obj, UserType)}
    schemas = {obj.oid for obj in objects if isinstance(obj, Schema)}
    if schemas:
        found |= {obj.oid: obj for obj in catalog.objects(UserType) if obj.schema_oid in schemas}
    # A domain may be over any other type.
    for obj in sorted(found.values(), key=lambda obj: isinstance(obj, DomainType)):
        schema = catalog.get(obj.schema_oid)
        _register(obj, schema.name if isinstance(schema, Schema) else "public")


def _register(obj: UserType, schema: str) -> None:
    match obj:
        case EnumType():
            pairs = ((label.position, label.text) for label in obj.labels)
            register_enum((obj.oid, obj.array_oid), obj.name, schema, pairs)
        case CompositeType():
            names = tuple(attribute.name for attribute in obj.attributes)
            shape = RowShape(names, tuple(attribute.type for attribute in obj.attributes))
            register_composite((obj.oid, obj.array_oid), obj.name, schema, shape)
        case DomainType():
            base = TYPES[obj.base.oid]
            shown = sql_identifier(obj.name)
            DOMAINS[obj.oid] = replace(base, oid=obj.oid, name=obj.name, sql_name=shown, schema=schema)


def announce_type(transaction: Transaction, obj: CatalogObject) -> None:
    """Register a type that a transaction has made or changed.

    Nobody else can name a new one yet. Of a type that is committed, all learn when the transaction commits.
    """
    if isinstance(obj, UserType) and transaction.bases[obj.oid] is None:
        register_types([obj], transaction.catalog)


def unused_type_oids(catalog: Catalog, count: int) -> list[int]:
    """Random OIDs that neither the catalog nor the process knows."""
    taken: set[int] = set()
    while len(taken) < count:
        oid = FIRST_TYPE_OID + secrets.randbelow(LAST_TYPE_OID - FIRST_TYPE_OID)
        if catalog.get(oid) is None and oid not in TYPES and oid not in DOMAINS:
            taken.add(oid)
    return list(taken)


def type_oids(sql_type: SqlType) -> tuple[int, ...]:
    """The OIDs of the types that a value of this type needs, its domain's among them."""
    oid = plain_oid(sql_type.oid)
    return (oid, sql_type.domain_oid) if sql_type.domain_oid else (oid,)


def missing_types(catalog: Catalog, user: CatalogObject) -> list[int]:
    """OIDs of users' types that columns, a domain or a composite type are made of and the catalog has not."""
    used: list[SqlType] = []
    if isinstance(user, ColumnRelation):
        used = [column.type for column in user.live_columns()]
    elif isinstance(user, DomainType):
        used = [user.base]
    elif isinstance(user, CompositeType):
        used = [attribute.type for attribute in user.attributes]
    oids = [oid for sql_type in used for oid in type_oids(sql_type) if oid >= FIRST_TYPE_OID]
    if not oids:
        return []
    known = {oid for obj in catalog.objects(UserType, user.database_oid) for oid in (obj.oid, obj.array_oid)}
    return [oid for oid in oids if oid not in known]
