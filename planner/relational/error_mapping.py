"""DuckDB's exceptions as PostgreSQL's errors.

DuckDB reports JSON (errors_as_json) with exception type, subtype and message. Names in its messages are ours
(`r3.r3c0`), so a binder or catalog error is our own mistake or something DuckDB cannot do: XX000 or 0A000, never a
PostgreSQL error about a name the client did not write. What remains are errors of data.
"""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb

from foundation.cancel import CancelToken
from foundation.errors import (
    CardinalityViolation,
    DataException,
    DatetimeFieldOverflow,
    DivisionByZero,
    FeatureNotSupported,
    InternalError,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    OutOfMemory,
    QuiverError,
)
from storage.errors import DiskFull, IoFailure, TooManyOpenFiles


class InvalidRegularExpression(QuiverError):
    sqlstate = "2201B"


class InvalidArgumentForLogarithm(QuiverError):
    sqlstate = "2201E"


class InvalidArgumentForPower(QuiverError):
    sqlstate = "2201F"


class InvalidEscapeSequence(QuiverError):
    sqlstate = "22025"


_INTEGERS = {
    "INT16": "smallint",
    "INT32": "integer",
    "INT64": "bigint",
    "INT128": "bigint",
    "UINT32": "OID",
    "FLOAT": "real",
    "DOUBLE": "double precision",
}

_PATTERNS: tuple[tuple[re.Pattern[str], type[QuiverError], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), error, message)
    for pattern, error, message in (
        ("division by zero", DivisionByZero, "division by zero"),
        (
            "more than one row returned by a subquery",
            CardinalityViolation,
            "more than one row returned by a subquery used as an expression",
        ),
        ("logarithm of zero", InvalidArgumentForLogarithm, "cannot take logarithm of zero"),
        (
            "logarithm of a negative",
            InvalidArgumentForLogarithm,
            "cannot take logarithm of a negative number",
        ),
        (
            "square root of a negative",
            InvalidArgumentForPower,
            "cannot take square root of a negative number",
        ),
        (
            "like pattern must not end with escape",
            InvalidEscapeSequence,
            "LIKE pattern must not end with escape character",
        ),
        (
            r"invalid perl operator|invalid escape sequence",
            FeatureNotSupported,
            "this regular expression is not supported",
        ),
        (
            r"missing \)|missing \]|unexpected \)|invalid character class|no argument for repetition|bad repetition|trailing",
            InvalidRegularExpression,
            "invalid regular expression",
        ),
        (r"unknown timezone '([^']*)'", InvalidParameterValue, 'time zone "{0}" not recognized'),
        ("value out of range: overflow", NumericValueOutOfRange, "value out of range: overflow"),
        ("step size cannot equal zero", InvalidParameterValue, "step size cannot equal zero"),
        (r"timestamp.*out of range|date.*out of range", DatetimeFieldOverflow, "timestamp out of range"),
        (r"interval.*out of range", DatetimeFieldOverflow, "interval out of range"),
    )
)

_OVERFLOW = re.compile(
    r"overflow in .* of (?:value )?\(?(INT16|INT32|INT64|INT128|UINT32|DECIMAL)", re.IGNORECASE
)
_CAST_RANGE = re.compile(r"destination type (\w+)")
_DECIMAL_CAST = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def translate(
    error: duckdb.Error, cancel_token: CancelToken, callback: BaseException | None
) -> BaseException:
    """The exception to raise in place of a DuckDB error.

    `callback` is what one of our own evaluators raised during the statement, if any.
    """
    if isinstance(error, duckdb.InterruptException):
        return cancel_token.error() if cancel_token.is_cancelled() else InternalError("query was interrupted")
    report = _report(str(error))
    message = str(report.get("exception_message", ""))
    if callback is not None and "Python exception occurred" in message:
        return callback
    if isinstance(error, duckdb.OutOfMemoryException):
        return OutOfMemory("out of memory", detail="The relational engine reached its memory limit.")
    if isinstance(error, duckdb.IOException):
        return _while_spilling(message)
    for pattern, kind, text in _PATTERNS:
        found = pattern.search(message)
        if found:
            return kind(text.format(*found.groups()))
    return _out_of_range(error, message) or _by_class(error, message)


def _while_spilling(message: str) -> QuiverError:
    """DuckDB's only files are temporary ones; PostgreSQL's wording for its own."""
    if "No space left" in message or "Could not write all bytes" in message:
        text = "could not write to temporary file: No space left on device"
        return DiskFull(text, hint="Check free disk space.")
    if "Too many open files" in message:
        return TooManyOpenFiles("could not open temporary file: Too many open files")
    return IoFailure(message)


def _report(text: str) -> dict[str, Any]:
    """The JSON part of DuckDB's text; binder errors come as plain text."""
    start = text.find("{")
    if start >= 0:
        try:
            report = json.loads(text[start:])
        except ValueError:
            report = None
        if isinstance(report, dict):
            return report
    return {"exception_message": text}


def _out_of_range(error: duckdb.Error, message: str) -> QuiverError | None:
    overflow = _OVERFLOW.search(message)
    if overflow:
        name = _INTEGERS.get(overflow.group(1).upper())
        return NumericValueOutOfRange(f"{name} out of range" if name else "value overflows numeric format")
    destination = _CAST_RANGE.search(message)
    if destination and "out of range" in message:
        return NumericValueOutOfRange(f"{_INTEGERS.get(destination.group(1), 'value')} out of range")
    decimal = _DECIMAL_CAST.search(message)
    if decimal and isinstance(error, duckdb.ConversionException):
        precision, scale = int(decimal.group(1)), int(decimal.group(2))
        return NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A field with precision {precision}, scale {scale} must round to an absolute value "
            f"less than 10^{precision - scale}.",
        )
    if isinstance(error, duckdb.OutOfRangeException):
        return NumericValueOutOfRange("value out of range: overflow")
    return None


def _by_class(error: duckdb.Error, message: str) -> QuiverError:
    if isinstance(error, duckdb.ConversionException):
        return InvalidTextRepresentation(message)
    if isinstance(error, duckdb.NotImplementedException | duckdb.ParserException):
        return FeatureNotSupported("this query is not supported", detail=message)
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return FeatureNotSupported("this query is not supported", detail=message)
    if isinstance(error, duckdb.InternalException | duckdb.FatalException):
        return InternalError(message)
    if isinstance(error, duckdb.InvalidInputException):
        return InvalidParameterValue(message)
    return DataException(message)
