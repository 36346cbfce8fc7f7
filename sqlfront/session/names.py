"""Names of relations as SQL text gives them: qualified, quoted, found along a search path."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from foundation.errors import InvalidName
from storage.catalog import Catalog, CatalogObject


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
        if position < length and text[position] == '"':
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
        if not part or (position < length and text[position] != separator):
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


def find_relation(
    catalog: Catalog, database_oid: int, search_path: Sequence[str], parts: Sequence[str]
) -> CatalogObject | None:
    """The stored table, index or sequence a one- to three-part name means; None when there is none."""
    schemas = search_path if len(parts) == 1 else [parts[-2]]
    for schema_name in schemas:
        schema = catalog.find_schema(database_oid, schema_name)
        if schema is not None:
            found = catalog.find_relation(database_oid, schema.oid, parts[-1])
            if found is not None:
                return found
    return None
