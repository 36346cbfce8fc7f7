"""Errors of the vector engine, with PostgreSQL's SQLSTATE and, where pgvector has one, pgvector's wording."""

from __future__ import annotations

from foundation.errors import (
    DataException,
    Fault,
    FeatureNotSupported,
    InvalidParameterValue,
    QuiverError,
    UndefinedObject,
)


class DimensionMismatch(DataException):
    """22000: vectors of different lengths meet in one operator or search."""


class UnknownFamily(UndefinedObject):
    """42704: no index family of that name."""


class UnsupportedByFamily(FeatureNotSupported):
    """0A000: the family exists but does not serve this metric or element type."""


class BuildParameterError(InvalidParameterValue):
    """22023: a build parameter is unknown, malformed or out of bounds."""


class UnknownDevice(InvalidParameterValue):
    """22023: no device of that name."""


class DamagedIndex(QuiverError):
    """XX002: index buffers that cannot have been written by this engine for these vectors."""

    sqlstate = "XX002"
    fault = Fault.PERMANENT


class IndexFormatNotSupported(FeatureNotSupported):
    """0A000: index buffers of a format this version does not read; the index must be rebuilt."""


class DistanceBudgetSpent(QuiverError):
    """53400: a search computed as many distances as its caller allowed.

    It never reaches a client: the caller asks again where a long search may run.
    """

    sqlstate = "53400"
    fault = Fault.TRANSIENT
