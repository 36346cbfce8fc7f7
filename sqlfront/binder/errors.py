"""Errors of name and type resolution, with PostgreSQL's SQLSTATEs."""

from __future__ import annotations

from foundation.errors import QuiverError


class AmbiguousColumn(QuiverError):
    sqlstate = "42702"


class AmbiguousFunction(QuiverError):
    """Also operators."""

    sqlstate = "42725"


class AmbiguousParameter(QuiverError):
    sqlstate = "42P08"


class AmbiguousAlias(QuiverError):
    sqlstate = "42P09"


class DuplicateAlias(QuiverError):
    sqlstate = "42712"


class GroupingError(QuiverError):
    sqlstate = "42803"


class WindowingError(QuiverError):
    sqlstate = "42P20"


class IndeterminateType(QuiverError):
    sqlstate = "42P18"


class UndefinedParameter(QuiverError):
    sqlstate = "42P02"


class InvalidColumnReference(QuiverError):
    sqlstate = "42P10"


class InvalidObjectDefinition(QuiverError):
    """An expression that a table may not keep."""

    sqlstate = "42P17"


class InvalidRecursion(QuiverError):
    sqlstate = "42P19"


class GeneratedAlways(QuiverError):
    sqlstate = "428C9"


class InvalidEscapeSequence(QuiverError):
    sqlstate = "22025"


class ReservedName(QuiverError):
    sqlstate = "42939"


class TooManyTargets(QuiverError):
    sqlstate = "54011"


class UnsafeNewEnumValue(QuiverError):
    sqlstate = "55P04"


class InvalidFunctionDefinition(QuiverError):
    sqlstate = "42P13"


class DuplicateFunction(QuiverError):
    sqlstate = "42723"
