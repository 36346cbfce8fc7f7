"""Rows of pg_type and pg_enum of users' types, and their names as format_type and regtype show them.

https://www.postgresql.org/docs/15/catalog-pg-type.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foundation.enum_types import POSITION_STEP
from foundation.sqltypes import TYPES
from sqlfront.binder.type_names import find_user_type
from sqlfront.parser import parse_type
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.relations import Row, builtin_by_oid, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import EnumType
from storage.user_types import FIRST_TYPE_OID

_ENUM_FUNCTIONS = {"typinput": 3506, "typoutput": 3507, "typreceive": 3532, "typsend": 3533}
_ARRAY_FUNCTIONS = {
    "typinput": 750, "typoutput": 751, "typreceive": 2400, "typsend": 2401, "typanalyze": 3816, "typsubscript": 6179,
}  # fmt: skip
FUNCTION_NAMES = {3506: "enum_in", 3507: "enum_out", 3532: "enum_recv", 3533: "enum_send"}
"""The functions of pg_proc that read and write enums; nobody can call them."""

ENUM_STORAGE: Row = {
    "typlen": 4, "typcategory": "E", "typbyval": True, "typalign": "i", "typstorage": "p", "typcollation": 0,
}  # fmt: skip
ARRAY_STORAGE: Row = {
    "typlen": -1, "typcategory": "A", "typbyval": False, "typalign": "i", "typstorage": "x", "typcollation": 0,
}  # fmt: skip


@rows_of("pg_type")
def pg_type(view: CatalogView) -> Iterator[Row]:
    for enum in view.objects(EnumType):
        shared = {
            "typnamespace": enum.schema_oid, "typowner": enum.owner_oid, "typisdefined": True, "typdelim": ",",
            "typtypmod": -1, "typdefaultbin": None, "typdefault": None, "typacl": None,
        }  # fmt: skip
        yield {
            **shared, **ENUM_STORAGE, **_ENUM_FUNCTIONS, "oid": enum.oid, "typname": enum.name, "typtype": "e",
            "typarray": enum.array_oid,
        }  # fmt: skip
        yield {
            **shared, **ARRAY_STORAGE, **_ARRAY_FUNCTIONS, "oid": enum.array_oid, "typname": "_" + enum.name,
            "typtype": "b", "typelem": enum.oid,
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
    """typlen and its kin of any type; None for an unknown one."""
    if type_oid >= FIRST_TYPE_OID and type_oid in TYPES:
        return ARRAY_STORAGE if TYPES[type_oid].element_oid else ENUM_STORAGE
    return builtin_by_oid("pg_type").get(type_oid)


def user_type(view: CatalogView, oid: int) -> EnumType | None:
    """The user's type that has the OID, or whose array type has it."""
    info = TYPES.get(oid)
    stored = view.catalog.get(info.element_oid if info is not None and info.element_oid else oid)
    return stored if isinstance(stored, EnumType) else None


def is_type_visible(view: CatalogView, enum: EnumType) -> bool:
    """Whether the bare name means this type."""
    found = find_user_type(
        view.catalog, view.database_oid, view.search_path, parse_type(quote_identifier(enum.name))
    )
    return found is not None and found.oid == enum.oid


def user_type_name(view: CatalogView, oid: int) -> str | None:
    """What format_type prints: with the schema when the search path does not find the type; None for a built-in one."""
    enum = user_type(view, oid)
    if enum is None:
        return None
    shown = quote_identifier(enum.name)
    if not is_type_visible(view, enum):
        shown = f"{quote_identifier(view.schema_names.get(enum.schema_oid, ''))}.{shown}"
    return shown + ("[]" if oid == enum.array_oid else "")


def user_type_oid(view: CatalogView, name: str) -> int | None:
    """The OID a text means as a type's name; None when no user's type has it."""
    found = find_user_type(view.catalog, view.database_oid, view.search_path, parse_type(name))
    return found.oid if found is not None else None


def with_short_type_names(view: CatalogView, text: str) -> str:
    """A stored text whose casts name enums without their schema where a bare name finds them."""
    short: dict[str, str] = {}
    for enum in view.objects(EnumType):
        name, schema = quote_identifier(enum.name), quote_identifier(view.schema_names[enum.schema_oid])
        if f"::{schema}.{name}" in text and is_type_visible(view, enum):
            short[f"{schema}.{name}"] = name
    if not short:
        return text
    names = "|".join(map(re.escape, sorted(short, key=len, reverse=True)))
    cast = re.compile(rf"'(?:[^']|'')*'|::({names})(?![\w$.])")
    return cast.sub(lambda match: f"::{short[match[1]]}" if match[1] else match[0], text)
