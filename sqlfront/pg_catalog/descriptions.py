"""Objects in words: what pg_describe_object prints and the comments that PostgreSQL ships.

https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-OBJECT
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from foundation.sqltypes import SqlType, format_type
from sqlfront.pg_catalog.access_methods import access_methods, rows_by_oid
from sqlfront.pg_catalog.definitions import shown_name
from sqlfront.pg_catalog.dependencies import SHIPPED_CATALOGS
from sqlfront.pg_catalog.objects import PG_CONSTRAINT_OID
from sqlfront.pg_catalog.quoting import quote_identifier
from sqlfront.pg_catalog.relations import builtin_rows, is_view
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import Database, Extension, Index, Role, Schema, Sequence, Table
from storage.function_objects import UserFunction


@cache
def builtin_comments() -> dict[tuple[int, int], str]:
    """(OID of the catalog, OID of the object) -> comment of what PostgreSQL ships."""
    rows = builtin_rows("pg_description").to_pylist()
    return {(row["classoid"], row["objoid"]): row["description"] for row in rows}


def signature_text(name: str, argument_types: Iterable[int]) -> str:
    """name(type,type), as regprocedure and regoperator print; NONE is the left side of a prefix operator."""
    return f"{name}({','.join(format_type(SqlType(t)) if t else 'NONE' for t in argument_types)})"


def object_description(view: CatalogView, class_oid: int, oid: int, attnum: int) -> str | None:
    """`table t`, `column c of table t`, `function f(integer)`; None for what does not exist."""
    catalog_name = SHIPPED_CATALOGS.get(class_oid)
    shipped = rows_by_oid(catalog_name).get(oid) if catalog_name else None
    if catalog_name is not None and shipped is not None:
        return _shipped_description(catalog_name, shipped)
    if class_oid == PG_CONSTRAINT_OID:
        found = next((index for index in view.objects(Index) if index.constraint_oid == oid), None)
        table = found and shown_name(view, found.table_oid)
        return f"constraint {quote_identifier(found.name)} on table {table}" if found else None
    stored = view.catalog.get(oid)
    if isinstance(stored, Database | Extension | Role | Schema):
        return f"{stored.kind} {quote_identifier(stored.name)}"
    if isinstance(stored, UserFunction):
        return f"function {signature_text(stored.name, [p.type.oid for p in stored.inputs])}"
    shown = shown_name(view, oid)
    if shown is None:
        return None
    if isinstance(stored, Table | Index | Sequence):
        relation = f"{stored.kind} {shown}"
    else:
        named = view.relation_name(oid)
        relation = f"{'view' if named and is_view(*named) else 'table'} {shown}"
    if isinstance(stored, Table) and 1 <= attnum <= len(stored.columns):
        return f"column {quote_identifier(stored.column_at(attnum).name)} of {relation}"
    return relation


def _shipped_description(catalog_name: str, row: dict[str, Any]) -> str:
    match catalog_name:
        case "pg_type":
            return f"type {format_type(SqlType(row['oid']))}"
        case "pg_proc":
            return f"function {signature_text(row['proname'], row['proargtypes'] or ())}"
        case "pg_operator":
            return f"operator {signature_text(row['oprname'], (row['oprleft'], row['oprright']))}"
        case "pg_cast":
            source, target = (format_type(SqlType(row[side])) for side in ("castsource", "casttarget"))
            return f"cast from {source} to {target}"
        case "pg_am":
            return f"access method {row['amname']}"
        case "pg_opclass":
            return f"operator class {row['opcname']} for access method {_method_name(row['opcmethod'])}"
        case _:
            return f"operator family {row['opfname']} for access method {_method_name(row['opfmethod'])}"


def _method_name(oid: int) -> str:
    return next((name for name, known in access_methods().items() if known == oid), str(oid))
