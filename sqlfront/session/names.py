"""Names of relations as SQL text gives them: qualified, quoted, found along a search path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from foundation.errors import InvalidName
from foundation.sqltypes import EXTENSION_SCHEMA
from storage.catalog import TEMPORARY_SCHEMA_PREFIX, Catalog, CatalogObject

TEMPORARY_SCHEMA = "pg_temp"
"""What every session calls the schema of its temporary objects."""


@lru_cache(maxsize=1024)
def split_identifiers(text: str, separator: str) -> tuple[str, ...]:
    """`public."My Table"` -> ('public', 'My Table'). Unquoted parts are folded to lower case.

    Raises:
        InvalidName: 42602.
    """
    parts: list[str] = []
    position, length = 0, len(text)
    while True:
        while position < length and text[position].isspace():
            position += 1
        is_quoted = position < length and text[position] == '"'
        if is_quoted:
            part, position = _quoted(text, position)
        else:
            start = position
            while (
                position < length and text[position] not in (separator, '"') and not text[position].isspace()
            ):
                position += 1
            part = text[start:position].lower()
        while position < length and text[position].isspace():
            position += 1
        if not (part or is_quoted) or (position < length and text[position] != separator):
            raise InvalidName("invalid name syntax")
        parts.append(part)
        if position >= length:
            return tuple(parts)
        position += 1


def _quoted(text: str, position: int) -> tuple[str, int]:
    """The identifier whose opening quote is at `position`, and the position after its closing quote."""
    part: list[str] = []
    position += 1
    while position < len(text):
        if text[position] == '"':
            if text[position + 1 : position + 2] != '"':
                return "".join(part), position + 1
            position += 1
        part.append(text[position])
        position += 1
    raise InvalidName("invalid name syntax")


def split_qualified_name(text: str) -> tuple[str, ...]:
    return split_identifiers(text, ".")


def split_search_path(text: str, role_name: str) -> tuple[str, ...]:
    """The schemas of a search_path value, with "$user" replaced."""
    if not text.strip():
        return ()
    return tuple(role_name if name == "$user" else name for name in split_identifiers(text, ","))


def searched_schemas(
    listed: tuple[str, ...], own: str, *, exists: bool, for_definition: bool = False
) -> tuple[str, ...]:
    """Where names are looked for: a session's own temporary schema first, unless the path lists it at another place.

    Args:
        listed: the schemas of search_path.
        own: the name of the session's temporary schema.
        exists: whether it is there. Those of other sessions are searched by nobody.
        for_definition: whether the text of a definition is bound.
    """
    wanted = with_extension_schema(listed) if for_definition else listed
    named = [own if name == TEMPORARY_SCHEMA else name for name in wanted]
    path = [
        name for name in named if not name.startswith(TEMPORARY_SCHEMA_PREFIX) or (name == own and exists)
    ]
    return tuple(path) if own in path or not exists else (own, *path)


def with_extension_schema(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path for the text of a definition, whose names have their schemas, but those of the extension have none."""
    return path if EXTENSION_SCHEMA in path else (*path, EXTENSION_SCHEMA)


def existing_schemas(path: Sequence[str], catalog: Catalog, database_oid: int) -> tuple[str, ...]:
    """Those of a path's schemas that exist, in order."""
    builtin = ("pg_catalog", "information_schema")
    return tuple(name for name in path if name in builtin or catalog.find_schema(database_oid, name))


def with_system_catalog(path: tuple[str, ...]) -> tuple[str, ...]:
    """A search path with pg_catalog where it is searched when nobody lists it: behind temporary objects only."""
    if "pg_catalog" in path:
        return path
    is_temporary = bool(path) and path[0].startswith(TEMPORARY_SCHEMA_PREFIX)
    return (*path[:is_temporary], "pg_catalog", *path[is_temporary:])


def schema_called(name: str, search_path: Sequence[str]) -> str:
    """The schema that a qualified name means: `pg_temp` is the session's own, which is in its path once it exists."""
    if name != TEMPORARY_SCHEMA:
        return name
    return next((schema for schema in search_path if schema.startswith(TEMPORARY_SCHEMA_PREFIX)), name)


def is_of_other_session(schema: str, search_path: Sequence[str]) -> bool:
    """Whether a schema has another session's temporary objects."""
    return schema.startswith(TEMPORARY_SCHEMA_PREFIX) and schema not in search_path


def find_relation(
    catalog: Catalog, database_oid: int, search_path: Sequence[str], parts: Sequence[str]
) -> CatalogObject | None:
    """The stored table, index or sequence a one- to three-part name means; None when there is none."""
    schemas = search_path if len(parts) == 1 else [schema_called(parts[-2], search_path)]
    for schema_name in schemas:
        schema = catalog.find_schema(database_oid, schema_name)
        if schema is not None:
            found = catalog.find_relation(database_oid, schema.oid, parts[-1])
            if found is not None:
                return found
    return None
