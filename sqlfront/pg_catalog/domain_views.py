"""Rows of information_schema about domains. https://www.postgresql.org/docs/15/infoschema-domains.html"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.sqltypes import TYPES, format_type
from sqlfront.pg_catalog.information_schema import (
    data_type_name,
    domain_location,
    limits,
    location,
    type_location,
)
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.standard_domains import all_domains
from sqlfront.pg_catalog.user_types import with_short_type_names
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import ColumnRelation


@rows_of("domains", schema="information_schema")
def domains(view: CatalogView) -> Iterator[Row]:
    for domain in all_domains(view):
        base, default = domain.base, domain.default_sql
        is_array = bool(TYPES[base.oid].element_oid) and not base.domain_oid
        yield {
            **domain_location(view, domain.oid), **limits(base),
            "data_type": format_type(base) if is_array else data_type_name(base),
            "domain_default": None if default is None else with_short_type_names(view, default),
            **type_location(view, base), "dtd_identifier": "1",
        }  # fmt: skip


@rows_of("domain_constraints", schema="information_schema")
def domain_constraints(view: CatalogView) -> Iterator[Row]:
    for domain in all_domains(view):
        for constraint in domain.constraints:
            yield {
                **location(view, "constraint", domain.schema_oid, constraint.name),
                **domain_location(view, domain.oid), "is_deferrable": "NO", "initially_deferred": "NO",
            }  # fmt: skip


@rows_of("domain_udt_usage", schema="information_schema")
def domain_udt_usage(view: CatalogView) -> Iterator[Row]:
    for domain in all_domains(view):
        yield {**domain_location(view, domain.oid), **type_location(view, domain.base)}


@rows_of("column_domain_usage", schema="information_schema")
def column_domain_usage(view: CatalogView) -> Iterator[Row]:
    for relation in view.objects(ColumnRelation):
        for column in relation.live_columns():
            if column.type.domain_oid:
                yield {
                    **domain_location(view, column.type.domain_oid),
                    **location(view, "table", relation.schema_oid, relation.name), "column_name": column.name,
                }  # fmt: skip
