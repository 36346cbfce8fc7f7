"""Type names in the surroundings of a statement: the built-in ones, then users' types along the search path.

https://www.postgresql.org/docs/15/ddl-schemas.html#DDL-SCHEMAS-CATALOG: pg_catalog is searched first, so a user's type
with the name of a built-in one is found by its schema only. The array type of `mood` is also called `_mood`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from foundation.row_types import RowShape, record_type
from foundation.sqltypes import TYPES, TYPES_BY_NAME, SqlType, shaped_type
from sqlfront.binder.context import BindContext
from sqlfront.parser.typenames import TypeName, resolve_type
from sqlfront.session.names import find_relation
from storage.catalog import Catalog, ColumnRelation
from storage.type_objects import CompositeType, DomainType, UserType


def resolve_type_name(context: BindContext, name: TypeName) -> SqlType:
    """The type that a name stands for.

    Raises:
        As `resolve_type`. SyntaxErrorInStatement: 42601, a modifier on a user's type. FeatureNotSupported: 0A000, an array
            of a domain or composite type.
    """
    found = find_user_type(context.catalog, context.database_oid, context.search_path, name)
    if found is None:
        return _row_type(context, name) or resolve_type(name)
    if name.modifiers:
        raise SyntaxErrorInStatement(
            f'type modifier is not allowed for type "{name.name}"', position=name.position
        )
    if not found.domain_oid and found.oid not in TYPES:
        what = "a composite type" if _is_composite(context.catalog, found.oid) else "a domain"
        raise FeatureNotSupported(f"an array of {what} is not supported", position=name.position)
    return found


def _row_type(context: BindContext, name: TypeName) -> SqlType | None:
    """The row type of a table or view; None when the name means none."""
    if name.schema is None and name.name in TYPES_BY_NAME:
        return None
    parts = (name.name,) if name.schema is None else (name.schema, name.name)
    found = find_relation(context.catalog, context.database_oid, context.search_path, parts)
    if not isinstance(found, ColumnRelation):
        return None
    if name.dimensions:
        raise FeatureNotSupported("an array of a table's row type is not supported", position=name.position)
    return row_type_of(found)


def row_type_of(relation: ColumnRelation) -> SqlType:
    """The type of a whole row of a table or view."""
    columns = relation.live_columns()
    names, types = tuple(column.name for column in columns), tuple(column.type for column in columns)
    return record_type(RowShape(names, types, relation.type_oid, relation.name))


def _is_composite(catalog: Catalog, array_oid: int) -> bool:
    return any(found.array_oid == array_oid for found in catalog.objects(CompositeType))


def find_user_type(
    catalog: Catalog, database_oid: int, search_path: Sequence[str], name: TypeName
) -> SqlType | None:
    """The user's type, or its array type, that a name means; None when it means none."""
    if name.schema is None and name.name in TYPES_BY_NAME:
        return None
    found = find_type_object(catalog, database_oid, search_path, name)
    if found is not None:
        found_type = SqlType(found.array_oid) if name.dimensions else type_of(found)
        return shaped_type(found_type) if name.dimensions > 1 else found_type
    if name.name.startswith("_") and not name.dimensions:
        element = replace(name, name=name.name[1:])
        found = find_type_object(catalog, database_oid, search_path, element)
    return SqlType(found.array_oid) if found is not None else None


def type_of(found: UserType) -> SqlType:
    """What an expression of a user's type has as its type."""
    return found.type if isinstance(found, DomainType) else SqlType(found.oid)


def find_type_object(
    catalog: Catalog, database_oid: int, search_path: Sequence[str], name: TypeName
) -> UserType | None:
    """The user's type of a name, its brackets not looked at."""
    for schema_name in search_path if name.schema is None else (name.schema,):
        schema = catalog.find_schema(database_oid, schema_name)
        found = schema and catalog.find_type(database_oid, schema.oid, name.name)
        if found:
            return found
    return None
