"""Type names as SQL writes them, and the SqlType each stands for.

The grammar's own spellings (`int`, `double precision`, `timestamp(3) with time zone`, `char`) are already
translated to pg_type names when a TypeName is made, with schema pg_catalog, as PostgreSQL's parser does.
https://www.postgresql.org/docs/15/datatype.html
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    SyntaxErrorInStatement,
    UndefinedObject,
)
from foundation.sqltypes import (
    BIT,
    BPCHAR,
    INTERVAL,
    NUMERIC,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    TYPES_BY_NAME,
    VARBIT,
    VARCHAR,
    VECTOR_TYPES,
    SqlType,
    array_type,
    numeric_typmod,
    shaped_type,
)
from sqlfront.parser.keywords import words

INT4_MAX = 2**31 - 1
VECTOR_DIMENSIONS_MAX = 16000
SPARSEVEC_DIMENSIONS_MAX = 1_000_000_000
CHARACTER_LENGTH_MAX = 10485760
BIT_LENGTH_MAX = 83886080
NUMERIC_PRECISION_MAX = 1000
TIME_PRECISION_MAX = 6

SERIAL_TYPES = {
    "serial": "int4", "serial4": "int4", "bigserial": "int8", "serial8": "int8", "smallserial": "int2",
    "serial2": "int2",
}  # fmt: skip
"""Not types: spellings of a column with its own sequence. CREATE TABLE and ADD COLUMN alone know them."""

KNOWN_UNSUPPORTED = words(
    "box circle path point polygon line lseg xml hstore ltree citext pg_lsn txid_snapshot bf16vec int8vec"
)
"""Types of PostgreSQL, pgvector and ours that are refused by name rather than unknown."""


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as written. `modifiers` are the texts in parentheses; `dimensions` counts `[]`.

    `position` is the 1-based character position of its first word, for errors; it does not take part in
    comparisons of meaning but is kept for messages.
    """

    name: str
    schema: str | None = None
    modifiers: tuple[str, ...] = ()
    dimensions: int = 0
    position: int | None = None
    is_setof: bool = False

    def spelled(self) -> str:
        """SQL text that names the same type."""
        name = _quoted(self.name) if self.schema is None else f"{_quoted(self.schema)}.{_quoted(self.name)}"
        if self.modifiers:
            name += f"({', '.join(self.modifiers)})"
        return ("SETOF " if self.is_setof else "") + name + "[]" * self.dimensions


def resolve_type(name: TypeName) -> SqlType:
    """The type that a name stands for.

    Raises:
        UndefinedObject: 42704 `type "x" does not exist`.
        FeatureNotSupported: 0A000, a type of PostgreSQL's that this version does not have.
        InvalidParameterValue: 22023, a modifier out of range.
        SyntaxErrorInStatement: 42601, a modifier on a type that takes none.
    """
    info = TYPES_BY_NAME.get(name.name)
    if info is None or name.schema not in (None, info.schema):
        if name.name in KNOWN_UNSUPPORTED and name.schema in (None, "pg_catalog", "public"):
            raise FeatureNotSupported(f"type {name.name} is not supported", position=name.position)
        spelled = name.name if name.schema is None else f"{name.schema}.{name.name}"
        raise UndefinedObject(f'type "{spelled}" does not exist', position=name.position)
    base = SqlType(info.oid, _typmod(info.oid, name))
    if not name.dimensions:
        return base
    try:
        found = array_type(base)
        return shaped_type(found) if name.dimensions > 1 else found
    except KeyError:
        raise UndefinedObject(
            f"could not find array type for data type {info.sql_name}", position=name.position
        ) from None


