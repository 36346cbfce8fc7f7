"""The catalog's users' types made known to the process (`foundation.enum_types`), and their OIDs."""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from foundation.enum_types import register_enum
from foundation.sqltypes import TYPES
from storage.catalog import Catalog, CatalogObject, EnumType, Schema

if TYPE_CHECKING:
    from storage.transaction import Transaction

FIRST_TYPE_OID = 1 << 30
LAST_TYPE_OID = (1 << 31) - 1


def register_types(objects: Iterable[CatalogObject], catalog: Catalog) -> None:
    """Register the types among some objects, and those of a schema among them: it may have another name now."""
    objects = list(objects)
    found = {obj.oid: obj for obj in objects if isinstance(obj, EnumType)}
    schemas = {obj.oid for obj in objects if isinstance(obj, Schema)}
    if schemas:
        found |= {enum.oid: enum for enum in catalog.objects(EnumType) if enum.schema_oid in schemas}
    for enum in found.values():
        schema = catalog.get(enum.schema_oid)
        name = schema.name if isinstance(schema, Schema) else "public"
        pairs = ((label.position, label.text) for label in enum.labels)
        register_enum((enum.oid, enum.array_oid), enum.name, name, pairs)


def announce_type(transaction: Transaction, obj: CatalogObject) -> None:
    """Register a type that a transaction has made or changed.

    Nobody else can name a new one yet. Of a type that is committed, all learn when the transaction commits.
    """
    if isinstance(obj, EnumType) and transaction.bases[obj.oid] is None:
        register_types([obj], transaction.catalog)


def unused_type_oids(catalog: Catalog, count: int) -> list[int]:
    """Random OIDs that neither the catalog nor the process knows."""
    taken: set[int] = set()
    while len(taken) < count:
        oid = FIRST_TYPE_OID + secrets.randbelow(LAST_TYPE_OID - FIRST_TYPE_OID)
        if catalog.get(oid) is None and oid not in TYPES:
            taken.add(oid)
    return list(taken)


def types_used(columns: Iterable[int], known: Container[int]) -> list[int]:
    """Those of some type OIDs that are users' types and not among the known ones."""
    return [oid for oid in columns if oid >= FIRST_TYPE_OID and oid not in known]
