"""Errors of sessions and transaction blocks."""

from __future__ import annotations

from foundation.errors import FeatureNotSupported, QuiverError


class NoActiveTransaction(QuiverError):
    sqlstate = "25P01"


class ActiveTransaction(QuiverError):
    sqlstate = "25001"


class ReadOnlyTransaction(QuiverError):
    sqlstate = "25006"


class InvalidSavepoint(QuiverError):
    sqlstate = "3B001"


class WrongParameterCount(QuiverError):
    sqlstate = "08P01"


class ResultTypeChanged(FeatureNotSupported):
    """A prepared statement's columns are no longer those that its client was told.

    pgJDBC and asyncpg prepare a statement again when the routine says so.
    """

    routine = "RevalidateCachedQuery"