def _typmod(oid: int, name: TypeName) -> int:
    if not name.modifiers:
        return -1
    handlers = {
        NUMERIC.oid: _numeric, BPCHAR.oid: _character, VARCHAR.oid: _character, BIT.oid: _bit, VARBIT.oid: _bit,
        **{sql_type.oid: _vector for sql_type in VECTOR_TYPES}, TIME.oid: _time, TIMETZ.oid: _time, TIMESTAMP.oid: _time, TIMESTAMPTZ.oid: _time,
        INTERVAL.oid: _interval,
    }  # fmt: skip
    handler = handlers.get(oid)
    if handler is None:
        raise SyntaxErrorInStatement(
            f'type modifier is not allowed for type "{name.name}"', position=name.position
        )
    return handler(name)


def _integers(name: TypeName, counts: tuple[int, ...], error: str) -> list[int]:
    try:
        values = [int(text) for text in name.modifiers]
    except ValueError:
        raise InvalidTextRepresentation(
            f'invalid input syntax for type integer: "{name.modifiers[0]}"', position=name.position
        ) from None
    outside = next((text for text, value in zip(name.modifiers, values) if abs(value) > INT4_MAX), None)
    if outside is not None:
        raise NumericValueOutOfRange(
            f'value "{outside}" is out of range for type integer', position=name.position
        )
    if len(values) not in counts:
        raise InvalidParameterValue(error, position=name.position)
    return values


def _numeric(name: TypeName) -> int:
    values = _integers(name, (1, 2), "invalid NUMERIC type modifier")
    precision, scale = values[0], values[1] if len(values) == 2 else 0
    if not 1 <= precision <= NUMERIC_PRECISION_MAX:
        raise InvalidParameterValue(
            f"NUMERIC precision {precision} must be between 1 and {NUMERIC_PRECISION_MAX}",
            position=name.position,
        )
    if not -NUMERIC_PRECISION_MAX <= scale <= NUMERIC_PRECISION_MAX:
        raise InvalidParameterValue(
            f"NUMERIC scale {scale} must be between -{NUMERIC_PRECISION_MAX} and {NUMERIC_PRECISION_MAX}",
            position=name.position,
        )
    return numeric_typmod(precision, scale)


def _length(name: TypeName, word: str, maximum: int) -> int:
    (length,) = _integers(name, (1,), "invalid type modifier")
    if length < 1:
        raise InvalidParameterValue(f"length for type {word} must be at least 1", position=name.position)
    if length > maximum:
        raise InvalidParameterValue(f"length for type {word} cannot exceed {maximum}", position=name.position)
    return length


def _character(name: TypeName) -> int:
    return _length(name, "char" if name.name == "bpchar" else "varchar", CHARACTER_LENGTH_MAX) + 4


def _bit(name: TypeName) -> int:
    return _length(name, name.name, BIT_LENGTH_MAX)


def _vector(name: TypeName) -> int:
    (dimensions,) = _integers(name, (1,), "invalid type modifier")
    if dimensions < 1:
        raise InvalidParameterValue(
            f"dimensions for type {name.name} must be at least 1", position=name.position
        )
    maximum = SPARSEVEC_DIMENSIONS_MAX if name.name == "sparsevec" else VECTOR_DIMENSIONS_MAX
    if dimensions > maximum:
        raise InvalidParameterValue(
            f"dimensions for type {name.name} cannot exceed {maximum}", position=name.position
        )
    return dimensions


def _time(name: TypeName) -> int:
    (precision,) = _integers(name, (1,), "invalid type modifier")
    # PostgreSQL lowers a larger precision to 6 with a warning and refuses only negative ones.
    return min(precision, TIME_PRECISION_MAX)


def _interval(name: TypeName) -> int:
    values = _integers(name, (1, 2), "invalid INTERVAL type modifier")
    fields = values[0]
    precision = min(values[1], TIME_PRECISION_MAX) if len(values) == 2 else 0xFFFF
    return (fields & 0x7FFF) << 16 | precision


def _quoted(name: str) -> str:
    plain = (
        name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit() and name == name.lower()
    )
    return name if plain and name not in ("char", "user", "table") else '"' + name.replace('"', '""') + '"'
