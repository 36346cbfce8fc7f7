"""Errors that only a wire conversation raises, with PostgreSQL's SQLSTATEs.

`FatalError` marks those after which the connection is closed; their ErrorResponse has severity FATAL.
"""

from __future__ import annotations

from foundation.errors import Fault, QuiverError


class ProtocolViolation(QuiverError):
    """A well-framed message that breaks the protocol; the conversation goes on."""

    sqlstate = "08P01"


class FatalError(QuiverError):
    """Base of errors that end the connection."""

    sqlstate = "XX000"


class FatalProtocolViolation(FatalError):
    """Message framing is lost or the start-up packet makes no sense."""

    sqlstate = "08P01"


class InvalidAuthorization(FatalError):
    sqlstate = "28000"


class InvalidPassword(FatalError):
    sqlstate = "28P01"


class TooManyConnections(FatalError):
    sqlstate = "53300"
    fault = Fault.TRANSIENT


class AuthenticationTimeout(FatalError):
    sqlstate = "57014"


class IdleSessionTimeout(FatalError):
    sqlstate = "57P05"


class IdleInTransactionSessionTimeout(FatalError):
    sqlstate = "25P03"


class InvalidCommandLine(FatalError):
    """A start-up `options` switch that is not understood."""

    sqlstate = "42601"
