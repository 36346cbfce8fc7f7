"""Rows of information_schema, the part clients read: tables, columns, constraints, schemata, sequences.

https://www.postgresql.org/docs/15/information-schema.html
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.sqltypes import (
    BIT,
    BPCHAR,
    DOMAINS,
    NUMERIC,
    TYPES,
    VARBIT,
    VARCHAR,
    SqlType,
    format_type,
    numeric_precision_scale,
    plain_oid,
)
from sqlfront.binder import BindContext, bind_view, changeable_columns
from sqlfront.pg_catalog.definitions import owned_sequence, shown_expression
from sqlfront.pg_catalog.relations import VIRTUAL_RELATIONS, Row, rows_of
from sqlfront.pg_catalog.standard_domains import standard_domain
from sqlfront.pg_catalog.user_types import user_type
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import Column, ColumnRelation, Persistence, Sequence, Table, View
from storage.type_objects import DomainType

INTEGER_BITS = {21: 16, 23: 32, 20: 64}
FLOAT_BITS = {700: 24, 701: 53}
DATETIME = {1082: 0, 1083: 6, 1266: 6, 1114: 6, 1184: 6}


@rows_of("schemata", schema="information_schema")
def schemata(view: CatalogView) -> Iterator[Row]:
    for oid, name in view.schema_names.items():
        yield {
            "catalog_name": view.database_name, "schema_name": name,
            "schema_owner": view.role_name(view.schema_owners[oid]),
        }  # fmt: skip


@rows_of("tables", schema="information_schema")
def tables(view: CatalogView) -> Iterator[Row]:
    for table in (*view.tables(), *view.objects(View)):
        yield {
            **location(view, "table", table.schema_oid, table.name),
            "table_type": _table_type(table),
            "is_insertable_into": _yes_no(not isinstance(table, View) or is_changeable_view(view, table)), "is_typed": "NO",
        }  # fmt: skip


def is_changeable_view(view: CatalogView, stored: View) -> bool:
    """Whether rows can be changed through a view."""
    return bool(_changeable_columns(view, stored))


def _yes_no(condition: bool) -> str:
    return "YES" if condition else "NO"


def _changeable_columns(view: CatalogView, stored: View) -> set[str]:
    context = BindContext(view.catalog, view.database_oid, virtual_relations=VIRTUAL_RELATIONS)
    return changeable_columns(view.catalog, bind_view(context, stored))


def _table_type(table: ColumnRelation) -> str:
    if isinstance(table, View):
        return "VIEW"
    is_temporary = isinstance(table, Table) and table.persistence is Persistence.TEMPORARY
    return "LOCAL TEMPORARY" if is_temporary else "BASE TABLE"


def location(view: CatalogView, prefix: str, schema_oid: int, name: str) -> Row:
    return {
        f"{prefix}_catalog": view.database_name,
        f"{prefix}_schema": view.schema_names.get(schema_oid),
        f"{prefix}_name": name,
    }


@rows_of("columns", schema="information_schema")
def columns(view: CatalogView) -> Iterator[Row]:
    for table in view.tables():
        for column in table.live_columns():
            yield {
                **location(view, "table", table.schema_oid, table.name),
                **_column_row(view, table, column),
                **_identity(view, table, column),
            }
    for stored in view.objects(View):
        plain = _changeable_columns(view, stored)
        for column in stored.live_columns():
            yield {
                **location(view, "table", stored.schema_oid, stored.name),
                **_column_row(view, stored, column),
                "is_updatable": _yes_no(column.name in plain),
                **_NO_IDENTITY,
            }


def _column_row(view: CatalogView, relation: ColumnRelation, column: Column) -> Row:
    below = type_below(view, column.type)
    return {
        "column_name": column.name, "ordinal_position": column.attnum, "column_default": _default(view, relation, column),
        "is_nullable": "NO" if column.not_null else "YES",
        "data_type": data_type_name(below),
        **limits(below),
        **type_location(view, below),
        "dtd_identifier": str(column.attnum), "is_self_referencing": "NO",
        "is_generated": "NEVER" if column.generated_sql is None else "ALWAYS",
        "is_updatable": "YES",
        **_column_collation(view, column), **domain_location(view, column.type.domain_oid),
        "generation_expression": None
        if column.generated_sql is None
        else shown_expression(view, column.generated_sql, relation.oid),
    }  # fmt: skip


def _column_collation(view: CatalogView, column: Column) -> Row:
    if not column.collation:
        return {}
    return {
        "collation_catalog": view.database_name, "collation_schema": "pg_catalog",
        "collation_name": column.collation,
    }  # fmt: skip


def data_type_name(sql_type: SqlType) -> str:
    """A type as the standard calls it."""
    if sql_type.domain_oid:
        return "USER-DEFINED"
    info = TYPES[plain_oid(sql_type.oid)]
    if info.element_oid:
        return "ARRAY"
    if info.schema != "pg_catalog":
        return "USER-DEFINED"
    return "character" if info.oid == BPCHAR.oid else format_type(SqlType(info.oid))


def type_below(view: CatalogView, sql_type: SqlType) -> SqlType:
    """The type that a domain was made over, which may be a domain; of other types the type itself."""
    domain = view.catalog.get(sql_type.domain_oid)
    return domain.base if isinstance(domain, DomainType) else sql_type


def type_location(view: CatalogView, sql_type: SqlType) -> Row:
    """Where a type is."""
    info = DOMAINS.get(sql_type.domain_oid) or TYPES[plain_oid(sql_type.oid)]
    found = user_type(view, info.oid)
    schema = info.schema if found is None else view.schema_names[found.schema_oid]
    return {"udt_catalog": view.database_name, "udt_schema": schema, "udt_name": info.name}


def domain_location(view: CatalogView, domain_oid: int) -> Row:
    """Where a domain is; NULLs for none."""
    domain = standard_domain(domain_oid) or view.catalog.get(domain_oid)
    if not isinstance(domain, DomainType):
        return dict.fromkeys(("domain_catalog", "domain_schema", "domain_name"))
    return location(view, "domain", domain.schema_oid, domain.name)


_NO_IDENTITY: Row = {"is_identity": "NO", "identity_cycle": "NO"}


def _identity(view: CatalogView, table: Table, column: Column) -> Row:
    """The columns that describe an identity column's sequence."""
    sequence = owned_sequence(view, table.oid, column) if column.identity else None
    return {
        "is_identity": "YES" if sequence else "NO",
        "identity_generation": {"a": "ALWAYS", "d": "BY DEFAULT"}.get(column.identity),
        "identity_start": str(sequence.start) if sequence else None,
        "identity_increment": str(sequence.increment) if sequence else None,
        "identity_maximum": str(sequence.maximum) if sequence else None,
        "identity_minimum": str(sequence.minimum) if sequence else None,
        "identity_cycle": "YES" if sequence and sequence.cycle else "NO",
    }


