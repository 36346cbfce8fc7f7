"""Errors of COPY streams and options."""

from __future__ import annotations

from foundation.errors import QuiverError


class BadCopyFileFormat(QuiverError):
    sqlstate = "22P04"


class InvalidColumnReference(QuiverError):
    sqlstate = "42P10"
