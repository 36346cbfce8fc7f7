"""Finding relations by name: along the search path, in the catalog and among the computed relations."""

from __future__ import annotations

from collections.abc import Sequence

from foundation.errors import FeatureNotSupported, UndefinedSchema, UndefinedTable, WrongObjectType
from sqlfront.binder.context import BindContext, VirtualRelation
from sqlfront.session.names import is_of_other_session, schema_called, split_qualified_name
from storage.catalog import Catalog, CatalogObject, Index, MaterializedView, Table, View
from storage.function_objects import UserFunction

BUILT_IN_SCHEMAS = ("pg_catalog", "information_schema")


def split_name(text: str) -> tuple[str, ...]:
    """`public."My Table"` -> ('public', 'My Table'). Raises 42602."""
    return split_qualified_name(text)


def find_relation(
    context: BindContext, parts: Sequence[str], position: int | None = None
) -> CatalogObject | VirtualRelation | None:
    """What a one- to three-part relation name means; None when there is nothing of that name.

    Raises:
        FeatureNotSupported: 0A000, a name in another database.
    """
    if len(parts) == 3:
        database = context.catalog.get(context.database_oid)
        if database is None or database.name != parts[0]:
            raise FeatureNotSupported(
                f'cross-database references are not implemented: "{".".join(parts)}"', position=position
            )
    if len(parts) == 1:
        schemas = context.schemas_searched()
    else:
        schemas = (schema_called(parts[-2], context.search_path),)
        context.check_schema(schemas[0])
    for schema_name in schemas:
        found = _find_in_schema(context, schema_name, parts[-1])
        if found is not None:
            return found
    return None


def _find_in_schema(
    context: BindContext, schema_name: str, name: str
) -> CatalogObject | VirtualRelation | None:
    schema = context.catalog.find_schema(context.database_oid, schema_name)
    if schema is not None:
        stored = context.catalog.find_relation(context.database_oid, schema.oid, name)
        if stored is not None:
            return stored
    if context.virtual_relations is not None:
        return context.virtual_relations.lookup(schema_name, name)
    return None


def find_relation_oid(context: BindContext, parts: Sequence[str]) -> int | None:
    """The OID of a relation of any kind, for regclass; None when there is none."""
    found = find_relation(context, parts)
    return None if found is None else found.oid


def readable_relation(
    context: BindContext, parts: Sequence[str], position: int | None
) -> Table | VirtualRelation | CatalogObject:
    """A relation that FROM may name.

    Raises:
        UndefinedTable: 42P01.
        WrongObjectType: 42809, an index.
        FeatureNotSupported: 0A000, another session's temporary table.
    """
    found = find_relation(context, parts, position)
    if found is None:
        raise UndefinedTable(f'relation "{".".join(parts)}" does not exist', position=position)
    if len(parts) > 1 and is_of_other_session(parts[-2], context.search_path):
        raise FeatureNotSupported("cannot access temporary tables of other sessions")
    if isinstance(found, Index):
        raise WrongObjectType(f'cannot open relation "{parts[-1]}"',
                              detail="This operation is not supported for indexes.", position=position)  # fmt: skip
    return found


def writable_table(context: BindContext, parts: Sequence[str], position: int | None) -> Table | View:
    """The table or view that a data change names.

    Raises:
        UndefinedTable: 42P01.
        WrongObjectType: 42809, something that is neither.
    """
    found = readable_relation(context, parts, position)
    if isinstance(found, MaterializedView):
        raise WrongObjectType(f'cannot change materialized view "{found.name}"')
    if isinstance(found, Table | View):
        return found
    if isinstance(found, VirtualRelation):
        raise WrongObjectType(f'cannot change relation "{found.name}"', position=position)
    raise WrongObjectType(f'cannot change sequence "{found.name}"', position=position)


def schema_name_of(context: BindContext, schema_oid: int) -> str:
    """The name of a stored schema."""
    schema = context.catalog.get(schema_oid)
    if schema is None:
        raise UndefinedSchema(f"schema with OID {schema_oid} does not exist")
    return schema.name


def named_functions(
    catalog: Catalog, database_oid: int, search_path: Sequence[str], parts: Sequence[str]
) -> list[UserFunction]:
    """Users' functions that [schema.]name means: of those with the same inputs the one that the search path finds first."""
    *schema, name = parts
    schemas = schema[-1:] or list(search_path)
    found: dict[tuple[int, ...], UserFunction] = {}
    for schema_name in schemas:
        place = catalog.find_schema(database_oid, schema_name)
        for function in catalog.functions_named(database_oid, name):
            if place is not None and function.schema_oid == place.oid:
                found.setdefault(function.input_oids, function)
    return list(found.values())
