"""Collations of columns and index keys. https://www.postgresql.org/docs/15/collation.html

Texts have one order here, that of their bytes, which has several names in PostgreSQL. A column keeps the name that it was
declared with, for the catalogs and for those who compare them with a model.
"""

from __future__ import annotations

from foundation.errors import DatatypeMismatch, UndefinedObject
from foundation.sqltypes import TYPES, SqlType, format_type

COLLATION_NAMES = ("C", "POSIX", "ucs_basic")
"""Those of pg_collation beside "default"."""
_DATABASE_COLLATIONS = ("default", "C.UTF-8", "C.utf8")


def kept_collation(collation: str | None, sql_type: SqlType) -> str:
    """The name that a column or a key of that type keeps; '' for none, and for that of the database.

    Raises:
        UndefinedObject: 42704. DatatypeMismatch: 42804, the type has no collations.
    """
    if collation is None:
        return ""
    bare = collation.removeprefix("pg_catalog.")
    if bare not in (*COLLATION_NAMES, *_DATABASE_COLLATIONS):
        raise UndefinedObject(f'collation "{collation}" for encoding "UTF8" does not exist')
    info = TYPES[sql_type.oid]
    if TYPES.get(info.element_oid, info).category != "S":
        raise DatatypeMismatch(
            f"collations are not supported by type {format_type(sql_type.without_typmod())}"
        )
    return bare if bare in COLLATION_NAMES else ""
