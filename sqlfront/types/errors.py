"""Errors that only the codecs raise. Those shared with other packages are in `foundation.errors`."""

from __future__ import annotations

from foundation.errors import QuiverError


class StringDataLengthMismatch(QuiverError):
    sqlstate = "22026"


class InsufficientData(QuiverError):
    """A binary value that ends before its content does; PostgreSQL counts it as a protocol violation."""

    sqlstate = "08P01"


class IntervalFieldOverflow(QuiverError):
    sqlstate = "22015"
