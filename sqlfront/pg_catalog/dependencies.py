"""Rows of pg_depend: who belongs to whom, and what pg_dump has to write in which order.

https://www.postgresql.org/docs/15/catalog-pg-depend.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from foundation.sqltypes import FIRST_USER_OID
from sqlfront.pg_catalog.access_methods import rows_by_oid
from sqlfront.pg_catalog.definitions import relations_named
from sqlfront.pg_catalog.objects import (
    FIRST_EXTENSION_OID,
    PG_ATTRDEF_OID,
    PG_CLASS_OID,
    PG_CONSTRAINT_OID,
    PG_EXTENSION_OID,
    PG_REWRITE_OID,
    PG_TYPE_OID,
    default_oid,
    rule_oid,
)
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.user_types import declared_oid
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import PG_CATALOG_SCHEMA_OID, CheckConstraint, ForeignKey, Index, Sequence, Table, View
from storage.type_objects import CompositeType, DomainType
from storage.user_types import FIRST_TYPE_OID

SHIPPED_CATALOGS = {
    1247: "pg_type", 1255: "pg_proc", 2605: "pg_cast", 2601: "pg_am", 2616: "pg_opclass", 2617: "pg_operator",
    2753: "pg_opfamily",
}  # fmt: skip
"""Catalogs (by OID) with shipped objects. Those of the extension have OIDs from 16385 to the first user object's."""


@rows_of("pg_depend")
def pg_depend(view: CatalogView) -> Iterator[Row]:
    """Who belongs to whom: sequences to their column, indexes and constraints to their table, types to `vector`.

    What pg_dump sorts by is told as well: the sequences that defaults ask.
    """
    vector = view.catalog.find_extension(view.database_oid, "vector")
    if vector is not None:
        for class_oid, oid in extension_members():
            yield _dependency((class_oid, oid), (PG_EXTENSION_OID, vector.oid, 0), "e")
    for sequence in view.objects(Sequence):
        if sequence.owned_by is not None:
            table_oid, attnum = sequence.owned_by
            is_identity = bool(view.catalog.table(table_oid).column_at(attnum).identity)
            yield _dependency(
                (PG_CLASS_OID, sequence.oid), (PG_CLASS_OID, table_oid, attnum), "i" if is_identity else "a"
            )
    for table in view.objects(Table):
        yield from _default_dependencies(view, table)
    for index in view.objects(Index):
        if index.constraint_oid:
            yield _dependency((PG_CLASS_OID, index.oid), (PG_CONSTRAINT_OID, index.constraint_oid, 0), "i")
        else:
            for attnum in (*index.key_attnums(), *index.included):
                yield _dependency((PG_CLASS_OID, index.oid), (PG_CLASS_OID, index.table_oid, attnum), "a")
    yield from _constraint_dependencies(view)
    yield from _type_dependencies(view)
    for stored in view.views():
        rule = (PG_REWRITE_OID, rule_oid(stored))
        yield _dependency(rule, (PG_CLASS_OID, stored.oid, 0), "i")
        if isinstance(stored, View):
            yield _dependency(rule, (PG_CLASS_OID, stored.oid, 0), "n")
        # What every database has is pinned in PostgreSQL, and not in pg_depend.
        for oid, attnums in ((o, a) for o, a in stored.references if o >= FIRST_USER_OID):
            for attnum in attnums or (0,):
                yield _dependency(rule, (PG_CLASS_OID, oid, attnum), "n")


def _constraint_dependencies(view: CatalogView) -> Iterator[Row]:
    """A constraint belongs to its columns; a foreign key needs the columns and the index that it references."""
    columns: list[tuple[int, int, Iterable[int]]] = []
    columns += [
        (k.constraint_oid, k.table_oid, k.key_attnums()) for k in view.objects(Index) if k.constraint_oid
    ]
    columns += [(check.oid, check.table_oid, check.attnums) for check in view.objects(CheckConstraint)]
    columns += [(key.oid, key.table_oid, key.attnums) for key in view.objects(ForeignKey)]
    for oid, table_oid, attnums in columns:
        for attnum in attnums:
            yield _dependency((PG_CONSTRAINT_OID, oid), (PG_CLASS_OID, table_oid, attnum), "a")
    for key in view.objects(ForeignKey):
        constraint = (PG_CONSTRAINT_OID, key.oid)
        for attnum in key.referenced_attnums:
            yield _dependency(constraint, (PG_CLASS_OID, key.referenced_oid, attnum), "n")
        yield _dependency(constraint, (PG_CLASS_OID, key.referenced_index_oid, 0), "n")


def _type_dependencies(view: CatalogView) -> Iterator[Row]:
    """What needs a user's type: columns, attributes and domains; a domain's constraints belong to it."""
    for table in view.objects(Table):
        for column in table.live_columns():
            oid = declared_oid(column.type)
            if oid >= FIRST_TYPE_OID:
                row = _dependency((PG_CLASS_OID, table.oid), (PG_TYPE_OID, oid, 0), "n")
                yield {**row, "objsubid": column.attnum}
    for composite in view.objects(CompositeType):
        yield _dependency((PG_CLASS_OID, composite.relation_oid), (PG_TYPE_OID, composite.oid, 0), "i")
        for number, attribute in enumerate(composite.attributes, 1):
            oid = declared_oid(attribute.type)
            if oid >= FIRST_TYPE_OID:
                row = _dependency((PG_CLASS_OID, composite.relation_oid), (PG_TYPE_OID, oid, 0), "n")
                yield {**row, "objsubid": number}
    for domain in view.objects(DomainType):
        if declared_oid(domain.base) >= FIRST_TYPE_OID:
            yield _dependency((PG_TYPE_OID, domain.oid), (PG_TYPE_OID, declared_oid(domain.base), 0), "n")
        for constraint in domain.constraints:
            yield _dependency((PG_CONSTRAINT_OID, constraint.oid), (PG_TYPE_OID, domain.oid, 0), "a")


def _default_dependencies(view: CatalogView, table: Table) -> Iterator[Row]:
    for column in table.live_columns():
        if column.default_sql is None or column.identity:
            continue
        default = (PG_ATTRDEF_OID, default_oid(table, column))
        yield _dependency(default, (PG_CLASS_OID, table.oid, column.attnum), "a")
        for oid in relations_named(view, column.default_sql):
            yield _dependency(default, (PG_CLASS_OID, oid, 0), "n")


@cache
def extension_members() -> tuple[tuple[int, int], ...]:
    """(catalog OID, OID) of the shipped objects that belong to the extension `vector`; array types follow their element."""
    return tuple(
        (class_oid, oid)
        for class_oid, name in SHIPPED_CATALOGS.items()
        for oid, row in rows_by_oid(name).items()
        if is_of_extension(oid)
        and not row.get("typelem")
        # The handlers of PL/pgSQL are functions of an extension, too, but of another one.
        and row.get("pronamespace") != PG_CATALOG_SCHEMA_OID
    )


def is_of_extension(oid: int) -> bool:
    """Whether a shipped object's OID is one of an extension's."""
    return FIRST_EXTENSION_OID <= oid < FIRST_USER_OID


def _dependency(dependent: tuple[int, int], referenced: tuple[int, int, int], kind: str) -> Row:
    return {
        "classid": dependent[0], "objid": dependent[1], "refclassid": referenced[0], "refobjid": referenced[1],
        "refobjsubid": referenced[2], "deptype": kind,
    }  # fmt: skip
