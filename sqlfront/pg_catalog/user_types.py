"""Rows of pg_type and pg_enum of users' types, and their names as format_type and regtype show them.

https://www.postgresql.org/docs/15/catalog-pg-type.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foundation.enum_types import POSITION_STEP
from foundation.sqltypes import FIRST_USER_OID, TYPES, SqlType, is_shaped, plain_oid
from sqlfront.binder.type_names import find_type_object, find_user_type
from sqlfront.parser import parse_type
from sqlfront.pg_catalog.privileges import shown_acl
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.relations import Row, builtin_by_oid, rows_of
from sqlfront.pg_catalog.standard_domains import (
    C_COLLATION_OID,
    COLLATED_DOMAINS,
    STANDARD_DOMAINS,
    standard_domain,
)
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import ColumnRelation
from storage.type_objects import CompositeType, DomainType, EnumType, UserType
from storage.user_types import FIRST_TYPE_OID

_ENUM_FUNCTIONS = {"typinput": 3506, "typoutput": 3507, "typreceive": 3532, "typsend": 3533}
_ARRAY_FUNCTIONS = {
    "typinput": 750, "typoutput": 751, "typreceive": 2400, "typsend": 2401, "typanalyze": 3816, "typsubscript": 6179,
}  # fmt: skip
_RECORD_FUNCTIONS = {"typinput": 2290, "typoutput": 2291, "typreceive": 2402, "typsend": 2403}
_DOMAIN_FUNCTIONS = {"typinput": 2597, "typreceive": 2598}
FUNCTION_NAMES = {
    2290: "record_in", 2291: "record_out", 2402: "record_recv", 2403: "record_send", 2597: "domain_in", 2598: "domain_recv", 3506: "enum_in", 3507: "enum_out", 3532: "enum_recv", 3533: "enum_send",
}  # fmt: skip
"""The functions of pg_proc that read and write users' types; nobody can call them."""

ENUM_STORAGE: Row = {
    "typlen": 4, "typcategory": "E", "typbyval": True, "typalign": "i", "typstorage": "p", "typcollation": 0,
}  # fmt: skip
ROW_STORAGE: Row = {
    "typlen": -1, "typcategory": "C", "typbyval": False, "typalign": "d", "typstorage": "x", "typcollation": 0,
}  # fmt: skip
ROW_TYPE_OFFSET = 1 << 30
"""A table without a row type of its own shows its OID with this bit as pg_class.reltype."""
ARRAY_STORAGE: Row = {
    "typlen": -1, "typcategory": "A", "typbyval": False, "typalign": "i", "typstorage": "x", "typcollation": 0,
}  # fmt: skip


@rows_of("pg_type")
def pg_type(view: CatalogView) -> Iterator[Row]:
    for domain in STANDARD_DOMAINS:
        yield {
            **_shared_columns(domain.schema_oid, domain.owner_oid), **(stored_form(domain.base.oid) or {}),
            **_domain_row(view, domain), "oid": domain.oid, "typname": domain.name,
            "typcollation": C_COLLATION_OID if domain.name in COLLATED_DOMAINS else 0,
        }  # fmt: skip
    for found in view.objects(UserType):
        shared = _shared_columns(found.schema_oid, found.owner_oid)
        match found:
            case DomainType():
                own = _domain_row(view, found)
            case CompositeType():
                own = {"typtype": "c", "typrelid": found.relation_oid, **_RECORD_FUNCTIONS}
            case _:
                own = {"typtype": "e", **_ENUM_FUNCTIONS}
        yield {
            **shared, **(stored_form(type_oid_below(found)) or {}), **own, "oid": found.oid, "typname": found.name,
            "typarray": found.array_oid, "typacl": shown_acl(view, found),
        }  # fmt: skip
        yield {
            **shared, **ARRAY_STORAGE, **_ARRAY_FUNCTIONS, "oid": found.array_oid, "typname": "_" + found.name,
            "typtype": "b", "typelem": found.oid,
        }  # fmt: skip

    for relation in view.objects(ColumnRelation):
        yield {
            **_shared_columns(relation.schema_oid, relation.owner_oid), **ROW_STORAGE, **_RECORD_FUNCTIONS,
            "oid": row_type_oid(relation), "typname": relation.name, "typtype": "c", "typrelid": relation.oid,
        }  # fmt: skip


def _shared_columns(schema_oid: int, owner_oid: int) -> Row:
    """What rows of pg_type of users' types have in common."""
    return {
        "typnamespace": schema_oid, "typowner": owner_oid, "typisdefined": True, "typdelim": ",",
        "typtypmod": -1, "typdefaultbin": None, "typdefault": None, "typacl": None,
    }  # fmt: skip


def row_type_oid(relation: ColumnRelation) -> int:
    """The OID of the row type of a table or view."""
    return relation.type_oid or relation.oid | ROW_TYPE_OFFSET


def type_oid_below(found: UserType) -> int:
    """The OID of the type that values of a user's type are of, all domains left out."""
    return found.base.oid if isinstance(found, DomainType) else found.oid


