"""Rows of information_schema about the types of columns: elements of arrays, composite types, who uses which type.

https://www.postgresql.org/docs/15/infoschema-element-types.html
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.sqltypes import TYPES, SqlType
from sqlfront.pg_catalog.information_schema import (
    data_type_name,
    limits,
    location,
    type_below,
    type_location,
)
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.user_functions import specific_name
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import ColumnRelation, MaterializedView
from storage.function_objects import UserFunction
from storage.type_objects import CompositeType, DomainType


def _typed_objects(view: CatalogView) -> Iterator[tuple[Row, str, str, SqlType]]:
    """(where an object is, its kind, the identifier of its type in there, the type)."""
    for relation in view.objects(ColumnRelation):
        if not isinstance(relation, MaterializedView):
            where = location(view, "object", relation.schema_oid, relation.name)
            for column in relation.live_columns():
                yield where, "TABLE", str(column.attnum), type_below(view, column.type)
    for domain in view.objects(DomainType):
        where = location(view, "object", domain.schema_oid, domain.name)
        yield where, "DOMAIN", "1", domain.base
    for composite in view.objects(CompositeType):
        where = location(view, "object", composite.schema_oid, composite.name)
        for number, attribute in enumerate(composite.attributes, 1):
            yield where, "USER-DEFINED TYPE", str(number), type_below(view, attribute.type)


@rows_of("element_types", schema="information_schema")
def element_types(view: CatalogView) -> Iterator[Row]:
    """PostgreSQL gives no lengths and precisions of elements."""
    for where, kind, identifier, sql_type in _typed_objects(view):
        element_oid = TYPES[sql_type.oid].element_oid
        if element_oid and not sql_type.domain_oid:
            element = SqlType(element_oid)
            yield {
                **where, "object_type": kind, "collection_type_identifier": identifier,
                "data_type": data_type_name(element),
                **type_location(view, element), "dtd_identifier": "a" + identifier,
            }  # fmt: skip


@rows_of("user_defined_types", schema="information_schema")
def user_defined_types(view: CatalogView) -> Iterator[Row]:
    """Composite types; the standard's other ones do not exist in PostgreSQL."""
    for composite in view.objects(CompositeType):
        yield {
            **location(view, "user_defined_type", composite.schema_oid, composite.name),
            "user_defined_type_category": "STRUCTURED", "is_instantiable": "YES",
        }  # fmt: skip


@rows_of("attributes", schema="information_schema")
def attributes(view: CatalogView) -> Iterator[Row]:
    """The attributes of composite types."""
    for composite in view.objects(CompositeType):
        for number, attribute in enumerate(composite.attributes, 1):
            below = type_below(view, attribute.type)
            udt = {f"attribute_{key}": value for key, value in type_location(view, below).items()}
            yield {
                **location(view, "udt", composite.schema_oid, composite.name), "attribute_name": attribute.name,
                "ordinal_position": number, "is_nullable": "YES", "data_type": data_type_name(below),
                **limits(below), **udt, "dtd_identifier": str(number), "is_derived_reference_attribute": "NO",
            }  # fmt: skip


@rows_of("column_udt_usage", schema="information_schema")
def column_udt_usage(view: CatalogView) -> Iterator[Row]:
    """The type of every column; of a domain's the type below it."""
    for relation in view.objects(ColumnRelation):
        if not isinstance(relation, MaterializedView):
            for column in relation.live_columns():
                yield {
                    **type_location(view, type_below(view, column.type)),
                    **location(view, "table", relation.schema_oid, relation.name), "column_name": column.name,
                }  # fmt: skip


@rows_of("data_type_privileges", schema="information_schema")
def data_type_privileges(view: CatalogView) -> Iterator[Row]:
    """What has a type that a row of another view describes."""
    for where, kind, identifier, _ in _typed_objects(view):
        yield {**where, "object_type": kind, "dtd_identifier": identifier}
    for function in view.objects(UserFunction):
        where = location(view, "object", function.schema_oid, specific_name(function))
        for number in range(len(function.parameters) + 1):
            yield {**where, "object_type": "ROUTINE", "dtd_identifier": str(number)}
