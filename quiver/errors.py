"""Errors of starting and running the server; the command line prints them as one sentence."""

from __future__ import annotations

from foundation.errors import QuiverError


class ConfigurationError(QuiverError):
    sqlstate = "F0000"
