"""Options of COPY: names, defaults and the rules between them, with PostgreSQL's messages.

https://www.postgresql.org/docs/16/sql-copy.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from foundation.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    QuiverError,
    SyntaxErrorInStatement,
)
from foundation.sqltypes import SqlType
from sqlfront.copy.errors import InvalidColumnReference

END_OF_DATA = b"\\."
_FORBIDDEN_TEXT_DELIMITERS = "\\.abcdefghijklmnopqrstuvwxyz0123456789"
_UTF8_NAMES = {"utf8", "utf-8", "unicode"}
_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class CopyFormat(Enum):
    TEXT = "text"
    CSV = "csv"
    BINARY = "binary"


class CopyHeader(Enum):
    """MATCH reads a first line and compares it with the column names."""

    OFF = "off"
    ON = "on"
    MATCH = "match"


@dataclass(frozen=True, slots=True)
class CopyColumn:
    """A column of the stream. `attnum` names it in the batches of a reader; writers go by position."""

    name: str
    attnum: int
    type: SqlType


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Checked options. The column lists of FORCE_* are column names, None = all columns (`*`)."""

    format: CopyFormat = CopyFormat.TEXT
    delimiter: str = "\t"
    null: str = "\\N"
    header: CopyHeader = CopyHeader.OFF
    quote: str = '"'
    escape: str = '"'
    force_quote: tuple[str, ...] | None = ()
    force_null: tuple[str, ...] | None = ()
    force_not_null: tuple[str, ...] | None = ()


def copy_options(given: Sequence[tuple[str, Any]], *, is_from: bool) -> CopyOptions:
    """Options out of (name, value) pairs as the statement gives them.

    Values are strings, bools, or tuples of column names for FORCE_*, where ("*",) means all columns.

    Raises:
        SyntaxErrorInStatement: 42601, unknown or repeated option, or one that does not go with BINARY.
        InvalidParameterValue: 22023, value not allowed. FeatureNotSupported: 0A000, options that exclude
        each other.
    """
    values: dict[str, Any] = {}
    for name, value in given:
        key = name.lower()
        if key in values:
            raise SyntaxErrorInStatement("conflicting or redundant options")
        if key not in _READERS:
            raise SyntaxErrorInStatement(f'option "{name}" not recognized')
        values[key] = _READERS[key](key, value, is_from)
    format = values.get("format", CopyFormat.TEXT)
    _check_presence(values, format)
    is_csv = format is CopyFormat.CSV
    quote = values.get("quote", '"')
    options = CopyOptions(
        format=format,
        delimiter=values.get("delimiter", "," if is_csv else "\t"),
        null=values.get("null", "" if is_csv else "\\N"),
        header=values.get("header", CopyHeader.OFF),
        quote=quote,
        escape=values.get("escape", quote),
        force_quote=values.get("force_quote", ()),
        force_null=values.get("force_null", ()),
        force_not_null=values.get("force_not_null", ()),
    )
    _check_together(options, values, is_from)
    return options


def _string(name: str, value: Any, is_from: bool) -> str:
    return str(value)


def _format(name: str, value: Any, is_from: bool) -> CopyFormat:
    try:
        return CopyFormat(str(value))
    except ValueError:
        raise InvalidParameterValue(f'COPY format "{value}" not recognized') from None


