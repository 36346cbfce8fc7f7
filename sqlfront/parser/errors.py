"""Errors of the parser. `SyntaxErrorInStatement` (42601) and `StatementTooComplex` (54001) come from foundation."""

from __future__ import annotations

from foundation.errors import QuiverError


class InvalidEscapeSequence(QuiverError):
    sqlstate = "22025"