def _default(view: CatalogView, relation: ColumnRelation, column: Column) -> str | None:
    if column.identity or column.default_sql is None:
        return None
    return shown_expression(view, column.default_sql, relation.oid)


def limits(sql_type: SqlType) -> Row:
    """Length, precision and scale columns of a type."""
    found: Row = dict.fromkeys(
        ("character_maximum_length", "character_octet_length", "numeric_precision", "numeric_precision_radix",
         "numeric_scale", "datetime_precision")
    )  # fmt: skip
    oid, typmod = sql_type.oid, sql_type.typmod
    if sql_type.domain_oid:
        return found
    if oid in (VARCHAR.oid, BPCHAR.oid):
        length = typmod - 4 if typmod >= 0 else None
        found.update(
            character_maximum_length=length, character_octet_length=4 * length if length else 1073741824
        )
    elif oid in (BIT.oid, VARBIT.oid):
        found.update(character_maximum_length=typmod if typmod >= 0 else None)
    elif oid == 25:
        found.update(character_octet_length=1073741824)
    elif oid in INTEGER_BITS:
        found.update(numeric_precision=INTEGER_BITS[oid], numeric_precision_radix=2, numeric_scale=0)
    elif oid in FLOAT_BITS:
        found.update(numeric_precision=FLOAT_BITS[oid], numeric_precision_radix=2)
    elif oid == NUMERIC.oid:
        bounds = numeric_precision_scale(typmod)
        found.update(numeric_precision_radix=10)
        if bounds:
            found.update(numeric_precision=bounds[0], numeric_scale=bounds[1])
    elif oid in DATETIME:
        found.update(datetime_precision=typmod if typmod >= 0 else DATETIME[oid])
    return found


@rows_of("sequences", schema="information_schema")
def sequences(view: CatalogView) -> Iterator[Row]:
    """Those behind identity columns are left out, as PostgreSQL does."""
    for sequence in view.objects(Sequence):
        if sequence.owned_by is not None:
            table_oid, attnum = sequence.owned_by
            if view.catalog.table(table_oid).column_at(attnum).identity:
                continue
        bits = INTEGER_BITS.get(sequence.type.oid, 64)
        yield {
            **location(view, "sequence", sequence.schema_oid, sequence.name),
            "data_type": format_type(sequence.type), "numeric_precision": bits, "numeric_precision_radix": 2,
            "numeric_scale": 0, "start_value": str(sequence.start), "minimum_value": str(sequence.minimum),
            "maximum_value": str(sequence.maximum), "increment": str(sequence.increment),
            "cycle_option": "YES" if sequence.cycle else "NO",
        }  # fmt: skip