def _flag(name: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return value is not False
    flag = _BOOLEANS.get(str(value).lower())
    if flag is None:
        raise SyntaxErrorInStatement(f"{name} requires a Boolean value")
    return flag


def _header(name: str, value: Any, is_from: bool) -> CopyHeader:
    if isinstance(value, str) and value.lower() == "match":
        if not is_from:
            raise FeatureNotSupported(f'cannot use "{value}" with HEADER in COPY TO')
        return CopyHeader.MATCH
    try:
        return CopyHeader.ON if _flag(name, value) else CopyHeader.OFF
    except SyntaxErrorInStatement:
        raise SyntaxErrorInStatement(f'{name} requires a Boolean value or "match"') from None


def _columns(name: str, value: Any, is_from: bool) -> tuple[str, ...] | None:
    if value is True or value in ("*", ("*",), ["*"]):
        return None
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidParameterValue(f'argument to option "{name}" must be a list of column names')
    return tuple(value)


def _default(name: str, value: Any, is_from: bool) -> str:
    raise FeatureNotSupported("COPY option DEFAULT is not supported")


def _encoding(name: str, value: Any, is_from: bool) -> str:
    if str(value).lower() not in _UTF8_NAMES:
        raise FeatureNotSupported(f'encoding "{value}" is not supported; UTF8 is the only one')
    return "UTF8"


def _freeze(name: str, value: Any, is_from: bool) -> bool:
    """Accepted: rows become visible at commit in any case."""
    frozen = _flag(name, value)
    if frozen and not is_from:
        raise FeatureNotSupported("COPY freeze only available using COPY FROM")
    return frozen


_READERS = {
    "format": _format,
    "freeze": _freeze,
    "delimiter": _string,
    "null": _string,
    "header": _header,
    "quote": _string,
    "escape": _string,
    "force_quote": _columns,
    "force_not_null": _columns,
    "force_null": _columns,
    "encoding": _encoding,
    "default": _default,
}


def _check_presence(values: dict[str, Any], format: CopyFormat) -> None:
    """Options that do not go with the format at all."""
    if format is CopyFormat.BINARY:
        for name in ("delimiter", "null"):
            if name in values:
                raise SyntaxErrorInStatement(f"cannot specify {name.upper()} in BINARY mode")


def _check_single(name: str, value: str) -> None:
    if len(value.encode("utf-8")) != 1:
        raise FeatureNotSupported(f"COPY {name} must be a single one-byte character")


def _check_together(options: CopyOptions, values: dict[str, Any], is_from: bool) -> None:
    is_csv = options.format is CopyFormat.CSV
    _check_single("delimiter", options.delimiter)
    if options.delimiter in "\r\n":
        raise InvalidParameterValue("COPY delimiter cannot be newline or carriage return")
    if "\r" in options.null or "\n" in options.null:
        raise InvalidParameterValue("COPY null representation cannot use newline or carriage return")
    if not is_csv and options.delimiter in _FORBIDDEN_TEXT_DELIMITERS:
        raise InvalidParameterValue(f'COPY delimiter cannot be "{options.delimiter}"')
    if options.format is CopyFormat.BINARY and options.header is not CopyHeader.OFF:
        raise FeatureNotSupported("cannot specify HEADER in BINARY mode")
    if not is_csv and "quote" in values:
        raise FeatureNotSupported("COPY quote available only in CSV mode")
    if is_csv:
        _check_single("quote", options.quote)
        if options.delimiter == options.quote:
            raise InvalidParameterValue("COPY delimiter and quote must be different")
    if not is_csv and "escape" in values:
        raise FeatureNotSupported("COPY escape available only in CSV mode")
    if is_csv:
        _check_single("escape", options.escape)
    _check_force(options, is_from)
    if options.delimiter in options.null:
        raise FeatureNotSupported("COPY delimiter must not appear in the NULL specification")
    if is_csv and options.quote in options.null:
        raise FeatureNotSupported("CSV quote character must not appear in the NULL specification")


def _check_force(options: CopyOptions, is_from: bool) -> None:
    for columns, name, needs_from in (
        (options.force_quote, "quote", False),
        (options.force_not_null, "not null", True),
        (options.force_null, "null", True),
    ):
        if columns == ():
            continue
        if options.format is not CopyFormat.CSV:
            raise FeatureNotSupported(f"COPY force {name} available only in CSV mode")
        if is_from != needs_from:
            direction = "FROM" if needs_from else "TO"
            raise FeatureNotSupported(f"COPY force {name} only available using COPY {direction}")


def forced_columns(
    names: tuple[str, ...] | None, option: str, columns: Sequence[CopyColumn]
) -> tuple[bool, ...]:
    """Per column whether a FORCE_* list names it.

    Raises:
        InvalidColumnReference: 42P10, a name is no column of the stream.
    """
    if names is None:
        return (True,) * len(columns)
    present = {column.name for column in columns}
    for name in names:
        if name not in present:
            raise _unknown_column(option, name)
    return tuple(column.name in names for column in columns)


def _unknown_column(option: str, name: str) -> QuiverError:
    return InvalidColumnReference(f'{option} column "{name}" not referenced by COPY')
