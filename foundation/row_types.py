"""Row types of this process: the fields of composite types by OID, and those of records by number.

A value of a row type is carried as its text, `(1,"a b")`, with every field in a form that no setting changes
(`sqlfront.types.records`). A composite type that a user made has an OID, random and never used twice, as enums have. A
record, made by ROW(...) or by naming a whole row, has the OID of `record` and in its typmod the number of its shape here;
shapes are kept for as long as the process lives, as PostgreSQL's backends keep theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from foundation.sqltypes import (
    BOOL,
    BYTEA,
    DATE,
    INT2,
    INT4,
    INT8,
    NAME,
    NUMERIC,
    OID,
    RECORD,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TYPES,
    UNKNOWN,
    UUID,
    VARCHAR,
    SqlType,
    TypeInfo,
    plain_oid,
    register_type,
    sql_identifier,
)


@dataclass(frozen=True, slots=True)
class RowShape:
    """Names and types of the fields, in order. A table's row type has an OID and a name besides."""

    names: tuple[str, ...]
    types: tuple[SqlType, ...]
    type_oid: int = 0
    type_name: str = ""


COMPOSITES: dict[int, RowShape] = {}
"""Composite types by OID."""

_NEEDS_QUOTES = re.compile(r'^$|[(),"\\\s\v]', re.ASCII)
_SHAPES: list[RowShape] = []
_NUMBERS: dict[RowShape, int] = {}


def register_composite(oids: tuple[int, int], name: str, schema: str, shape: RowShape) -> None:
    """Make a composite type known, or what is known of it new; `oids` are the type's and its array type's."""
    COMPOSITES[oids[0]] = shape
    shown = sql_identifier(name)
    register_type(TypeInfo(oids[0], name, shown, -1, "C", array_oid=oids[1], schema=schema), pa.utf8())


def record_type(shape: RowShape) -> SqlType:
    """The type of records of a shape."""
    number = _NUMBERS.get(shape)
    if number is None:
        _SHAPES.append(shape)
        number = _NUMBERS.setdefault(shape, len(_SHAPES) - 1)
    return SqlType(RECORD.oid, number)


def anonymous_record(types: tuple[SqlType, ...]) -> SqlType:
    """The type of ROW(...): fields are called f1, f2, ..."""
    return record_type(RowShape(tuple(f"f{number}" for number in range(1, len(types) + 1)), types))


def row_shape(sql_type: SqlType) -> RowShape | None:
    """The fields of a row type; None for other types, and for a record of which nothing is known."""
    if sql_type.oid == RECORD.oid:
        return _SHAPES[sql_type.typmod] if sql_type.typmod >= 0 else None
    return COMPOSITES.get(sql_type.oid)


def is_row_type(oid: int) -> bool:
    return oid == RECORD.oid or oid in COMPOSITES


def quote_field(text: str | None) -> str:
    """A field as it stands between commas."""
    if text is None:
        return ""
    if not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def has_exact_text(sql_type: SqlType) -> bool:
    """Whether values of the type are equal where their texts are, and only there: then rows are compared as texts."""
    shape = row_shape(sql_type)
    if shape is not None:
        return all(map(has_exact_text, shape.types))
    if sql_type.oid == NUMERIC.oid:
        return sql_type.typmod >= 0
    return sql_type.oid in _EXACT or TYPES[sql_type.oid].category == "E"


_EXACT = frozenset(
    known.oid
    for known in (
        BOOL,
        INT2,
        INT4,
        INT8,
        OID,
        TEXT,
        VARCHAR,
        NAME,
        UNKNOWN,
        BYTEA,
        DATE,
        TIME,
        TIMESTAMP,
        TIMESTAMPTZ,
        UUID,
    )
)


def described_type(sql_type: SqlType) -> tuple[int, int]:
    """(OID, typmod) as clients are told them: a whole row of a table has the OID of the table's row type."""
    if sql_type.oid != RECORD.oid:
        oid = plain_oid(sql_type.oid)
        return oid, -1 if TYPES[oid].element_oid == RECORD.oid else sql_type.typmod
    shape = row_shape(sql_type)
    return (shape.type_oid or RECORD.oid) if shape is not None else RECORD.oid, -1
