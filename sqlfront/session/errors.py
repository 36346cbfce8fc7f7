"""Errors of sessions and transaction blocks."""

from __future__ import annotations

from foundation.errors import QuiverError


class InFailedTransaction(QuiverError):
    sqlstate = "25P02"

    def __init__(self) -> None:
        super().__init__("current transaction is aborted, commands ignored until end of transaction block")


class NoActiveTransaction(QuiverError):
    sqlstate = "25P01"


class ActiveTransaction(QuiverError):
    sqlstate = "25001"


class ReadOnlyTransaction(QuiverError):
    sqlstate = "25006"


class InvalidSavepoint(QuiverError):
    sqlstate = "3B001"


class InvalidCursorName(QuiverError):
    sqlstate = "34000"


class DuplicateCursor(QuiverError):
    sqlstate = "42P03"


class InvalidStatementName(QuiverError):
    sqlstate = "26000"


class DuplicatePreparedStatement(QuiverError):
    sqlstate = "42P05"


class InvalidAuthorization(QuiverError):
    sqlstate = "28000"


class TooManyConnections(QuiverError):
    sqlstate = "53300"


class WrongParameterCount(QuiverError):
    sqlstate = "08P01"
