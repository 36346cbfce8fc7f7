"""Errors of evaluation and planning, with PostgreSQL's SQLSTATE. Wording stays at the place that raises."""

from __future__ import annotations

from foundation.errors import QuiverError


class InvalidEscapeSequence(QuiverError):
    sqlstate = "22025"


class InvalidUseOfEscapeCharacter(QuiverError):
    sqlstate = "2200C"


class InvalidRegularExpression(QuiverError):
    sqlstate = "2201B"


class InvalidRowCountInLimit(QuiverError):
    sqlstate = "2201W"


class InvalidRowCountInOffset(QuiverError):
    sqlstate = "2201X"


class InvalidArgumentForLogarithm(QuiverError):
    sqlstate = "2201E"


class InvalidArgumentForPower(QuiverError):
    sqlstate = "2201F"


class ZeroLengthString(QuiverError):
    sqlstate = "2200F"


class SubstringError(QuiverError):
    sqlstate = "22011"


class InvalidArgumentForWidthBucket(QuiverError):
    sqlstate = "2201G"


class StringDataLengthMismatch(QuiverError):
    sqlstate = "22026"


class JsonPathError(QuiverError):
    """What a path meets in a document: of these, operators, predicates and `silent` make "unknown"."""


class InvalidDatetimeTemplate(QuiverError):
    """A bad template is never suppressed, unlike a text that does not fit a good one."""

    sqlstate = "22007"


class InvalidJsonSubscript(JsonPathError):
    sqlstate = "22033"


class InvalidArgumentForJsonDatetime(JsonPathError):
    sqlstate = "22031"


class NonNumericJsonItem(JsonPathError):
    sqlstate = "22036"


class SingletonJsonItemRequired(JsonPathError):
    sqlstate = "22038"


class JsonArrayNotFound(JsonPathError):
    sqlstate = "22039"


class JsonMemberNotFound(JsonPathError):
    sqlstate = "2203A"


class JsonNumberNotFound(JsonPathError):
    sqlstate = "2203B"


class JsonObjectNotFound(JsonPathError):
    sqlstate = "2203C"


class InvalidPrecedingOrFollowingSize(QuiverError):
    """Of a window frame."""

    sqlstate = "22013"


class ExclusionViolation(QuiverError):
    sqlstate = "23P01"


class WithCheckOptionViolation(QuiverError):
    sqlstate = "44000"


class InvalidTablesampleArgument(QuiverError):
    sqlstate = "2202H"


class InvalidTablesampleRepeat(QuiverError):
    sqlstate = "2202G"
