"""Errors about things both messages and SQL statements name: portals, prepared statements, the failed block."""

from __future__ import annotations

from foundation.errors import QuiverError


class UndefinedPortal(QuiverError):
    sqlstate = "34000"


class DuplicatePortal(QuiverError):
    sqlstate = "42P03"


class UndefinedPreparedStatement(QuiverError):
    sqlstate = "26000"


class DuplicatePreparedStatement(QuiverError):
    sqlstate = "42P05"


class TransactionAborted(QuiverError):
    sqlstate = "25P02"

    def __init__(self) -> None:
        super().__init__("current transaction is aborted, commands ignored until end of transaction block")