def _domain_row(view: CatalogView, domain: DomainType) -> Row:
    below = builtin_by_oid("pg_type").get(domain.base.oid) or _ENUM_FUNCTIONS
    if TYPES[domain.base.oid].element_oid:
        below = _ARRAY_FUNCTIONS
    elif TYPES[domain.base.oid].category == "C":
        below = _RECORD_FUNCTIONS
    default = domain.default_sql
    return {
        "typtype": "d", **_DOMAIN_FUNCTIONS, "typoutput": below["typoutput"], "typsend": below["typsend"],
        "typbasetype": declared_oid(domain.base),
        "typtypmod": -1 if domain.base.domain_oid else domain.base.typmod, "typnotnull": domain.not_null,
        "typndims": dimension_count(domain.base),
        "typdefault": None if default is None else with_short_type_names(view, default), "typdefaultbin": default,
    }  # fmt: skip


@rows_of("pg_enum")
def pg_enum(view: CatalogView) -> Iterator[Row]:
    """A label that was added between two others sorts by a fraction, as in PostgreSQL."""
    for enum in view.objects(EnumType):
        for label in enum.labels:
            yield {
                "oid": label.oid, "enumtypid": enum.oid, "enumsortorder": label.position / POSITION_STEP + 1,
                "enumlabel": label.text,
            }  # fmt: skip


def stored_form(type_oid: int) -> Row | None:
    """typlen and its kin of any type that is no domain; None for an unknown one."""
    type_oid = plain_oid(type_oid)
    if type_oid >= FIRST_TYPE_OID and type_oid in TYPES:
        if TYPES[type_oid].category == "C":
            return ROW_STORAGE
        return ARRAY_STORAGE if TYPES[type_oid].element_oid else ENUM_STORAGE
    row = builtin_by_oid("pg_type").get(type_oid)
    return None if row is None else {name: row[name] for name in ENUM_STORAGE}


def declared_oid(sql_type: SqlType) -> int:
    """The OID of a type as it was declared: a domain's own."""
    return sql_type.domain_oid or plain_oid(sql_type.oid)


def dimension_count(sql_type: SqlType) -> int:
    """attndims: with how many pairs of brackets a type was declared, as far as its form tells."""
    is_array = (stored_form(sql_type.oid) or ENUM_STORAGE)["typcategory"] == "A"
    return 2 if is_shaped(sql_type) else int(is_array)


def user_type(view: CatalogView, oid: int) -> UserType | None:
    """The user's type, or domain of information_schema, that has the OID, or whose array type has it."""
    standard = standard_domain(oid)
    if standard is not None:
        return standard
    info = TYPES.get(plain_oid(oid))
    stored = view.catalog.get(info.element_oid if info is not None and info.element_oid else oid)
    if isinstance(stored, UserType):
        return stored
    if oid < FIRST_TYPE_OID:
        return None
    return next((found for found in view.objects(UserType) if found.array_oid == oid), None)


def is_type_visible(view: CatalogView, found: UserType) -> bool:
    """Whether the bare name means this type."""
    named = find_type_object(
        view.catalog, view.database_oid, view.search_path, parse_type(quote_identifier(found.name))
    )
    return named is not None and named.oid == found.oid


def user_type_name(view: CatalogView, oid: int) -> str | None:
    """What format_type prints: with the schema when the search path does not find the type; None for a built-in one."""
    found = user_type(view, oid)
    if found is None:
        return _row_type_name(view, oid)
    shown = quote_identifier(found.name)
    if not is_type_visible(view, found):
        shown = f"{quote_identifier(view.schema_names.get(found.schema_oid, ''))}.{shown}"
    return shown + ("[]" if oid == found.array_oid else "")


def _row_type_name(view: CatalogView, oid: int) -> str | None:
    """The name of a table's or view's row type."""
    relations = view.objects(ColumnRelation) if oid >= FIRST_USER_OID else ()
    relation = next((found for found in relations if row_type_oid(found) == oid), None)
    if relation is None:
        return None
    name = quote_identifier(relation.name)
    if view.is_visible(relation.name, relation.oid):
        return name
    return f"{quote_identifier(view.schema_names.get(relation.schema_oid, ''))}.{name}"


def user_type_oid(view: CatalogView, name: str) -> int | None:
    """The OID a text means as a type's name; None when no user's type has it."""
    parsed = parse_type(name)
    found = find_user_type(view.catalog, view.database_oid, view.search_path, parsed)
    if found is not None:
        return declared_oid(found)
    parts = (parsed.name,) if parsed.schema is None else (parsed.schema, parsed.name)
    relation = view.catalog.get(view.find_relation_oid(parts) or 0)
    if not isinstance(relation, ColumnRelation) or parsed.dimensions:
        return None
    return row_type_oid(relation)


def with_short_type_names(view: CatalogView, text: str) -> str:
    """A stored text whose casts name users' types without their schema where a bare name finds them."""
    short: dict[str, str] = {}
    for found in view.objects(UserType):
        name, schema = quote_identifier(found.name), quote_identifier(view.schema_names[found.schema_oid])
        if f"::{schema}.{name}" in text and is_type_visible(view, found):
            short[f"{schema}.{name}"] = name
    if not short:
        return text
    names = "|".join(map(re.escape, sorted(short, key=len, reverse=True)))
    cast = re.compile(rf"'(?:[^']|'')*'|::({names})(?![\w$.])")
    return cast.sub(lambda match: f"::{short[match[1]]}" if match[1] else match[0], text)
